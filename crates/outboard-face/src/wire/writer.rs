//! Writes messages to a byte stream, one at a time and whole. A task owns the stream, so that giving up on a message
//! never leaves half of it behind. It does not order messages that are sent at the same time.

use std::{io, time::Duration};

use rmcp::model::ServerJsonRpcMessage;
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

/// Messages on their way; further ones wait until the client has read.
const QUEUE: usize = 64;
/// How long a client that has stopped reading holds up the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The way to the client.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Vec<u8>>>,
    task: Option<JoinHandle<()>>,
}

impl Writer {
    /// Cancels `gone` when the stream takes no more.
    pub(super) fn new(write: impl AsyncWrite + Send + Unpin + 'static, gone: CancellationToken) -> Self {
        let (queue, lines) = mpsc::channel(QUEUE);
        let task = tokio::spawn(async move {
            if let Err(error) = write_all(write, lines).await {
                tracing::debug!(%error, "the client reads no more");
                gone.cancel();
            }
        });
        Self { queue: Some(queue), task: Some(task) }
    }

    /// Room for one line; `None` when the stream takes no more.
    pub(super) async fn room(&self) -> Option<Room<'_>> {
        self.queue.as_ref()?.reserve().await.ok().map(Room)
    }

    /// Sends a message after those that were sent before.
    pub(super) fn send(
        &self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let queue = self.queue.clone();
        async move {
            let line = to_line(&message)?;
            let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
            queue.ok_or_else(closed)?.send(line).await.map_err(|_| closed())
        }
    }

    /// Writes what is on its way, for a moment, and closes the stream.
    pub(super) async fn close(&mut self) {
        self.queue = None;
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(LAST_WORDS, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

/// A place in the queue.
pub(super) struct Room<'a>(mpsc::Permit<'a, Vec<u8>>);

impl Room<'_> {
    pub(super) fn send(self, line: Vec<u8>) {
        self.0.send(line);
    }
}

fn to_line(message: &ServerJsonRpcMessage) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    Ok(line)
}

async fn write_all(
    mut write: impl AsyncWrite + Send + Unpin,
    mut lines: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(line) = lines.recv().await {
        write.write_all(&line).await?;
        write.flush().await?;
    }
    write.shutdown().await
}
