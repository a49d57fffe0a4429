//! A run that begins with a record: a fresh guest is led along it, what it did and spent is recalled, and what the record
//! leaves open is started. What the mode decides about that stands in `past`.

use std::{collections::BTreeMap, convert::Infallible};

use super::{Over, RunActor, Waiting};
use crate::{
    ids::RequestId,
    journal::{Ending, Event, FORMAT, Opened, Origin, Resumed},
    ports::engine::{Delivered, Delivery, Entry, GuestAsk, GuestRequest, GuestState, Step},
    run::past::{self, GoesOn, Open, Past},
};

impl RunActor {
    /// Leads a fresh guest along its record, then goes on with what the record leaves open. Until then nothing is sent.
    pub(super) async fn relive(&mut self, past: Past) -> Result<Infallible, Over> {
        let mut outside = self.outside();
        self.reopen(&past).await.map_err(Ending::Internal)?;
        let refused = |refused| Ending::Internal(format!("could not {refused}"));
        let guest = self.engine.open(self.world(&past.folded.opened)).map_err(refused)?;
        let mut trail = past.trail();
        let mut step = self.enter(guest, Entry::Start, &mut outside).await;
        let state = loop {
            let recorded = trail.compare(&step.requests).map_err(|divergence| past::diverged(&divergence))?;
            let recorded = if past.is_resumed() { recorded } else { 0 };
            self.take_again(&mut step, recorded).await?;
            let (guest, timer) = match step.state {
                GuestState::Waiting { guest, timer } => (guest, timer),
                ended => break Err(ended),
            };
            let Some(delivery) = trail.next() else { break Ok(Waiting { guest: Some(guest), timer }) };
            self.hand_over_again(&delivery, &past).await.map_err(Ending::Internal)?;
            step = self.enter(guest, Entry::Deliver(vec![delivery]), &mut outside).await;
        };
        if past.is_resumed() {
            trail.whole().map_err(|divergence| past::diverged(&divergence))?;
        }
        // Answers that came with the last one needed, or after the end: the guest did not see them then either.
        while let Some(delivery) = trail.next() {
            self.hand_over_again(&delivery, &past).await.map_err(Ending::Internal)?;
        }
        match state {
            Err(GuestState::Stopped(stopped)) => Err(Ending::Stopped(stopped).into()),
            Err(ended) => {
                self.open_again(&past);
                Err(Ending::of(ended).unwrap_or(Ending::Stuck).into())
            }
            Ok(waiting) => {
                self.open_again(&past);
                self.go_on(waiting, outside).await
            }
        }
    }

    /// Records that the run goes on, and recalls what it did and spent.
    async fn reopen(&mut self, past: &Past) -> Result<(), String> {
        let image = self.engine.image().clone();
        let folded = &past.folded;
        match past.goes_on {
            GoesOn::Repeated { from } => {
                let origin = Some(Origin { run: folded.opened.run.clone(), from });
                let (run, principal) = (self.parts.id.clone(), Some(self.parts.principal.clone()));
                let opened =
                    Opened { format: FORMAT, run, image, origin, principal, ..folded.opened.clone() };
                self.record(vec![Event::Opened(Box::new(opened))]).await
            }
            GoesOn::Resumed { let_go, .. } => {
                let answers = folded.answers();
                let places = folded.asked.iter().map(|request| (request.id, request));
                let places: BTreeMap<RequestId, &GuestRequest> = places.collect();
                for (id, intent) in &folded.intents {
                    let line = places.get(id).and_then(|request| self.line_of(request));
                    self.caller.ledger.recall(intent, line, answers.get(id));
                    self.caller.tally.recall(intent);
                }
                self.caller.budget.spent(u32::try_from(folded.intents.len()).unwrap_or(u32::MAX));
                let resumed = Resumed { at: self.parts.clock.wall(), image, let_go };
                self.record(vec![Event::Resumed(resumed)]).await
            }
        }
    }

    /// Takes in what an entry brought, of which so many requests stand in this run's record.
    async fn take_again(&mut self, step: &mut Step, recorded: usize) -> Result<(), Ending> {
        self.hear(step);
        let new = step.requests.iter().skip(recorded).cloned().map(Event::Asked).collect();
        self.record(new).await.map_err(Ending::Internal)?;
        for request in step.requests.drain(..) {
            self.requests.count(&request)?;
            match &request.what {
                GuestAsk::GiveUp(what) => self.requests.give_up(what),
                _ => self.requests.open(request, None),
            }
        }
        Ok(())
    }

    /// An answer from the record. A run that repeats another one has it in its own record too.
    async fn hand_over_again(&mut self, delivery: &Delivery, past: &Past) -> Result<(), String> {
        if let Delivered::Settled { request, .. } = delivery.what {
            self.requests.close(request);
        }
        self.delivered += 1;
        match past.goes_on {
            GoesOn::Repeated { .. } => self.record(vec![Event::Delivered(delivery.clone())]).await,
            GoesOn::Resumed { .. } => Ok(()),
        }
    }

    /// Starts what the record leaves open.
    fn open_again(&mut self, past: &Past) {
        let mut answers = past.folded.answers();
        for request in self.requests.take_open() {
            match past.open(request.id, &mut answers) {
                Open::Made => self.answer(request),
                Open::Answered(reply) => {
                    let id = request.id;
                    self.requests.open(request, None);
                    self.caller.settle(id, reply);
                }
            }
        }
        self.tell();
    }
}
