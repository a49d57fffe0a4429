//! What waits to be written. Work that somebody waits for is written by whoever waits, if it is little, or wakes the
//! writer; the rest goes along, or is written soon. Each run waits when it is some hundred events ahead, which bounds
//! the queue.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long work that is to be done soon may lie.
const SOON: Duration = Duration::from_millis(10);

/// How soon work is to be done if nobody asks for it before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum When {
    /// With the next work, or when the writer looks by itself.
    Along,
    /// Within milliseconds.
    Soon,
    /// At once.
    Now,
}

/// A queue that is emptied by one at a time: who takes from it holds what writes, so that the order stays.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct State<T> {
    work: VecDeque<T>,
    /// When the writer has to begin at the latest.
    due: Option<Instant>,
    /// When it wakes by itself.
    wakes: Instant,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        let state = State { work: VecDeque::new(), due: None, wakes: Instant::now(), closed: false };
        Self { state: Mutex::new(state), filled: Condvar::new() }
    }

    /// Adds work; after the end it is dropped.
    pub(crate) fn push(&self, work: T, when: When) {
        let mut state = self.state();
        if state.closed {
            return;
        }
        state.work.push_back(work);
        let due = match when {
            When::Along => return,
            When::Soon => Instant::now() + SOON,
            When::Now => Instant::now(),
        };
        self.call(state, due);
    }

    /// Has the writer begin at once.
    pub(crate) fn wake(&self) {
        self.call(self.state(), Instant::now());
    }

    /// Has the writer begin soon.
    pub(crate) fn wake_soon(&self) {
        self.wake_within(SOON);
    }

    /// Has the writer begin within this time.
    pub(crate) fn wake_within(&self, most: Duration) {
        self.call(self.state(), Instant::now() + most);
    }

    fn call(&self, mut state: MutexGuard<'_, State<T>>, due: Instant) {
        state.due = Some(state.due.map_or(due, |known| known.min(due)));
        // One that looks in time anyway is let sleep.
        let notify = due < state.wakes;
        drop(state);
        if notify {
            self.filled.notify_one();
        }
    }

    /// No more work comes.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_one();
    }

    /// Waits until there is work to be done, at most so long.
    pub(crate) fn wait(&self, most: Duration) {
        let end = Instant::now() + most;
        let mut state = self.state();
        loop {
            let until = state.due.map_or(end, |due| due.min(end));
            let now = Instant::now();
            // While it is awake it looks by itself before it sleeps.
            state.wakes = until.max(now);
            if state.closed || now >= until {
                return;
            }
            let waited = self.filled.wait_timeout(state, until - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes all work; whether it was the last.
    pub(crate) fn take(&self) -> (VecDeque<T>, bool) {
        let mut state = self.state();
        state.due = None;
        (std::mem::take(&mut state.work), state.closed)
    }

    /// Takes all work if `suits` says so of all of it.
    pub(crate) fn take_if(&self, suits: impl FnOnce(&VecDeque<T>) -> bool) -> Option<VecDeque<T>> {
        let mut state = self.state();
        if !suits(&state.work) {
            return None;
        }
        state.due = None;
        Some(std::mem::take(&mut state.work))
    }

    /// Puts back what was taken and could not be done; nobody has taken anything since.
    pub(crate) fn put_back(&self, mut work: VecDeque<T>) {
        let mut state = self.state();
        work.append(&mut state.work);
        state.work = work;
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
