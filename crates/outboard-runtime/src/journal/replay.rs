//! Runs a journal again in a fresh guest. Every answer comes from the record, so nothing is sent;
//! the guest's questions are compared with the recorded ones.

use std::sync::Arc;

use outboard_script::NoTools;

use super::{Ending, Event, Folded, Redactor};
use crate::{
    engines::Engines,
    ports::engine::{
        ConsoleLine, EngineRefused, Entry, GuestRequest, GuestState, GuestWorld, Step, StopFlag, Stopped,
    },
    run::program,
};

/// What a replay gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// What the guest asked, in its own order.
    pub asked: Vec<GuestRequest>,
    /// What it wrote to its console.
    pub console: Vec<ConsoleLine>,
    /// How it ended; `None` if it waits for more than the journal holds.
    pub ending: Option<Ending>,
}

/// A replay that does not match its journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Divergence {
    /// The guest could not be started as recorded.
    #[error("the run cannot be started as it was recorded: {0}")]
    Start(String),
    /// The guest asked something else than recorded.
    #[error("request {index} differs from the record: recorded {recorded:?}, now {now:?}")]
    Asked {
        /// Index among the guest's requests, from 0.
        index: usize,
        /// What the journal holds.
        recorded: Option<Box<GuestRequest>>,
        /// What the guest asked now.
        now: Box<GuestRequest>,
    },
    /// The guest asked less than recorded.
    #[error("the run asked {now} times, recorded are {recorded}")]
    AskedLess {
        /// Requests in the record.
        recorded: usize,
        /// Requests now.
        now: usize,
    },
    /// The guest ended otherwise than recorded.
    #[error("the run ended otherwise: recorded {recorded:?}, now {now:?}")]
    Ended {
        /// What the journal holds.
        recorded: Box<Option<Ending>>,
        /// What came now.
        now: Box<Option<Ending>>,
    },
}

/// Replays a folded journal to its end, or to where the record stops.
///
/// A run that the host stopped (a limit, a cancellation) does not stop by itself a second time at the
/// same place, so its recorded ending is taken.
pub async fn replay(engines: &Engines, folded: &Folded) -> Result<Replayed, Divergence> {
    replay_redacted(engines, folded, &Redactor::default()).await
}

/// The same where something was taken out of the record: what the guest does is compared after the same was taken out of
/// it. A script whose calls depend on what was taken out (on a part of it, for example) diverges.
pub async fn replay_redacted(
    engines: &Engines,
    folded: &Folded,
    redactor: &Redactor,
) -> Result<Replayed, Divergence> {
    let mut replayed = Replayed { asked: Vec::new(), console: Vec::new(), ending: None };
    if folded.opened.source.is_empty() {
        return Err(Divergence::Start("it is one tool call, made outside any script".to_owned()));
    }
    let refused = |refused: EngineRefused| Divergence::Start(refused.to_string());
    let engine = engines.of(folded.opened.language).await.map_err(refused)?;
    let mut guest = engine.open(world(folded)?).map_err(refused)?;
    let mut deliveries = folded.deliveries.iter();
    let mut entry = Entry::Start;
    loop {
        let step = guest.enter(entry).await;
        take(&mut replayed, folded, &step, redactor)?;
        match step.state {
            GuestState::Waiting { guest: waiting, .. } => guest = waiting,
            state => {
                // Answers that came in one batch with the last one needed, or after the end, stand in the
                // journal too; the guest never saw them then either.
                replayed.ending = Ending::of(state);
                return same_end(replayed, folded, redactor);
            }
        }
        let Some(delivery) = deliveries.next() else {
            replayed.ending = folded.ending.clone().filter(Ending::is_forced);
            return same_end(replayed, folded, redactor);
        };
        entry = Entry::Deliver(vec![delivery.clone()]);
    }
}

/// Accepts an end that is the recorded one. A journal that a crash cut off records none.
fn same_end(mut replayed: Replayed, folded: &Folded, redactor: &Redactor) -> Result<Replayed, Divergence> {
    let (recorded, now) = (folded.asked.len(), replayed.asked.len());
    if now < recorded {
        return Err(Divergence::AskedLess { recorded, now });
    }
    if let Some(ending) = replayed.ending.take() {
        let mut event = Event::Ended(ending);
        redactor.redact(&mut event);
        replayed.ending = if let Event::Ended(ending) = event { Some(ending) } else { None };
    }
    if folded.ending.is_some() && replayed.ending != folded.ending {
        return Err(Divergence::Ended {
            recorded: Box::new(folded.ending.clone()),
            now: Box::new(replayed.ending),
        });
    }
    Ok(replayed)
}

fn world(folded: &Folded) -> Result<GuestWorld, Divergence> {
    let opened = &folded.opened;
    let prepared = program::prepare(&opened.source, Some(opened.language), &NoTools)
        .map_err(|_| Divergence::Start("the script does not parse".to_owned()))?;
    Ok(GuestWorld {
        program: Arc::from(prepared.program.as_str()),
        namespaces: opened.namespaces.clone(),
        seed: opened.seed,
        started_at: opened.started_at,
        limits: opened.limits.clone(),
        stop: StopFlag::default(),
    })
}

fn take(
    replayed: &mut Replayed,
    folded: &Folded,
    step: &Step,
    redactor: &Redactor,
) -> Result<(), Divergence> {
    for request in &step.requests {
        let index = replayed.asked.len();
        let recorded = folded.asked.get(index);
        // Beyond the record nothing can be compared; the caller decides whether to go on live.
        if recorded.is_some_and(|recorded| recorded != request && !is_redacted(recorded, request, redactor))
            || (recorded.is_none() && folded.ending.as_ref().is_some_and(|ending| !ending.is_forced()))
        {
            return Err(Divergence::Asked {
                index,
                recorded: recorded.cloned().map(Box::new),
                now: Box::new(request.clone()),
            });
        }
        replayed.asked.push(request.clone());
    }
    replayed.console.extend(step.console.iter().cloned());
    Ok(())
}

/// Whether the recorded request is this one without what was taken out.
fn is_redacted(recorded: &GuestRequest, now: &GuestRequest, redactor: &Redactor) -> bool {
    let mut now = Event::Asked(now.clone());
    redactor.redact(&mut now) && matches!(now, Event::Asked(now) if now == *recorded)
}

impl Ending {
    /// The ending that a guest's last state is; `None` while it waits.
    pub(crate) fn of(state: GuestState) -> Option<Self> {
        Some(match state {
            GuestState::Waiting { .. } => return None,
            GuestState::Finished(value) => Self::Value(value),
            GuestState::Threw(thrown) => Self::Threw(thrown),
            GuestState::Stuck => Self::Stuck,
            GuestState::Stopped(stopped) => Self::Stopped(stopped),
        })
    }

    /// Whether the host brought it about.
    fn is_forced(&self) -> bool {
        matches!(
            self,
            Self::Stopped(Stopped::Limit(_) | Stopped::Cancelled | Stopped::Broken) | Self::Internal(_)
        )
    }
}
