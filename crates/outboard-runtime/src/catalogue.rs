//! All tools of all upstreams, with their namespaces, search and declarations.
//!
//! Upstreams publish what they list; runs, search and the face read immutable [`Snapshot`]s.
//! The catalogue does not connect to anything.

mod indexed;
mod listing;
mod member;
mod snapshot;
mod suggest;
mod tool;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use outboard_declare::names::{Names, RESERVED_NAMESPACES};
use tokio::sync::watch;

pub(crate) use listing::declaration;
pub use listing::{Detail, SearchRequest};
pub use member::Member;
pub use snapshot::{Resolved, Snapshot, Unresolved};
pub use tool::{Annotations, Listing, ToolDefinition};

use crate::ids::{Namespace, UpstreamName};

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
    // Held while a snapshot is made and sent, so that snapshots appear in the order of changes.
    members: Arc<Mutex<BTreeMap<UpstreamName, Arc<Member>>>>,
    current: watch::Sender<Arc<Snapshot>>,
}

impl Catalogue {
    /// A catalogue of these upstreams, none of which has listed anything yet. The set is fixed
    /// first so that namespaces do not depend on which upstream answers first.
    pub fn new(upstreams: impl IntoIterator<Item = UpstreamName>) -> Self {
        let upstreams: Vec<UpstreamName> = upstreams.into_iter().collect();
        let originals: Vec<&str> = upstreams.iter().map(UpstreamName::as_str).collect();
        let names = Names::assign(&originals, RESERVED_NAMESPACES);
        let members: BTreeMap<_, _> = upstreams
            .iter()
            .map(|upstream| {
                let namespace = names.identifier(upstream.as_str()).unwrap_or(upstream.as_str());
                (upstream.clone(), Arc::new(Member::new(upstream.clone(), Namespace::new(namespace))))
            })
            .collect();
        let current = watch::Sender::new(Arc::new(Snapshot::of(members.values().cloned(), None)));
        Self { members: Arc::new(Mutex::new(members)), current }
    }

    /// What `upstream` lists now. Ignored if the catalogue was not made with this upstream.
    /// Nobody is woken if nothing changed.
    pub fn publish(&self, upstream: &UpstreamName, listing: Listing) {
        self.change(upstream, |member| {
            (member.listing.as_deref() != Some(&listing)).then(|| member.listing(&Arc::new(listing)))
        });
    }

    /// How `upstream` stands now.
    pub fn set_state(&self, upstream: &UpstreamName, state: UpstreamState) {
        self.change(upstream, |member| (member.state != state).then(|| member.standing(state)));
    }

    /// The catalogue as it is at this moment.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.borrow())
    }

    /// Follows the catalogue: each change is a new snapshot.
    pub fn watch(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.current.subscribe()
    }

    /// Waits until every upstream has listed its tools or failed, at most for `patience`.
    pub async fn settled(&self, patience: Duration) -> Arc<Snapshot> {
        let mut snapshots = self.watch();
        // When patience ends the catalogue stands as it stands.
        let _ = tokio::time::timeout(patience, snapshots.wait_for(|snapshot| snapshot.is_settled())).await;
        self.snapshot()
    }

    fn change(&self, upstream: &UpstreamName, apply: impl FnOnce(&Member) -> Option<Member>) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(member) = members.get_mut(upstream) else { return };
        let Some(changed) = apply(member) else { return };
        *member = Arc::new(changed);
        let before = self.snapshot().latest_index();
        self.current.send_replace(Arc::new(Snapshot::of(members.values().cloned(), before)));
    }
}
