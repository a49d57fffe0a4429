//! What is sent in answer to one request, or beside all requests: kept while it may be wanted again, read by one reader at a
//! time. It knows nothing of how it is written down.

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use hyper::body::Bytes;

/// Messages of one stream that are kept. Beyond them the oldest are gone; the last one, the answer, never is.
const KEPT: usize = 256;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// Its number within the stream, from 1.
    pub(super) index: u64,
    /// The message as JSON.
    pub(super) json: Bytes,
    /// Nothing comes after it.
    pub(super) last: bool,
    /// The code of the error that it is.
    pub(super) error: Option<i32>,
}

/// Messages in order.
#[derive(Debug)]
pub(super) struct Stream {
    /// Its number within its session.
    pub(super) number: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    events: VecDeque<Event>,
    sent: u64,
    ended: bool,
    /// Counts readers: the latest is the only one.
    readers: u64,
    read: bool,
    waker: Option<Waker>,
}

impl Stream {
    pub(super) fn new(number: u64) -> Arc<Self> {
        Arc::new(Self { number, state: Mutex::default() })
    }

    /// Adds a message. After the last one there are no more.
    pub(super) fn push(&self, json: Bytes, last: bool, error: Option<i32>) {
        let mut state = self.state();
        if state.ended {
            return;
        }
        state.sent += 1;
        let event = Event { index: state.sent, json, last, error };
        state.events.push_back(event);
        if state.events.len() > KEPT {
            state.events.pop_front();
        }
        state.ended = last;
        state.wake();
    }

    /// Ends it without an answer.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.ended = true;
        state.wake();
    }

    /// Reads what comes after this message. Whoever read it before reads no more.
    pub(super) fn read(self: &Arc<Self>, after: u64) -> Reader {
        let mut state = self.state();
        state.readers += 1;
        state.read = true;
        state.wake();
        let reader = state.readers;
        drop(state);
        Reader { stream: Arc::clone(self), reader, after }
    }

    /// Whether somebody reads it.
    pub(super) fn is_read(&self) -> bool {
        self.state().read
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.state().events.iter().map(|event| event.json.len()).sum()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// The reader of a stream.
#[derive(Debug)]
pub(super) struct Reader {
    stream: Arc<Stream>,
    reader: u64,
    after: u64,
}

impl Reader {
    /// The number of the stream.
    pub(super) fn number(&self) -> u64 {
        self.stream.number
    }

    /// The next message; `None` when there will be none for this reader.
    pub(super) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.stream.state();
        if state.readers != self.reader {
            return Poll::Ready(None);
        }
        if let Some(event) = state.events.iter().find(|event| event.index > self.after) {
            self.after = event.index;
            return Poll::Ready(Some(event.clone()));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    /// The next message; `None` when there will be none for this reader.
    pub(super) async fn next(&mut self) -> Option<Event> {
        poll_fn(|context| self.poll_next(context)).await
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.stream.state();
        if state.readers == self.reader {
            state.read = false;
            state.waker = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    fn json(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_reader_begins_where_it_was_told_and_takes_the_stream_over() {
        let stream = Stream::new(1);
        let mut first = stream.read(0);
        stream.push(json("1"), false, None);
        stream.push(json("2"), false, None);
        let next = |reader: &mut Reader| reader.next().now_or_never().map(|event| event.map(|e| e.index));
        assert_eq!(
            (next(&mut first), next(&mut first), next(&mut first)),
            (Some(Some(1)), Some(Some(2)), None)
        );
        let mut second = stream.read(1);
        assert_eq!((next(&mut first), next(&mut second)), (Some(None), Some(Some(2))));
        drop(first);
        assert!(stream.is_read());
        stream.push(json("3"), true, None);
        stream.push(json("4"), true, None);
        assert_eq!((next(&mut second), next(&mut second)), (Some(Some(3)), Some(None)));
        drop(second);
        assert!(!stream.is_read());
        assert_eq!(next(&mut stream.read(3)), Some(None));
    }

    #[test]
    fn the_oldest_messages_go_and_the_answer_stays() {
        let stream = Stream::new(1);
        for _ in 0..KEPT + 10 {
            stream.push(json("x"), false, None);
        }
        stream.push(json("answer"), true, None);
        let mut reader = stream.read(0);
        let mut seen = Vec::new();
        while let Some(Some(event)) = reader.next().now_or_never() {
            seen.push(event);
        }
        assert_eq!((seen.len(), seen[0].index), (KEPT, 12));
        assert_eq!(seen[KEPT - 1].json, json("answer"));
    }
}
