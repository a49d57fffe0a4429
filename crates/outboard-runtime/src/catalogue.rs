//! All tools of all upstreams, with their namespaces, search and declarations.
//!
//! Upstreams publish what they list; runs, search and the face read immutable [`Snapshot`]s.
//! The catalogue does not connect to anything.

mod beside;
mod filter;
mod indexed;
mod instructions;
mod listing;
mod member;
mod plural;
mod schema;
mod seat;
mod shape;
mod snapshot;
mod suggest;
mod terms;
mod tool;
mod view;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use outboard_declare::names::{Names, RESERVED_NAMESPACES};
use tokio::sync::{broadcast, watch};

pub use beside::{Beside, Entry};
pub use filter::{BadPattern, ToolFilter};
pub(crate) use listing::call_signature;
pub use listing::{Detail, LARGEST_LIMIT, SearchRequest};
pub use member::Member;
pub use schema::{MakeSchema, Schema};
pub use seat::{Occupant, Placing, Seat};
pub(crate) use shape::{argument, shape};
pub use snapshot::{Resolved, Snapshot, Unresolved};
pub use terms::Terms;
pub use tool::{Annotations, Listing, ToolDefinition};
pub(crate) use view::Judged;

use crate::{
    ids::{Namespace, UpstreamName},
    ports::observer::{Observer, Observing},
};

/// What is known of an upstream's connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamState {
    /// Its tools are known from earlier, and it is started by the first call of one.
    Asleep,
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
    set: Arc<Mutex<Set>>,
    current: watch::Sender<Arc<Snapshot>>,
    updates: broadcast::Sender<Updated>,
    observing: Observing,
}

/// A resource that has changed, by its upstream's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// Whose it is.
    pub namespace: Namespace,
    /// Which.
    pub uri: Arc<str>,
}

/// Changes of resources that are told and not yet heard; the oldest are lost beyond that.
const UPDATES: usize = 256;

#[derive(Debug, Default)]
struct Set {
    members: BTreeMap<UpstreamName, Arc<Member>>,
    names: Names,
    /// Seats given so far.
    seats: u64,
    observing: Observing,
}

impl Catalogue {
    /// A catalogue of these upstreams, none of which has listed anything yet. The set is known
    /// first so that namespaces do not depend on which upstream answers first.
    pub fn new(upstreams: impl IntoIterator<Item = UpstreamName>) -> Self {
        let observing = Observing::default();
        let set = Set { observing: observing.clone(), ..Set::default() };
        let (current, updates) = (watch::Sender::default(), broadcast::Sender::new(UPDATES));
        let catalogue = Self { set: Arc::new(Mutex::new(set)), current, updates, observing };
        catalogue.arrange(upstreams.into_iter().map(Placing::new));
        catalogue
    }

    /// Makes these, and no others, the upstreams of the catalogue, in one step. Namespaces are assigned over the whole
    /// set; those given before stay. Returns the seats of all.
    pub fn arrange(&self, upstreams: impl IntoIterator<Item = Placing>) -> Vec<Seat> {
        let upstreams: Vec<Placing> = upstreams.into_iter().collect();
        let originals: Vec<&str> = upstreams.iter().map(|placing| placing.upstream.as_str()).collect();
        let mut set = self.lock();
        let names = std::mem::take(&mut set.names).retained(|original| originals.contains(&original));
        set.names = names.extended(&originals, RESERVED_NAMESPACES);
        let members: BTreeMap<_, _> =
            upstreams.into_iter().map(|placing| (placing.upstream.clone(), set.place(placing))).collect();
        set.members = members;
        self.show(&set);
        set.members.values().map(|member| self.seat_of(&member.upstream, member.seat)).collect()
    }

    /// The seat of this upstream. If it is not in the catalogue, what the seat says goes nowhere.
    pub fn seat(&self, upstream: &UpstreamName) -> Seat {
        let number = self.lock().members.get(upstream).map_or(0, |member| member.seat);
        self.seat_of(upstream, number)
    }

    /// From now on this observer is shown results, and says what they look like. There is one at most.
    pub fn set_observer(&self, observer: Arc<dyn Observer>) {
        self.observing.set(observer);
    }

    pub(crate) fn observing(&self) -> &Observing {
        &self.observing
    }

    /// What `upstream` lists now. Ignored if it is not in the catalogue.
    /// Nobody is woken if nothing changed.
    pub fn publish(&self, upstream: &UpstreamName, listing: Listing) {
        self.seat(upstream).publish(listing);
    }

    /// How `upstream` stands now.
    pub fn set_state(&self, upstream: &UpstreamName, state: UpstreamState) {
        self.seat(upstream).set_state(state);
    }

    /// The resources that change from now on.
    pub fn updates(&self) -> broadcast::Receiver<Updated> {
        self.updates.subscribe()
    }

    fn updated(&self, seat: &Seat, uri: Arc<str>) {
        let set = self.lock();
        let member = set.members.get(&seat.upstream).filter(|member| member.seat == seat.number);
        if let Some(member) = member {
            // Nobody may listen.
            let _ = self.updates.send(Updated { namespace: member.namespace.clone(), uri });
        }
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

    fn seat_of(&self, upstream: &UpstreamName, number: u64) -> Seat {
        Seat { catalogue: self.clone(), upstream: upstream.clone(), number }
    }

    fn change(&self, seat: &Seat, apply: impl FnOnce(&Member) -> Option<Member>) {
        let mut set = self.lock();
        let Some(member) = set.members.get_mut(&seat.upstream) else { return };
        if member.seat != seat.number {
            return;
        }
        let Some(changed) = apply(member) else { return };
        changed.tell_idle_patterns(Some(member));
        *member = Arc::new(changed);
        self.show(&set);
    }

    fn show(&self, set: &Set) {
        let before = self.snapshot().latest_index();
        self.current.send_replace(Arc::new(Snapshot::of(set.members.values().cloned(), before)));
    }

    fn lock(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Set {
    fn seated(&mut self, upstream: UpstreamName, namespace: Namespace) -> Member {
        self.seats += 1;
        Member::new(upstream, namespace, self.seats, self.observing.clone())
    }

    fn place(&mut self, placing: Placing) -> Arc<Member> {
        let Placing { upstream, terms, occupant } = placing;
        let before = self.members.get(&upstream).cloned();
        let namespace = Namespace::new(self.names.identifier(upstream.as_str()).unwrap_or(upstream.as_str()));
        let member = match (occupant, &before) {
            (Occupant::Same, Some(member)) => member.on(&terms),
            (Occupant::Same, None) => self.seated(upstream, namespace).on(&terms),
            (Occupant::New { kept, state }, _) => {
                let member = self.seated(upstream, namespace).on(&terms).standing(state);
                match kept {
                    Some(kept) => member.listing(&Arc::new(kept)),
                    None => member,
                }
            }
        };
        member.tell_idle_patterns(before.as_deref());
        Arc::new(member)
    }
}
