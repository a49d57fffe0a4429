//! A run that goes on from a record: the guest is led through it again, compared with it step by step, and only then is
//! anything live. What the record answers is not asked again; what it leaves open, the mode decides.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    clock::RunTime,
    ids::RequestId,
    journal::{Divergence, Ending, Folded, Lease},
    ports::engine::{Delivered, Delivery, Engine, Entry, Guest, GuestRequest, GuestState, GuestWorld, Reply},
    reply::{FailureCode, ToolFailure},
};

/// Deliveries handed over at once to a guest that is led along its whole record.
const AT_ONCE: usize = 256;

/// What a run goes on from.
pub(crate) struct Past {
    pub(crate) folded: Folded,
    pub(crate) goes_on: GoesOn,
}

/// How a run goes on from a record.
pub(crate) enum GoesOn {
    /// It is the same run, taken over.
    Resumed {
        /// The right to write its record from here on.
        lease: Lease,
        /// It had been let go while it waited for somebody; otherwise its owner was gone.
        let_go: bool,
    },
    /// It is a new run that repeats the record of another one up to a request.
    Repeated {
        /// The first request that is made anew.
        from: RequestId,
    },
}

/// The way through a record.
pub(super) struct Trail {
    asked: VecDeque<GuestRequest>,
    deliveries: VecDeque<Delivery>,
    /// Requests that the guest made so far.
    seen: usize,
    recorded: usize,
}

/// What is done about a request that the record leaves without an answer.
pub(super) enum Open {
    /// It is made, through the gate like any other.
    Made,
    /// It gets this answer.
    Answered(Reply),
}

impl Past {
    /// The way through the record: of a repeated one up to the answer to its first new request.
    pub(super) fn trail(&self) -> Trail {
        let asked: VecDeque<GuestRequest> = self.folded.asked.iter().cloned().collect();
        let deliveries =
            self.folded.deliveries.iter().take_while(|delivery| match (&self.goes_on, &delivery.what) {
                (GoesOn::Repeated { from }, Delivered::Settled { request, .. }) => request < from,
                _ => true,
            });
        Trail { recorded: asked.len(), deliveries: deliveries.cloned().collect(), asked, seen: 0 }
    }

    /// Whether it is the same run.
    pub(super) fn is_resumed(&self) -> bool {
        matches!(self.goes_on, GoesOn::Resumed { .. })
    }

    /// What the run's clock shows when it goes on.
    pub(super) fn clock(&self) -> RunTime {
        match self.goes_on {
            GoesOn::Resumed { .. } => self.folded.clock(),
            GoesOn::Repeated { .. } => self.trail().deliveries.back().map(|last| last.at).unwrap_or_default(),
        }
    }

    /// What is done about a request without an answer on the trail.
    pub(super) fn open(&self, request: RequestId, answers: &mut BTreeMap<RequestId, Reply>) -> Open {
        match &self.goes_on {
            GoesOn::Repeated { from } if request < *from => match answers.remove(&request) {
                Some(reply) => Open::Answered(reply),
                None => Open::Made,
            },
            GoesOn::Repeated { .. } => Open::Made,
            GoesOn::Resumed { .. } => match self.folded.intents.get(&request) {
                Some(intent) if !intent.read_only && !intent.idempotent => {
                    Open::Answered(Reply::Failed(ToolFailure::new(FailureCode::Interrupted, INTERRUPTED)))
                }
                _ => Open::Made,
            },
        }
    }
}

/// What the script is told of a call that was sent before Outboard ended.
const INTERRUPTED: &str = "Outboard ended after this call was sent and before its answer was recorded: its effect is unknown. \
    It was not sent again, because the tool is neither read-only nor idempotent: look whether it was carried out";

impl Trail {
    /// Compares what the guest asked with the record. Says how many stand there; those beyond the record are new ones.
    pub(super) fn compare(&mut self, requests: &[GuestRequest]) -> Result<usize, Divergence> {
        for (before, now) in requests.iter().enumerate() {
            let index = self.seen;
            let Some(recorded) = self.asked.pop_front() else { return Ok(before) };
            self.seen += 1;
            if recorded != *now {
                return Err(Divergence::Asked {
                    index,
                    recorded: Some(Box::new(recorded)),
                    now: Box::new(now.clone()),
                });
            }
        }
        Ok(requests.len())
    }

    /// The next recorded delivery.
    pub(super) fn next(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    /// Whether the guest asked all that it asked by the record.
    pub(super) fn whole(&self) -> Result<(), Divergence> {
        match self.asked.is_empty() {
            true => Ok(()),
            false => Err(Divergence::AskedLess { recorded: self.recorded, now: self.seen }),
        }
    }

    /// Compares what the guest asked with a record that holds all of it.
    fn compare_all(&mut self, requests: &[GuestRequest]) -> Result<(), Divergence> {
        let recorded = self.compare(requests)?;
        match requests.get(recorded) {
            None => Ok(()),
            Some(beyond) => {
                Err(Divergence::Asked { index: self.seen, recorded: None, now: Box::new(beyond.clone()) })
            }
        }
    }
}

/// Leads a fresh guest along the whole record of a run that has not ended, and gives it where it waits for what comes
/// next. What it asks on the way is compared and has no effect, and what it writes to its console is known.
pub(super) async fn lead(
    engine: Arc<dyn Engine>,
    world: GuestWorld,
    folded: Folded,
) -> Result<Box<dyn Guest>, Ending> {
    let Folded { asked, deliveries, ending, .. } = folded;
    let mut trail =
        Trail { recorded: asked.len(), asked: asked.into(), deliveries: deliveries.into(), seen: 0 };
    let guest = engine.open(world).map_err(|refused| Ending::Internal(format!("could not {refused}")))?;
    let mut step = guest.enter(Entry::Start).await;
    loop {
        let compared = trail.compare_all(&step.requests);
        let guest = match step.state {
            GuestState::Waiting { guest, .. } => guest,
            GuestState::Stopped(stopped) => return Err(Ending::Stopped(stopped)),
            ended => {
                let (recorded, now) = (Box::new(ending), Box::new(Ending::of(ended)));
                return Err(diverged(&Divergence::Ended { recorded, now }));
            }
        };
        compared.map_err(|divergence| diverged(&divergence))?;
        let next = trail.deliveries.len().min(AT_ONCE);
        let batch: Vec<Delivery> = trail.deliveries.drain(..next).collect();
        if batch.is_empty() {
            trail.whole().map_err(|divergence| diverged(&divergence))?;
            return Ok(guest);
        }
        step = guest.enter(Entry::Deliver(batch)).await;
    }
}

/// How a run ends that does not do again what its record says. Nothing was sent since.
pub(super) fn diverged(divergence: &Divergence) -> Ending {
    Ending::Internal(format!(
        "could not go on from its record: {divergence}. The record was made by another version of Outboard or of the \
         sandbox, or is not whole. Nothing was sent since"
    ))
}
