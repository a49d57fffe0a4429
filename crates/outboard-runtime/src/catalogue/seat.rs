//! Who may say what an upstream lists and how it stands. When an upstream is replaced under its name, its old
//! connection may still speak for a while; its seat is another's by then and what it says goes nowhere.

use std::sync::Arc;

use super::{Catalogue, Listing, Terms, UpstreamState};
use crate::ids::UpstreamName;

/// One upstream of the set that a catalogue is to have.
#[derive(Clone, Debug)]
pub struct Placing {
    /// Its configured name.
    pub upstream: UpstreamName,
    /// The terms on which it is used.
    pub terms: Terms,
    /// Whether it is the one that has the name already.
    pub occupant: Occupant,
}

/// Who takes a seat.
#[derive(Clone, Debug)]
pub enum Occupant {
    /// The upstream that has the name already, with its seat, its tools and its state; if none has, a new one that is
    /// starting.
    Same,
    /// Another upstream, with a seat of its own.
    New {
        /// What it listed at an earlier time.
        kept: Option<Listing>,
        /// How it stands.
        state: UpstreamState,
    },
}

impl Placing {
    /// An upstream without terms that keeps its seat.
    pub fn new(upstream: UpstreamName) -> Self {
        Self { upstream, terms: Terms::default(), occupant: Occupant::Same }
    }
}

/// The right to say what one upstream lists and how it stands, until the upstream is replaced or removed.
#[derive(Clone, Debug)]
pub struct Seat {
    pub(super) catalogue: Catalogue,
    pub(super) upstream: UpstreamName,
    pub(super) number: u64,
}

impl Seat {
    /// The upstream that has it.
    pub fn upstream(&self) -> &UpstreamName {
        &self.upstream
    }

    /// Its number, from 1, never given twice by one catalogue.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What the upstream lists now. Nobody is woken if nothing changed.
    pub fn publish(&self, listing: Listing) {
        self.catalogue.change(self, |member| {
            (member.whole.as_deref() != Some(&listing)).then(|| member.listing(&Arc::new(listing)))
        });
    }

    /// Its list of resources, which nobody keeps, has changed.
    pub fn resources_changed(&self) {
        self.catalogue.change(self, |member| Some(member.with_other_resources()));
    }

    /// This resource of the upstream has changed.
    pub fn updated(&self, uri: Arc<str>) {
        self.catalogue.updated(self, uri);
    }

    /// How the upstream stands now.
    pub fn set_state(&self, state: UpstreamState) {
        self.catalogue.change(self, |member| (member.state != state).then(|| member.standing(state)));
    }
}
