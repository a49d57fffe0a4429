//! What a run may still spend on calls: a count that only falls and slots that come back.
//! Time is not its matter.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::{
    limits::Limits,
    ports::engine::Reply,
    reply::{FailureCode, ToolFailure},
};

/// A run's budget of calls.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU32,
    total: u32,
    slots: Arc<Semaphore>,
    /// KiB that answers may take until the script has taken them.
    untaken: Arc<Semaphore>,
}

impl Budget {
    /// The budget that these limits give.
    pub fn new(limits: &Limits) -> Self {
        Self {
            left: AtomicU32::new(limits.calls),
            total: limits.calls,
            slots: Arc::new(Semaphore::new(limits.concurrent_calls.max(1) as usize)),
            untaken: Arc::new(Semaphore::new(usize::try_from(limits.pending >> 10).unwrap_or(0).max(1))),
        }
    }

    /// Takes what was spent before the run was interrupted.
    pub(crate) fn spent(&self, calls: u32) {
        self.left.fetch_sub(calls.min(self.left.load(Ordering::Acquire)), Ordering::AcqRel);
    }

    /// Takes one from the count: of a call, or of a question to Outboard itself.
    pub(crate) fn count(&self) -> Result<(), ToolFailure> {
        let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        let why = || format!("this run has made its {} calls (setting `limits.calls`)", self.total);
        taken.map(drop).map_err(|_| ToolFailure::new(FailureCode::Limit, why()))
    }

    /// Takes one call from the count and waits for a slot, in the order of asking, and until the script has taken what
    /// came before. The slot is free again when the returned value is dropped.
    pub(super) async fn admit(&self) -> Result<OwnedSemaphorePermit, ToolFailure> {
        self.count()?;
        self.slot().await
    }

    /// Waits for a slot alone, for a call that is counted.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, ToolFailure> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let slot = slot.map_err(|_| ToolFailure::new(FailureCode::Limit, "the run is ending"))?;
        // Never closed; what is acquired is given back at once, because only answers take.
        drop(self.untaken.acquire().await);
        Ok(slot)
    }

    /// Counts an answer as one that the script has not taken, until the returned value is dropped. The last one may
    /// be larger than what is left.
    pub(super) fn hold(&self, reply: &Reply) -> Option<OwnedSemaphorePermit> {
        let wanted = reply.weight() / 1_024 + 1;
        loop {
            let fits = wanted.min(self.untaken.available_permits());
            let permits = u32::try_from(fits).ok().filter(|permits| *permits > 0)?;
            match Arc::clone(&self.untaken).try_acquire_many_owned(permits) {
                Ok(held) => return Some(held),
                Err(TryAcquireError::NoPermits) => {}
                Err(TryAcquireError::Closed) => return None,
            }
        }
    }
}
