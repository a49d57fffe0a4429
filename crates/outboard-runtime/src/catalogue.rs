//! All tools of all upstreams, with their namespaces, search and declarations.
//!
//! Upstreams publish what they list; runs, search and the face read immutable [`Snapshot`]s.
//! The catalogue does not connect to anything.

mod snapshot;
mod tool;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::watch;

pub use snapshot::{Member, Resolved, Snapshot, Unresolved};
pub use tool::{Annotations, Listing, ToolDefinition};

use crate::ids::UpstreamName;

/// What is known of an upstream's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// It has not answered yet.
    Starting,
    /// It answers.
    Ready {
        /// From the start of the connection to its first list of tools.
        took: Duration,
    },
    /// It could not be started, or was lost.
    Failed {
        /// What is known, for people.
        reason: String,
    },
}

/// The tools of all upstreams. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Arc<Mutex<BTreeMap<UpstreamName, Entry>>>,
    current: watch::Sender<Arc<Snapshot>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) state: UpstreamState,
    pub(crate) listing: Option<Arc<Listing>>,
}

impl Catalogue {
    /// A catalogue of these upstreams, none of which has listed anything yet. The set is fixed
    /// first so that namespaces do not depend on which upstream answers first.
    pub fn new(upstreams: impl IntoIterator<Item = UpstreamName>) -> Self {
        let entries: BTreeMap<_, _> = upstreams
            .into_iter()
            .map(|name| (name, Entry { state: UpstreamState::Starting, listing: None }))
            .collect();
        let current = watch::Sender::new(Arc::new(Snapshot::build(&entries)));
        Self { entries: Arc::new(Mutex::new(entries)), current }
    }

    /// What `upstream` lists now. Ignored if the catalogue was not made with this upstream.
    /// Nobody is woken if nothing changed.
    pub fn publish(&self, upstream: &UpstreamName, listing: Listing) {
        self.change(upstream, |entry| {
            let same = entry.listing.as_deref() == Some(&listing);
            if !same {
                entry.listing = Some(Arc::new(listing));
            }
            !same
        });
    }

    /// How `upstream` stands now.
    pub fn set_state(&self, upstream: &UpstreamName, state: UpstreamState) {
        self.change(upstream, |entry| {
            let same = entry.state == state;
            entry.state = state;
            !same
        });
    }

    /// The catalogue as it is at this moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.borrow())
    }

    /// Follows the catalogue: each change is a new snapshot.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    fn change(&self, upstream: &UpstreamName, apply: impl FnOnce(&mut Entry) -> bool) {
        let mut entries = self.lock();
        if entries.get_mut(upstream).is_some_and(apply) {
            // Built and sent under the lock, so that snapshots appear in the order of changes.
            self.current.send_replace(Arc::new(Snapshot::build(&entries)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<UpstreamName, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
