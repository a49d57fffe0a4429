//! What a run may still spend on calls: a count that only falls and slots that come back.
//! Time is not its matter.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    limits::Limits,
    reply::{FailureCode, ToolFailure},
};

/// A run's budget of calls.
#[derive(Debug)]
pub struct Budget {
    left: AtomicU32,
    total: u32,
    slots: Arc<Semaphore>,
}

impl Budget {
    /// The budget that these limits give.
    pub fn new(limits: &Limits) -> Self {
        Self {
            left: AtomicU32::new(limits.calls),
            total: limits.calls,
            slots: Arc::new(Semaphore::new(limits.concurrent_calls.max(1) as usize)),
        }
    }

    /// Takes one from the count: of a call, or of a question to Outboard itself.
    pub(crate) fn count(&self) -> Result<(), ToolFailure> {
        let taken = self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1));
        let why = || format!("this run has made its {} calls (limit `calls`)", self.total);
        taken.map(drop).map_err(|_| ToolFailure::new(FailureCode::Limit, why()))
    }

    /// Takes one call from the count and waits for a slot, in the order of asking. The slot is
    /// free again when the returned value is dropped.
    pub(super) async fn admit(&self) -> Result<OwnedSemaphorePermit, ToolFailure> {
        self.count()?;
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        slot.map_err(|_| ToolFailure::new(FailureCode::Limit, "the run is ending"))
    }
}
