//! The streams of one session: which message goes where, and what is kept for a client that lost its connection. Each
//! message goes on one stream alone (MCP 2025-11-25, "Multiple Connections"). It does not know connections.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hyper::body::Bytes;
use rmcp::{
    model::{
        GetExtensions as _, JsonRpcMessage, ProgressToken, ProtocolVersion, RequestId, ServerJsonRpcMessage,
        ServerNotification, ServerResult,
    },
    service::OriginatingRequestId,
};

use super::stream::Stream;

/// Requests of one session that may be under way.
pub(super) const OPEN: usize = 128;
/// Answered requests whose streams are kept, and bytes of these, the latest always.
const ANSWERED: usize = 32;
const ANSWERED_BYTES: usize = 8 << 20;

/// The streams of one session.
pub(super) struct Streams(Mutex<Inner>);

struct Inner {
    /// What belongs to no request.
    common: Arc<Stream>,
    open: HashMap<RequestId, Open>,
    /// Latest last.
    answered: VecDeque<Arc<Stream>>,
    numbers: u64,
    /// The session is over.
    closed: bool,
    /// The revision that was agreed on.
    version: Option<ProtocolVersion>,
}

struct Open {
    stream: Arc<Stream>,
    progress: Option<ProgressToken>,
    /// Its client reads more than the answer.
    streams: bool,
}

impl Streams {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Inner {
            common: Stream::new(0),
            open: HashMap::new(),
            answered: VecDeque::new(),
            numbers: 0,
            closed: false,
            version: None,
        }))
    }

    /// A stream for the answer to a request; `None` if too many are open, or the session is over.
    pub(super) fn open(
        &self,
        id: RequestId,
        progress: Option<ProgressToken>,
        streams: bool,
    ) -> Option<Arc<Stream>> {
        let mut inner = self.inner();
        if inner.closed || inner.open.len() >= OPEN {
            return None;
        }
        inner.numbers += 1;
        let stream = Stream::new(inner.numbers);
        inner.open.insert(id, Open { stream: Arc::clone(&stream), progress, streams });
        Some(stream)
    }

    /// Nobody waits for this answer any more.
    pub(super) fn give_up(&self, id: &RequestId) {
        if let Some(open) = self.inner().open.remove(id) {
            open.stream.end();
        }
    }

    /// The answer on this stream went out whole: its client knows no id to come back with for it.
    pub(super) fn forget(&self, number: u64) {
        self.inner().answered.retain(|stream| stream.number != number);
    }

    /// The session is over: what is not answered by now never is.
    pub(super) fn close(&self) {
        let mut inner = self.inner();
        inner.closed = true;
        inner.common.end();
        inner.open.drain().for_each(|(_, open)| open.stream.end());
    }

    /// Puts a message where it belongs.
    pub(super) fn put(&self, message: &ServerJsonRpcMessage) {
        // Messages of ours always serialise.
        let json = Bytes::from(serde_json::to_vec(message).unwrap_or_default());
        let mut inner = self.inner();
        match message {
            JsonRpcMessage::Response(response) => {
                if let ServerResult::InitializeResult(result) = &response.result {
                    inner.version = Some(result.protocol_version.clone());
                }
                inner.answer(&response.id, json, None);
            }
            JsonRpcMessage::Error(error) => {
                if let Some(id) = &error.id {
                    inner.answer(id, json, Some(error.error.code.0));
                }
            }
            JsonRpcMessage::Notification(notification) => match &notification.notification {
                ServerNotification::ProgressNotification(progress) => {
                    let token = Some(&progress.params.progress_token);
                    let of = inner.open.values().find(|open| open.progress.as_ref() == token);
                    if let Some(open) = of.filter(|open| open.streams) {
                        open.stream.push(json, false, None);
                    }
                }
                _ => inner.common.push(json, false, None),
            },
            JsonRpcMessage::Request(request) => {
                let of = request.request.extensions().get::<OriginatingRequestId>();
                let open = of.and_then(|of| inner.open.get(&of.0)).filter(|open| open.streams);
                open.map_or(&inner.common, |open| &open.stream).push(json, false, None);
            }
        }
    }

    /// What belongs to no request.
    pub(super) fn common(&self) -> Arc<Stream> {
        Arc::clone(&self.inner().common)
    }

    /// The stream of this number, while it is kept.
    pub(super) fn numbered(&self, number: u64) -> Option<Arc<Stream>> {
        let inner = self.inner();
        if number == 0 {
            return Some(Arc::clone(&inner.common));
        }
        let open = inner.open.values().map(|open| &open.stream);
        open.chain(&inner.answered).find(|stream| stream.number == number).cloned()
    }

    /// Whether the client knows what the first event of a stream is good for (2025-11-25); elder ones trip over it.
    pub(super) fn primes(&self) -> bool {
        self.inner().version.as_ref().is_some_and(|version| *version >= ProtocolVersion::V_2025_11_25)
    }

    /// Whether something is under way or somebody listens.
    pub(super) fn is_used(&self) -> bool {
        let inner = self.inner();
        !inner.open.is_empty() || inner.common.is_read()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn answer(&mut self, id: &RequestId, json: Bytes, error: Option<i32>) {
        let Some(open) = self.open.remove(id) else { return };
        open.stream.push(json, true, error);
        self.answered.push_back(open.stream);
        let mut bytes: usize = self.answered.iter().map(|stream| stream.bytes()).sum();
        while self.answered.len() > 1 && (self.answered.len() > ANSWERED || bytes > ANSWERED_BYTES) {
            let Some(oldest) = self.answered.pop_front() else { break };
            bytes -= oldest.bytes();
        }
    }
}
