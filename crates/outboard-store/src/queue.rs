//! What waits to be written. Work that somebody waits for wakes the writer; the rest goes along, or is written soon.
//! Each run waits when it is some hundred events ahead, which bounds the queue.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long work that is to be done soon may lie.
const SOON: Duration = Duration::from_millis(10);

/// How soon work is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// With the next work that wakes the reader, or when it looks by itself.
    Along,
    /// Within milliseconds.
    Soon,
    /// At once: somebody waits.
    Now,
}

/// A queue with one reader.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<T> {
    work: VecDeque<T>,
    when: When,
    closed: bool,
}

/// What the reader gets.
#[derive(Debug)]
pub(crate) struct Batch<T> {
    pub(crate) work: VecDeque<T>,
    /// There will be no more.
    pub(crate) last: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { work: VecDeque::new(), when: When::Along, closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Adds work; after the end it is dropped.
    pub(crate) fn push(&self, work: T, when: When) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.work.push_back(work);
        let wakes = when > state.when;
        state.when = state.when.max(when);
        drop(state);
        if wakes {
            self.filled.notify_one();
        }
    }

    /// No more work comes.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Waits for work, at most so long, and takes all of it.
    pub(crate) fn next(&self, most: Duration) -> Batch<T> {
        let end = Instant::now() + most;
        let mut state = self.state();
        let mut lying: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if state.when == When::Soon {
                lying.get_or_insert(now + SOON);
            }
            let until = lying.map_or(end, |soon| soon.min(end));
            if state.when == When::Now || state.closed || now >= until {
                state.when = When::Along;
                return Batch { work: std::mem::take(&mut state.work), last: state.closed };
            }
            let waited = self.filled.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
