//! The byte streams to the client as an rmcp transport: one JSON-RPC message a line.
//!
//! rmcp's own stdio transport drops lines that it cannot read, so that a client waits for ever, and answers others
//! without their id. This one answers whatever can be answered. It does not handle requests.

mod frame;
mod lines;
mod requests;
mod writer;

use std::{io, sync::Arc};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::silence::Silence;
pub(crate) use frame::{Frame, Refusal, read};
use lines::{Line, Lines};
pub(crate) use requests::Requests;
use writer::Writer;

/// The longest line that is read: far more than any script, far less than memory.
pub(crate) const LONGEST_LINE: usize = 16 << 20;

/// A client at the other end of two byte streams.
pub(crate) struct Wire<R> {
    lines: Lines<R>,
    writer: Writer,
    requests: Requests,
    /// An answer of the transport's own that is not yet on its way.
    refusal: Option<Box<Refusal>>,
    /// Cancelled when the client says no more.
    ended: CancellationToken,
}

impl<R: AsyncRead + Send + Unpin> Wire<R> {
    /// Cancels `ended` at the end of input, and `gone` when nothing can be written any more.
    pub(crate) fn new(
        read: R,
        write: impl AsyncWrite + Send + Unpin + 'static,
        silence: Arc<Silence>,
        ended: CancellationToken,
        gone: CancellationToken,
    ) -> Self {
        let writer = Writer::new(write, gone);
        let lines = Lines::new(read, LONGEST_LINE);
        Self { lines, writer, requests: Requests::new(silence), refusal: None, ended }
    }

    async fn next(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.refusal.is_some() {
                // Waiting for room may be given up and taken up again; only then is the refusal taken.
                let room = self.writer.room().await?;
                if let Some(refusal) = self.refusal.take() {
                    room.send(refusal.to_line());
                }
            }
            let frame = match self.lines.next().await? {
                Line::Whole(line) => read(&line),
                Line::TooLong { head, tail } => Frame::Refused(Refusal::too_long(&head, &tail)),
            };
            match frame {
                Frame::Message(message) => match self.requests.admit(*message) {
                    Ok(message) => return Some(message),
                    Err(refusal) => self.refusal = Some(refusal),
                },
                Frame::Refused(refusal) => self.refusal = Some(refusal),
                Frame::Nothing => {}
            }
        }
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for Wire<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        self.requests.sending(&message);
        self.writer.send(message)
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = self.next().await;
        if message.is_none() {
            self.ended.cancel();
        }
        message
    }

    async fn close(&mut self) -> io::Result<()> {
        self.ended.cancel();
        self.writer.close().await;
        Ok(())
    }
}
