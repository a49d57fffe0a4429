//! The record of a run: append-only, enough to audit it and to replay it exactly.
//!
//! A call's intent is recorded before it is sent (no record, no call) and its outcome before the
//! script sees it. The journal does not decide anything; [`fold`] and [`replay`] read it.

mod event;
mod fold;
mod memory;
mod replay;

pub use event::{Ending, Event, FORMAT, Intent, Opened};
pub use fold::{Folded, Malformed, fold};
pub use memory::MemoryStore;
pub use replay::{Divergence, Replayed, replay};

use futures::future::BoxFuture;

use crate::ids::RunId;

/// Where journals are kept.
pub trait Store: Send + Sync + 'static {
    /// Appends events to a run's journal, all or none, in order. When the future is done they
    /// are as durable as the store promises; the events of one run are read back in the order in
    /// which their appends were called.
    fn append(&self, run: &RunId, events: Vec<Event>) -> BoxFuture<'_, Result<(), StoreFailure>>;

    /// All events of a run so far; empty if the run is not known (any more).
    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>>;
}

/// The journal could not be written or read. No operation is sent without a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal could not be {action}: {reason}")]
pub struct StoreFailure {
    /// `written` or `read`.
    pub action: &'static str,
    /// What is known.
    pub reason: String,
}
