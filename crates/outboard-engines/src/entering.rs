//! The way into a guest. A short entry runs where the runtime asks for it, on a stack of the guest's own, without a
//! change of threads. One that lasts leaves there and goes on on a thread of its own, so that it holds up nobody.
//! Knows no guest. Dropping the future stops the guest that it waits for.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use outboard_runtime::ports::engine::{Delivered, Delivery, Entry, GuestState, Reply, Step, Stopped};
use tokio::runtime::Handle;

/// How long a guest may compute where others wait for the thread. Most entries take less.
pub(crate) const SHORT: Duration = Duration::from_millis(1);

/// A guest that is handed more bytes than this will compute for long.
const LIGHT: usize = 64 << 10;

/// Runs `step`, which is handed `bytes` and pending only when it has lasted longer than [`SHORT`]. Sets `abandoned` when
/// the future is dropped before it is done.
pub(crate) fn enter(
    abandoned: Arc<AtomicBool>,
    bytes: usize,
    step: impl Future<Output = Step> + Send + 'static,
) -> BoxFuture<'static, Step> {
    Box::pin(async move {
        let abandon = Abandon(Some(abandoned));
        let mut step = Box::pin(AssertUnwindSafe(step).catch_unwind());
        let begun = if bytes > LIGHT { Poll::Pending } else { once(step.as_mut()).await };
        let ended = match begun {
            Poll::Ready(ended) => ended.ok(),
            Poll::Pending => {
                let runtime = Handle::current();
                let gone_on = tokio::task::spawn_blocking(move || runtime.block_on(step));
                gone_on.await.ok().and_then(Result::ok)
            }
        };
        abandon.disarm();
        ended.unwrap_or_else(|| {
            tracing::error!("a guest's entry panicked; its run ends, others go on");
            Step {
                requests: Vec::new(),
                console: Vec::new(),
                console_dropped: 0,
                state: GuestState::Stopped(Stopped::Broken),
            }
        })
    })
}

/// Bytes that an entry brings into the guest, about; a script is read before.
pub(crate) fn bytes_of(entry: &Entry) -> usize {
    match entry {
        Entry::Start => 0,
        Entry::Deliver(deliveries) => deliveries.iter().map(size_of).sum(),
    }
}

/// Bytes that a delivery brings into the guest, about.
pub(crate) fn size_of(delivery: &Delivery) -> usize {
    match &delivery.what {
        Delivered::Timer => 0,
        Delivered::Settled { reply: Reply::Value(value), .. } => value.as_str().len(),
        Delivered::Settled { reply: Reply::Failed(failure), .. } => {
            failure.message.len()
                + failure.content.iter().map(|block| block.as_str().len() + 1).sum::<usize>()
        }
    }
}

/// Polls `future` one time.
async fn once<F: Future + Unpin>(mut future: F) -> Poll<F::Output> {
    std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut future).poll(context))).await
}

/// Stops the guest when the future that waits for it is dropped.
struct Abandon(Option<Arc<AtomicBool>>);

impl Abandon {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandon {
    fn drop(&mut self) {
        if let Some(abandoned) = &self.0 {
            abandoned.store(true, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(state: GuestState) -> Step {
        Step { requests: Vec::new(), console: Vec::new(), console_dropped: 0, state }
    }

    #[tokio::test]
    async fn a_short_entry_stays_on_its_thread_and_a_long_one_leaves_it() {
        let here = std::thread::current().id();
        let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
        for (long, bytes) in [(false, 0), (true, 0), (false, LIGHT), (false, LIGHT + 1)] {
            let seen = Arc::clone(&seen);
            let entered = enter(Arc::default(), bytes, async move {
                if long {
                    tokio::task::yield_now().await;
                }
                seen.lock().unwrap().push(std::thread::current().id() == here);
                step(GuestState::Stuck)
            });
            assert!(matches!(entered.await.state, GuestState::Stuck));
        }
        assert_eq!(*seen.lock().unwrap(), [true, false, true, false]);
    }

    #[tokio::test]
    async fn an_entry_that_panics_costs_itself_only() {
        for long in [false, true] {
            let entered = enter(Arc::default(), 0, async move {
                if long {
                    tokio::task::yield_now().await;
                }
                panic!("on purpose")
            });
            assert!(matches!(entered.await.state, GuestState::Stopped(Stopped::Broken)));
        }
    }
}
