//! The byte streams to the client as an rmcp transport: one JSON-RPC message a line.
//!
//! rmcp's own stdio transport drops lines that it cannot read, so that a client waits for ever, and answers others
//! without their id. This one answers whatever can be answered. It does not handle requests.

mod frame;
mod lines;
mod writer;

use std::{collections::HashSet, io, sync::Arc};

use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, ClientNotification, JsonRpcMessage, RequestId, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::silence::Silence;
use frame::{Frame, Refusal};
use lines::{Line, Lines};
use writer::Writer;

/// The longest line that is read: far more than any script, far less than memory.
pub(crate) const LONGEST_LINE: usize = 16 << 20;

/// Requests that have no answer yet.
type Open = Arc<std::sync::Mutex<HashSet<RequestId>>>;

/// A client at the other end of two byte streams.
pub(crate) struct Wire<R> {
    lines: Lines<R>,
    writer: Writer,
    open: Open,
    silence: Arc<Silence>,
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
        Self { lines, writer, open: Open::default(), silence, refusal: None, ended }
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
                Line::Whole(line) => frame::read(&line),
                Line::TooLong { head, tail } => Frame::Refused(Refusal::too_long(&head, &tail)),
            };
            match frame {
                Frame::Message(message) => match self.admit(*message) {
                    Ok(message) => return Some(message),
                    Err(refusal) => self.refusal = Some(refusal),
                },
                Frame::Refused(refusal) => self.refusal = Some(refusal),
                Frame::Nothing => {}
            }
        }
    }

    /// Keeps two requests of one id apart: the second would take the first one's answer.
    fn admit(&self, message: ClientJsonRpcMessage) -> Result<ClientJsonRpcMessage, Box<Refusal>> {
        match &message {
            JsonRpcMessage::Request(request) => {
                if !lock(&self.open).insert(request.id.clone()) {
                    return Err(Refusal::id_in_use(request.id.clone()));
                }
                // An earlier request of this id may have ended before its cancellation was looked at.
                self.silence.take(&request.id);
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                    && lock(&self.open).remove(id)
                {
                    self.silence.cancelled(id, cancelled.params.reason.as_deref());
                }
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {}
        }
        Ok(message)
    }
}

impl<R: AsyncRead + Send + Unpin> Transport<RoleServer> for Wire<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match &message {
            JsonRpcMessage::Response(response) => {
                lock(&self.open).remove(&response.id);
            }
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    lock(&self.open).remove(id);
                }
            }
            JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => {}
        }
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

fn lock(open: &Open) -> std::sync::MutexGuard<'_, HashSet<RequestId>> {
    open.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
