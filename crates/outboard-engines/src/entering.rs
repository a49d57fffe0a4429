//! The way into a guest: from a future of the runtime to a thread of the engine and back.
//! Knows no guest. Dropping the future stops the guest that it waits for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use futures::future::BoxFuture;
use outboard_runtime::ports::engine::{GuestState, Step, Stopped};
use tokio::sync::oneshot;

use crate::threads::Threads;

/// Runs `step` on a thread of `of`. Sets `abandoned` when the future is dropped before it is done.
pub(crate) fn on_threads<T: Send + Sync + 'static>(
    owner: Arc<T>,
    of: fn(&T) -> &Threads,
    abandoned: Arc<AtomicBool>,
    step: impl FnOnce() -> Step + Send + 'static,
) -> BoxFuture<'static, Step> {
    Box::pin(async move {
        let abandon = Abandon(Some(abandoned));
        let (done, outcome) = oneshot::channel();
        of(&owner).run(move || {
            // Nobody waits any more when the run was dropped; the guest is discarded with the step.
            let _ = done.send(step());
        });
        let outcome = outcome.await;
        abandon.disarm();
        outcome.unwrap_or_else(|_| Step {
            requests: Vec::new(),
            console: Vec::new(),
            console_dropped: 0,
            state: GuestState::Stopped(Stopped::Broken),
        })
    })
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
