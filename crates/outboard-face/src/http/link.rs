//! The transport between rmcp and HTTP: messages in by a queue, or a single one; out to where they belong. It carries no
//! bytes.

use std::{io, sync::Arc};

use hyper::body::Bytes;
use rmcp::{
    RoleServer,
    model::{ClientJsonRpcMessage, JsonRpcMessage, ServerJsonRpcMessage},
    transport::Transport,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{stream::Stream, streams::Streams};
use crate::wire::Requests;

/// One end of a conversation.
pub(super) enum Link {
    /// One request and what answers it.
    One { request: Option<Box<ClientJsonRpcMessage>>, stream: Arc<Stream>, answered: CancellationToken },
    /// A session.
    Many {
        incoming: mpsc::Receiver<ClientJsonRpcMessage>,
        requests: Requests,
        streams: Arc<Streams>,
        /// Cancelled when the client says no more.
        ended: CancellationToken,
    },
}

impl Transport<RoleServer> for Link {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        match self {
            Self::One { stream, answered, .. } => {
                let (last, error) = match &message {
                    JsonRpcMessage::Response(_) => (true, None),
                    JsonRpcMessage::Error(error) => (true, Some(error.error.code.0)),
                    JsonRpcMessage::Request(_) | JsonRpcMessage::Notification(_) => (false, None),
                };
                // Since 2026-07-28 a server has no requests of its own.
                if !matches!(message, JsonRpcMessage::Request(_)) {
                    stream.push(Bytes::from(serde_json::to_vec(&message).unwrap_or_default()), last, error);
                }
                if last {
                    answered.cancel();
                }
            }
            Self::Many { requests, streams, .. } => {
                requests.sending(&message);
                streams.put(&message);
            }
        }
        std::future::ready(Ok(()))
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        match self {
            // Its end is that of its answer.
            Self::One { request, .. } => match request.take() {
                Some(request) => Some(*request),
                None => std::future::pending().await,
            },
            Self::Many { incoming, ended, .. } => {
                let message = incoming.recv().await;
                if message.is_none() {
                    ended.cancel();
                }
                message
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        match self {
            Self::One { stream, .. } => stream.end(),
            Self::Many { ended, .. } => ended.cancel(),
        }
        Ok(())
    }
}
