//! Writes a run's journal for its owner, without waiting where nothing outside depends on it: only an intent and the
//! end of a run are waited for, and what was appended before them is durable with them.

use std::sync::Arc;

use futures::FutureExt;

use crate::journal::{Append, Event, Lease, Store, StoreFailure, StoreTrouble, Written};

/// Events that may be on their way to the store before the run waits for it.
const BEHIND: usize = 256;

/// The writing end of one run's journal.
pub(crate) struct Recorder {
    lease: Lease,
    store: Arc<dyn Store>,
    /// The newest append that is not known to be durable, and the events since the last one that is.
    behind: Option<Written>,
    events: usize,
}

impl Recorder {
    pub(crate) fn new(lease: Lease, store: Arc<dyn Store>) -> Self {
        Self { lease, store, behind: None, events: 0 }
    }

    /// Appends events. Fails when the run has been taken over by another owner: then it has to stop. Other troubles
    /// are those of the next intent, which is refused.
    pub(crate) async fn note(&mut self, events: Vec<Event>) -> Result<(), StoreFailure> {
        if events.is_empty() {
            return Ok(());
        }
        let earlier = self.behind.take().and_then(FutureExt::now_or_never);
        still_ours(earlier.unwrap_or(Ok(())))?;
        self.events += events.len();
        let written = self.store.append(&self.lease, Append::from(events));
        if self.events < BEHIND {
            self.behind = Some(written);
            return Ok(());
        }
        self.events = 0;
        still_ours(written.await)
    }

    /// Appends the last events and waits until they and all before them are durable.
    pub(crate) async fn seal(&mut self, last: Vec<Event>) -> Result<(), StoreFailure> {
        self.behind = None;
        self.store.append(&self.lease, Append::from(last)).await
    }

    /// Lets the run go as it stands, so that another Outboard can take it up.
    pub(crate) async fn release(&mut self) -> Result<(), StoreFailure> {
        self.behind = None;
        self.store.release(&self.lease).await
    }
}

fn still_ours(written: Result<(), StoreFailure>) -> Result<(), StoreFailure> {
    match written {
        Err(failure) if failure.trouble == StoreTrouble::NotOwner => Err(failure),
        Err(_) | Ok(()) => Ok(()),
    }
}
