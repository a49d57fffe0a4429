//! What could not be written of each run and is still to be: the next append brings it along, so that a record has no
//! hole when there is room again. Intents are left out: their calls were refused and not made.

use std::collections::HashMap;

use outboard_runtime::{
    ids::RunId,
    journal::{Event, Slot},
};

/// Bytes of unwritten events of one run, and of all together. A run that goes beyond them is given up: its record stays as
/// it is, and nothing is sent for it any more.
const MOST: usize = 64 << 20;
const MOST_IN_ALL: usize = 256 << 20;

/// Events that wait for better times.
#[derive(Debug, Default)]
pub(crate) struct Pending(HashMap<RunId, Left>);

#[derive(Debug, Default)]
struct Left {
    fence: u64,
    events: Vec<Event>,
    bytes: usize,
    given_up: bool,
}

/// Too much could not be written.
#[derive(Debug)]
pub(crate) struct GivenUp;

impl Pending {
    /// What is left of a run under this lease.
    pub(crate) fn of(&self, run: &RunId, fence: u64) -> Result<&[Event], GivenUp> {
        match self.0.get(run) {
            Some(left) if left.fence == fence && left.given_up => Err(GivenUp),
            Some(left) if left.fence == fence => Ok(&left.events),
            _ => Ok(&[]),
        }
    }

    /// These could not be written.
    pub(crate) fn add(&mut self, run: &RunId, fence: u64, events: Vec<Event>) {
        if events.is_empty() || self.0.get(run).is_some_and(|left| left.fence > fence) {
            return;
        }
        let others: usize =
            self.0.iter().filter(|(other, _)| *other != run).map(|(_, left)| left.bytes).sum();
        let left = self.0.entry(run.clone()).or_default();
        if left.fence != fence {
            *left = Left { fence, ..Left::default() };
        }
        if left.given_up {
            return;
        }
        for mut event in events {
            if matches!(event, Event::Intended(_)) {
                continue;
            }
            left.bytes += weight(&mut event);
            left.events.push(event);
        }
        if left.bytes > MOST || others + left.bytes > MOST_IN_ALL {
            tracing::error!(%run, "the record of the run could not be written for too long and is given up");
            *left = Left { fence, given_up: true, ..Left::default() };
        }
    }

    /// Nothing of this run waits any more.
    pub(crate) fn forget(&mut self, run: &RunId) {
        self.0.remove(run);
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.values().all(|left| left.events.is_empty())
    }

    /// The runs of which something waits.
    pub(crate) fn runs(&self) -> Vec<(RunId, u64)> {
        let waiting = self.0.iter().filter(|(_, left)| !left.events.is_empty());
        waiting.map(|(run, left)| (run.clone(), left.fence)).collect()
    }
}

/// About the bytes of an event.
pub(crate) fn weight(event: &mut Event) -> usize {
    let slots = event.slots();
    let bytes = slots.iter().map(|slot| match slot {
        Slot::Json(value) => value.as_str().len(),
        Slot::Text(text) => text.len(),
    });
    64 + bytes.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use outboard_runtime::{journal::Ending, json::Json};

    use super::*;

    #[test]
    fn what_waits_is_bounded_for_each_run_and_for_all_together() {
        let mut pending = Pending::default();
        let value = Json::string(&"x".repeat(MOST / 2));
        let half = || vec![Event::Ended(Ending::Value(Some(value.clone())))];
        let run = |number: usize| RunId::new(format!("r{number}"));
        for number in 0..MOST_IN_ALL / MOST * 2 {
            pending.add(&run(number), 1, half());
        }
        let given_up = |pending: &Pending, number| pending.of(&run(number), 1).is_err();
        assert!(!given_up(&pending, 0) && !given_up(&pending, 6) && given_up(&pending, 7));
        pending.forget(&run(1));
        pending.add(&run(8), 1, half());
        pending.add(&run(0), 1, half());
        assert!(!given_up(&pending, 8) && given_up(&pending, 0), "each has its own bound too");
    }
}
