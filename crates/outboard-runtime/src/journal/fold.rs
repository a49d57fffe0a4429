//! Folds a journal into what is known of its run, refusing what no writer can have written.
//! It decides nothing and touches nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Ending, Event, FORMAT, Intent, Opened, Wrote};
use crate::{
    clock::RunTime,
    ids::RequestId,
    ports::engine::{Delivered, Delivery, GuestRequest, Reply},
    run::Effect,
};

/// What a journal says of its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded {
    /// What the guest started from.
    pub opened: Opened,
    /// What it asked, in its own order.
    pub asked: Vec<GuestRequest>,
    /// The calls that were about to be sent.
    pub intents: BTreeMap<RequestId, Intent>,
    /// What was handed to it, in order.
    pub deliveries: Vec<Delivery>,
    /// How often it was taken over because its owner had died.
    pub interrupted: usize,
    /// What it wrote to its console, once it has ended.
    pub wrote: Wrote,
    /// How it ended, if it did.
    pub ending: Option<Ending>,
}

impl Folded {
    /// What the run's clock showed last.
    pub fn clock(&self) -> RunTime {
        let sent = self.intents.values().map(|intent| intent.at).max();
        self.deliveries.last().map(|delivery| delivery.at).into_iter().chain(sent).max().unwrap_or_default()
    }

    /// The recorded answers.
    pub fn answers(&self) -> BTreeMap<RequestId, Reply> {
        let settled = self.deliveries.iter().filter_map(|delivery| match &delivery.what {
            Delivered::Settled { request, reply } => Some((*request, reply.clone())),
            Delivered::Timer => None,
        });
        settled.collect()
    }

    /// Calls that were sent and may have changed something, in the order in which the guest made them; `line` says where
    /// in the script a request was made.
    pub fn effects(&self, line: &dyn Fn(&GuestRequest) -> Option<u32>) -> Vec<Effect> {
        let answers = self.answers();
        let requests: BTreeMap<RequestId, &GuestRequest> =
            self.asked.iter().map(|request| (request.id, request)).collect();
        let effects = self.intents.iter().filter_map(|(id, intent)| {
            let line = requests.get(id).and_then(|request| line(request));
            Effect::of(intent, line, answers.get(id))
        });
        effects.collect()
    }

    /// Calls that were about to be sent and of which no outcome is recorded: their effect is unknown.
    pub fn unknown(&self) -> impl Iterator<Item = &Intent> {
        let settled: BTreeSet<RequestId> = self.deliveries.iter().filter_map(settles).collect();
        self.intents.values().filter(move |intent| !settled.contains(&intent.request))
    }
}

/// A journal that no writer of ours can have written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The first event is not `Opened`.
    #[error("the journal does not begin with the opening of a run")]
    NotOpened,
    /// It was written by a newer version.
    #[error("the journal has format {found}, this version reads up to {FORMAT}")]
    Newer {
        /// Its version.
        found: u32,
    },
    /// An event stands where it cannot.
    #[error("event {index} of the journal cannot stand there: {reason}")]
    OutOfPlace {
        /// Its index from 0.
        index: usize,
        /// Why not.
        reason: &'static str,
    },
}

/// Folds the events of one run.
pub fn fold(events: &[Event]) -> Result<Folded, Malformed> {
    let Some((Event::Opened(opened), rest)) = events.split_first() else { return Err(Malformed::NotOpened) };
    if opened.format > FORMAT {
        return Err(Malformed::Newer { found: opened.format });
    }
    let mut folded = Folded {
        opened: (**opened).clone(),
        asked: Vec::new(),
        intents: BTreeMap::new(),
        deliveries: Vec::new(),
        interrupted: 0,
        wrote: Wrote::default(),
        ending: None,
    };
    let mut seen = Seen::default();
    for (index, event) in (1..).zip(rest) {
        take(&mut folded, &mut seen, event).map_err(|reason| Malformed::OutOfPlace { index, reason })?;
    }
    Ok(folded)
}

/// What stood in the journal so far.
#[derive(Default)]
struct Seen {
    asked: BTreeSet<RequestId>,
    settled: BTreeSet<RequestId>,
    /// Since the run was taken over last.
    intended: BTreeSet<RequestId>,
}

/// Takes one event in.
fn take(folded: &mut Folded, seen: &mut Seen, event: &Event) -> Result<(), &'static str> {
    if folded.ending.is_some() {
        return Err("the run has ended");
    }
    match event {
        Event::Opened(_) => return Err("the run is open already"),
        Event::Asked(request) => {
            seen.asked.insert(request.id);
            folded.asked.push(request.clone());
        }
        Event::Intended(intent) => {
            if !seen.asked.contains(&intent.request) {
                return Err("nobody asked for this call");
            }
            if seen.settled.contains(&intent.request) || !seen.intended.insert(intent.request) {
                return Err("the call was about to be sent before");
            }
            folded.intents.insert(intent.request, intent.clone());
        }
        Event::Delivered(delivery) => {
            if folded.deliveries.last().is_some_and(|last| last.at > delivery.at) {
                return Err("the run's clock goes backwards");
            }
            seen.settled.extend(settles(delivery));
            folded.deliveries.push(delivery.clone());
        }
        Event::Resumed(resumed) => {
            seen.intended.clear();
            folded.interrupted += usize::from(!resumed.let_go);
        }
        Event::Wrote(wrote) => folded.wrote = wrote.clone(),
        Event::Ended(ending) => folded.ending = Some(ending.clone()),
    }
    Ok(())
}

fn settles(delivery: &Delivery) -> Option<RequestId> {
    match delivery.what {
        Delivered::Settled { request, .. } => Some(request),
        Delivered::Timer => None,
    }
}
