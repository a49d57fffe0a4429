//! The threads on which guests run. WebAssembly uses the native stack, and guests are given far
//! more of it than an ordinary thread has. Threads are started when all are busy, up to a maximum,
//! so that a script that computes for long does not hold up others. They know nothing of guests.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

/// Work for one of the threads.
type Job = Box<dyn FnOnce() + Send>;

/// Threads with large stacks that take jobs in turn.
pub struct Threads {
    shared: Arc<Shared>,
    stack: usize,
    maximum: usize,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    // Bounded by the slots of the pool: only an open guest can be entered, and only once at a time.
    jobs: VecDeque<Job>,
    idle: usize,
    threads: usize,
    closed: bool,
}

impl Threads {
    /// No thread yet; up to `maximum`, each with `stack` bytes, of which only what is used is taken.
    pub fn new(maximum: usize, stack: usize) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), work: Condvar::new() });
        Self { shared, stack, maximum: maximum.max(1) }
    }

    /// Runs `job` on one of the threads as soon as one is free. A job that panics costs itself only.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        state.jobs.push_back(Box::new(job));
        let more = state.jobs.len() > state.idle && state.threads < self.maximum;
        if more {
            state.threads += 1;
        }
        drop(state);
        if more {
            self.start_thread();
        } else {
            self.shared.work.notify_one();
        }
    }

    fn start_thread(&self) {
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().name("outboard-guest".into()).stack_size(self.stack);
        if let Err(error) = builder.spawn(move || shared.work_off()) {
            let mut state = self.shared.lock();
            state.threads -= 1;
            if state.threads == 0 {
                // Dropping a job tells whoever waits for it.
                state.jobs.clear();
            }
            tracing::warn!(%error, "could not start a thread for guests");
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work_off(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a guest's thread panicked; its run ends, the thread goes on");
                }
                state = self.lock();
            } else if state.closed {
                state.threads -= 1;
                return;
            } else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_busy_thread_does_not_hold_up_the_next_job() {
        let threads = Threads::new(2, 1 << 20);
        let (release, held) = mpsc::sync_channel::<()>(1);
        let (done, finished) = mpsc::sync_channel(100);
        threads.run(move || held.recv().unwrap());
        threads.run(move || done.send(()).unwrap());
        finished.recv().unwrap();
        release.send(()).unwrap();
    }

    #[test]
    fn a_job_that_panics_costs_itself_only() {
        let threads = Threads::new(1, 1 << 20);
        let (done, finished) = mpsc::sync_channel(100);
        threads.run(|| panic!("on purpose"));
        threads.run(move || done.send(()).unwrap());
        finished.recv().unwrap();
    }

    #[test]
    fn jobs_beyond_the_maximum_wait_their_turn() {
        let threads = Threads::new(1, 1 << 20);
        let (done, finished) = mpsc::sync_channel(100);
        for n in 0..100 {
            let done = done.clone();
            threads.run(move || done.send(n).unwrap());
        }
        drop(done);
        assert_eq!(finished.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }
}
