//! Looking out for an answer that will be there in a moment. Where a thread that sleeps is woken in some 50 µs, as on many
//! virtual machines, and the server answers sooner, looking for a while is quicker than sleeping. It is given up where the
//! server takes longer, and tried again now and then.

use std::{
    num::NonZero,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tokio::task::yield_now;

/// How long it looks after a request was written.
const WINDOW: Duration = Duration::from_micros(100);
/// After looking in vain it sleeps so many times at once.
const REST: u32 = 15;

/// What one transport knows of its upstream's haste. Only the transport's task uses it.
pub(super) struct Lookout {
    /// Nothing came since the last request went out.
    waiting: AtomicBool,
    /// For so many requests it does not look.
    rest: AtomicU32,
    window: Duration,
    /// On one processor, looking would keep the upstream from answering.
    alone: bool,
}

impl Lookout {
    pub(super) fn new() -> Self {
        let alone = std::thread::available_parallelism().map_or(1, NonZero::get) < 2;
        Self { waiting: AtomicBool::new(false), rest: AtomicU32::new(0), window: WINDOW, alone }
    }

    /// Something came.
    pub(super) fn heard(&self) {
        self.waiting.store(false, Relaxed);
    }

    /// Lets everybody else go on, and looks at the pipe between, until something comes, there is more to write, or it takes
    /// too long.
    pub(super) async fn watch(&self, more: impl Fn() -> bool) {
        if self.alone || self.rests() {
            return;
        }
        let begun = Instant::now();
        self.waiting.store(true, Relaxed);
        while self.waiting.load(Relaxed) && !more() {
            if begun.elapsed() > self.window {
                self.rest.store(REST, Relaxed);
                return;
            }
            yield_now().await;
        }
    }

    fn rests(&self) -> bool {
        let rest = self.rest.load(Relaxed);
        self.rest.store(rest.saturating_sub(1), Relaxed);
        rest > 0
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::join;

    use super::*;

    /// How often it looked at one request.
    async fn looks(lookout: &Lookout, answered_after: Option<u32>) -> u32 {
        let looked = Cell::new(0);
        let watch = lookout.watch(|| {
            looked.set(looked.get() + 1);
            false
        });
        let answer = async {
            for _ in 0..answered_after.unwrap_or(0) {
                yield_now().await;
            }
            if answered_after.is_some() {
                lookout.heard();
            }
        };
        join!(watch, answer);
        looked.get()
    }

    #[tokio::test]
    async fn it_looks_while_that_pays() {
        let mut lookout = Lookout { alone: false, window: Duration::MAX, ..Lookout::new() };
        assert!(looks(&lookout, Some(3)).await >= 3);
        lookout.window = Duration::ZERO;
        assert!(looks(&lookout, None).await > 0, "in vain");
        lookout.window = Duration::MAX;
        for _ in 0..REST {
            assert_eq!(looks(&lookout, Some(0)).await, 0);
        }
        assert!(looks(&lookout, Some(1)).await > 0, "tried again");
        assert!(looks(&lookout, Some(1)).await > 0);
    }

    #[tokio::test]
    async fn on_one_processor_it_does_not_look() {
        let lookout = Lookout { alone: true, ..Lookout::new() };
        assert_eq!(looks(&lookout, None).await, 0);
    }
}
