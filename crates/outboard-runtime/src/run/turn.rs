//! A run's turn among those that may be under way at once. It ends with the run, and is given back while the run is parked.
//! How many turns there are is the runtime's matter.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;

use super::Progress;

/// The turn of one run, which it has or not.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Semaphore>,
    held: Option<OwnedSemaphorePermit>,
}

impl Turn {
    /// One of these turns, not taken yet.
    pub(crate) fn of(turns: &Arc<Semaphore>) -> Self {
        Self { turns: Arc::clone(turns), held: None }
    }

    /// Waits for the turn, in the order of asking, and tells who watches if that takes time. Gives whether the run has it:
    /// not if it is cancelled before.
    pub(crate) async fn take(
        &mut self,
        progress: &watch::Sender<Progress>,
        cancel: &CancellationToken,
    ) -> bool {
        if self.held.is_none() {
            self.held = match Arc::clone(&self.turns).try_acquire_owned() {
                Ok(turn) => Some(turn),
                Err(_) => {
                    progress.send_modify(|progress| progress.queued = true);
                    let turn = cancel.run_until_cancelled(Arc::clone(&self.turns).acquire_owned()).await;
                    progress.send_modify(|progress| progress.queued = false);
                    // The semaphore is never closed.
                    turn.and_then(Result::ok)
                }
            };
        }
        self.held.is_some()
    }

    /// Lets another run have it.
    pub(crate) fn give_back(&mut self) {
        self.held = None;
    }
}
