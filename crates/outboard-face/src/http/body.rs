//! Bodies of answers: a text, or events (SSE) as they come, with comments between them that keep the connection alive.
//! It does not know what the events say.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use tokio_util::{
    sync::{DropGuard, WaitForCancellationFutureOwned},
    task::task_tracker::TaskTrackerToken,
};

use super::stream::{Event, Reader};

/// Milliseconds after which a client that lost its connection comes back.
const RETRY: u64 = 1_000;

/// The body of an answer.
pub(super) enum Reply {
    /// A text, or nothing.
    Whole(Option<Bytes>),
    /// Events.
    Events(Box<Events>),
}

/// Events until the last one.
pub(super) struct Events {
    reader: Reader,
    /// What was read already, or is sent before all else.
    ready: Option<Bytes>,
    ended: bool,
    /// Events have ids, for clients that know how to come back for what they missed.
    ids: bool,
    every: Duration,
    silent: Pin<Box<Sleep>>,
    /// Ends it early.
    until: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    /// Dropped with it: what else ends when the client is gone.
    gone: Option<DropGuard>,
    /// Dropped with it: the request is over.
    token: Option<TaskTrackerToken>,
}

impl Events {
    pub(super) fn new(reader: Reader, keep_alive: Duration) -> Self {
        Self {
            reader,
            ready: None,
            ended: false,
            ids: false,
            every: keep_alive,
            silent: Box::pin(sleep(keep_alive)),
            until: None,
            gone: None,
            token: None,
        }
    }

    /// Events have ids; with `prime` the client is given one to come back with before there is any.
    pub(super) fn with_ids(mut self, prime: bool) -> Self {
        self.ids = true;
        if prime {
            self.ready =
                Some(Bytes::from(format!("id: {}-0\nretry: {RETRY}\ndata:\n\n", self.reader.number())));
        }
        self
    }

    /// This event was read already.
    pub(super) fn beginning_with(mut self, event: Option<Event>) -> Self {
        if let Some(event) = event {
            let written = self.write(&event);
            let mut ready = self.ready.take().map(Vec::from).unwrap_or_default();
            ready.extend_from_slice(&written);
            self.ready = Some(Bytes::from(ready));
        }
        self
    }

    /// Ends when this is cancelled.
    pub(super) fn until(mut self, until: WaitForCancellationFutureOwned) -> Self {
        self.until = Some(Box::pin(until));
        self
    }

    /// Cancels this when the client goes.
    pub(super) fn with_guard(mut self, gone: DropGuard) -> Self {
        self.gone = Some(gone);
        self
    }

    /// Holds this until the client has everything.
    pub(super) fn hold(&mut self, token: TaskTrackerToken) {
        self.token = Some(token);
    }

    fn write(&mut self, event: &Event) -> Bytes {
        self.ended |= event.last;
        let mut written = Vec::with_capacity(event.json.len() + 64);
        if self.ids {
            written.extend_from_slice(format!("id: {}-{}\n", self.reader.number(), event.index).as_bytes());
        }
        written.extend_from_slice(b"event: message\ndata: ");
        // A JSON text of one line: serde_json escapes line breaks in texts and writes none between.
        written.extend_from_slice(&event.json);
        written.extend_from_slice(b"\n\n");
        Bytes::from(written)
    }

    fn next(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(ready) = self.ready.take() {
            return Poll::Ready(Some(ready));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        match self.reader.poll_next(context) {
            Poll::Ready(Some(event)) => return Poll::Ready(Some(self.write(&event))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {}
        }
        if let Some(until) = &mut self.until
            && until.as_mut().poll(context).is_ready()
        {
            return Poll::Ready(None);
        }
        if self.silent.as_mut().poll(context).is_ready() {
            return Poll::Ready(Some(Bytes::from_static(b":\n\n")));
        }
        Poll::Pending
    }
}

impl Reply {
    /// A text.
    pub(super) fn of(text: impl Into<Bytes>) -> Self {
        Self::Whole(Some(text.into()))
    }

    /// Holds this until the client has everything. Of a text hyper has it all at once.
    pub(super) fn hold(&mut self, token: TaskTrackerToken) {
        if let Self::Events(events) = self {
            events.hold(token);
        }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(text) => Poll::Ready(text.take().map(|text| Ok(Frame::data(text)))),
            Self::Events(events) => {
                let next = events.next(context);
                if let Poll::Ready(Some(_)) = &next {
                    let every = events.every;
                    events.silent.as_mut().reset(Instant::now() + every);
                }
                next.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(text) => SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64)),
            Self::Events(_) => SizeHint::default(),
        }
    }
}
