//! Where a run's calls are recorded: intents go to the journal before anything is sent, outcomes
//! to the run's owner, which journals them in the order in which the script will see them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::{
    approval::{SoFar, Spending},
    clock::RunTime,
    ids::RequestId,
    journal::{Append, Event, Intent, Lease, Store, StoreFailure, StoreTrouble},
    ports::engine::Reply,
    reply::{FailureCode, ToolFailure},
    run::{Effect, RunClock},
};

/// The answer to a request, on its way to the run's owner.
#[derive(Debug)]
pub struct Settled {
    /// Which request.
    pub request: RequestId,
    /// Its answer.
    pub reply: Reply,
    /// What it takes of the run's room for answers; dropped when the script has it.
    pub held: Option<OwnedSemaphorePermit>,
}

/// What a run's owner is told of its calls.
#[derive(Debug)]
pub enum Told {
    /// One has its answer.
    Settled(Settled),
    /// One waits for a person.
    Asks(RequestId),
    /// It does not any more, whatever came of it.
    Asked(RequestId),
}

/// Records the calls of one run.
pub struct Ledger {
    lease: Lease,
    clock: Arc<RunClock>,
    store: Arc<dyn Store>,
    owner: mpsc::UnboundedSender<Told>,
    effects: Mutex<BTreeMap<RequestId, Effect>>,
    /// Calls sent to tools that are declared read-only, by name.
    reads: Mutex<BTreeMap<String, u32>>,
    /// The run has left memory: none of its calls goes on.
    parked: watch::Sender<bool>,
}

/// A call that waits for a person, until dropped.
pub(super) struct Asking<'a> {
    ledger: &'a Ledger,
    request: RequestId,
}

impl Asking<'_> {
    /// The person has answered. Waits until the run is in memory, so that nothing is sent for one that cannot go on.
    pub(super) async fn over(self) {
        let parked = &self.ledger.parked;
        // Whoever parks the run learns of this first, or this learns that it is parked.
        drop(self);
        // The sender lives as long as the ledger.
        let _ = parked.subscribe().wait_for(|parked| !parked).await;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        // As with answers.
        let _ = self.ledger.owner.send(Told::Asked(self.request));
    }
}

impl Ledger {
    /// A ledger that writes to `store` and tells `owner`.
    pub fn new(lease: impl Into<Lease>, store: Arc<dyn Store>, owner: mpsc::UnboundedSender<Told>) -> Self {
        let clock = Arc::new(RunClock::showing(RunTime::default()));
        let (effects, reads) = (Mutex::default(), Mutex::default());
        let parked = watch::Sender::new(false);
        Self { lease: lease.into(), clock, store, owner, effects, reads, parked }
    }

    /// The same by the clock of its run.
    pub(crate) fn by(self, clock: Arc<RunClock>) -> Self {
        Self { clock, ..self }
    }

    /// Records that a call is about to be sent, and uses up the approval that it rests on. On failure it must not be
    /// sent.
    pub(super) async fn intend(
        &self,
        mut intent: Intent,
        line: Option<u32>,
        spending: Option<Spending>,
    ) -> Result<(), ToolFailure> {
        intent.at = self.clock.now();
        let request = intent.request;
        let tool = format!("{}.{}", intent.namespace, intent.tool);
        let effect = Effect::possible(&intent, line);
        let append = Append { events: vec![Event::Intended(intent)], spends: spending.into_iter().collect() };
        self.store.append(&self.lease, append).await.map_err(|failure| unrecorded(&failure))?;
        match effect {
            Some(effect) => {
                self.effects().insert(request, effect);
            }
            None => self.read(tool),
        }
        Ok(())
    }

    /// Waits until what led here is recorded: the answer of a person who is asked about it may find another process. A record
    /// that cannot be written keeps nobody from being asked; it is the intent that needs it.
    pub(super) async fn written(&self) {
        if let Err(failure) = self.store.append(&self.lease, Append::default()).await {
            tracing::debug!(run = %self.lease.run, %failure, "what a person is asked about is not recorded");
        }
    }

    fn read(&self, tool: String) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        *reads.entry(tool).or_default() += 1;
    }

    /// Remembers a call that was sent before the run was interrupted, with its answer if there is one.
    pub(crate) fn recall(&self, intent: &Intent, line: Option<u32>, reply: Option<&Reply>) {
        if let Some(effect) = Effect::of(intent, line, reply) {
            self.effects().insert(intent.request, effect);
        } else if intent.read_only {
            self.read(format!("{}.{}", intent.namespace, intent.tool));
        }
    }

    /// The call waits for a person until the returned value is dropped.
    pub(super) fn asking(&self, request: RequestId) -> Asking<'_> {
        // As with answers.
        let _ = self.owner.send(Told::Asks(request));
        Asking { ledger: self, request }
    }

    /// The run leaves memory, or is back: in between no call goes on that a person was asked about.
    pub(crate) fn set_parked(&self, parked: bool) {
        self.parked.send_replace(parked);
    }

    /// What the run has done, for the person who is asked what it may do next.
    pub(super) fn so_far(&self) -> SoFar {
        let reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        let read = reads.iter().map(|(tool, count)| (tool.clone(), *count)).collect();
        SoFar { read, changed: self.effects_so_far() }
    }

    /// Passes an answer to the run's owner.
    pub fn settle(&self, request: RequestId, reply: Reply, held: Option<OwnedSemaphorePermit>) {
        self.weigh(request, &reply);
        // An owner that is gone has ended the run and needs no answer.
        let _ = self.owner.send(Told::Settled(Settled { request, reply, held }));
    }

    /// The calls that may have changed something, in the order in which the guest made them.
    pub fn effects_so_far(&self) -> Vec<Effect> {
        self.effects().values().cloned().collect()
    }

    fn weigh(&self, request: RequestId, reply: &Reply) {
        let mut effects = self.effects();
        match reply {
            Reply::Value(_) => {
                if let Some(effect) = effects.get_mut(&request) {
                    effect.certain = true;
                }
            }
            // What was sent and got no answer stays, uncertain.
            Reply::Failed(failure) if failure.code.leaves_effect_unknown() => {}
            Reply::Failed(_) => {
                effects.remove(&request);
            }
        }
    }

    fn effects(&self) -> MutexGuard<'_, BTreeMap<RequestId, Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unrecorded(failure: &StoreFailure) -> ToolFailure {
    if failure.trouble == StoreTrouble::Spent {
        let why = "not sent: what a person allowed has been used up by another call";
        return ToolFailure::new(FailureCode::Denied, why);
    }
    ToolFailure::new(FailureCode::Unrecorded, format!("not sent: {failure}"))
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("run", &self.lease.run).finish_non_exhaustive()
    }
}
