//! The runtime as a whole: what a face, a command line or a test drives.
//! It is put together once from its ports; it opens nothing by itself.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use outboard_script::Language;
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    approval::Approver,
    broker::Broker,
    catalogue::{Catalogue, SearchRequest},
    clock::Clock,
    engines::Engines,
    ids::RunId,
    journal::Store,
    limits::Limits,
    policy::Policy,
    ports::upstream::Upstreams,
    run::{
        Failure, FailureKind, Outcome, Progress, RunActor, RunParts, RunReport, SingleParts, ToolOutcome,
        ToolReport, ToolRequest, execute_single,
    },
    session::Session,
};

/// What a runtime is put together from.
pub struct Parts {
    /// All tools.
    pub catalogue: Catalogue,
    /// The connections.
    pub upstreams: Arc<dyn Upstreams>,
    /// Run scripts, each those of its language.
    pub engines: Engines,
    /// Judges operations.
    pub policy: Arc<dyn Policy>,
    /// Reaches a person.
    pub approver: Arc<dyn Approver>,
    /// Keeps journals.
    pub store: Arc<dyn Store>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Limits of each run, until [`Runtime::set_limits`] says others.
    pub limits: Limits,
    /// Runs at once; further ones wait for their turn.
    pub runs_at_once: usize,
    /// Runs that may wait for their turn; further ones are refused.
    pub runs_waiting: usize,
}

/// Runs scripts and answers searches.
pub struct Runtime {
    parts: Parts,
    limits: RwLock<Limits>,
    broker: Arc<Broker>,
    /// Places for runs that are under way or wait for their turn.
    places: Semaphore,
    turns: Semaphore,
    /// Calls outside any script, for their ids.
    calls: AtomicU64,
}

/// A script to be run.
#[derive(Clone, Debug, Default)]
pub struct RunRequest {
    /// Its id, if the caller has taken the session's next one already.
    pub id: Option<RunId>,
    /// Its text, as a model wrote it.
    pub code: String,
    /// Its language, where the client says it; otherwise it is recognised.
    pub language: Option<Language>,
    /// Told of calls made and done, if anyone listens.
    pub progress: watch::Sender<Progress>,
}

impl Runtime {
    /// Puts a runtime together.
    pub fn new(parts: Parts) -> Self {
        let broker = Broker::new(
            parts.catalogue.clone(),
            Arc::clone(&parts.upstreams),
            Arc::clone(&parts.policy),
            Arc::clone(&parts.approver),
        );
        let at_once = parts.runs_at_once.max(1);
        let (places, turns) = (Semaphore::new(at_once + parts.runs_waiting), Semaphore::new(at_once));
        let limits = RwLock::new(parts.limits.clone());
        Self { parts, limits, broker: Arc::new(broker), places, turns, calls: AtomicU64::new(0) }
    }

    /// Gives every run that begins from now on these limits. Does not change the runs that are under way, nor what the
    /// engine has set aside: more memory than it was made for is not to be had.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn limits(&self) -> Limits {
        self.limits.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All tools.
    pub fn catalogue(&self) -> &Catalogue {
        &self.parts.catalogue
    }

    /// The journals of runs.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }

    /// The engines of runs.
    pub fn engines(&self) -> &Engines {
        &self.parts.engines
    }

    /// The answer to a search, as text for a model.
    pub fn search(&self, request: &SearchRequest) -> String {
        self.parts.catalogue.snapshot().answer(request)
    }

    /// Runs a script to its end. Never fails: what goes wrong stands in the report. Cancelling stops the
    /// script and abandons its calls; dropping the future does so without a report.
    pub async fn run(
        &self,
        session: &Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> RunReport {
        let id = request.id.clone().unwrap_or_else(|| session.next_run());
        let Ok(_place) = self.places.try_acquire() else {
            let (at_once, waiting) = (self.parts.runs_at_once, self.parts.runs_waiting);
            return self.never_started(id, request, FailureKind::Crowded { at_once, waiting });
        };
        let _turn = match self.turns.try_acquire() {
            Ok(turn) => turn,
            Err(_) => match self.turn(&request.progress, &cancel).await {
                Some(turn) => turn,
                None => return self.never_started(id, request, FailureKind::Cancelled),
            },
        };
        let parts = RunParts {
            id,
            source: request.code,
            language: request.language,
            limits: self.limits(),
            engines: self.parts.engines.clone(),
            broker: Arc::clone(&self.broker),
            catalogue: self.parts.catalogue.clone(),
            store: Arc::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            session: Arc::clone(session),
            progress: request.progress,
            cancel,
        };
        RunActor::execute(parts).await
    }

    /// Makes one tool call outside any script, under the limits of a run. Never fails: what goes wrong stands in the
    /// report. Cancelling abandons it; dropping the future does so without a report.
    pub async fn call(&self, request: ToolRequest, cancel: CancellationToken) -> ToolReport {
        let id = RunId::new(format!("c{}", self.calls.fetch_add(1, Ordering::Relaxed) + 1));
        let _turn = tokio::select! {
            turn = self.turns.acquire() => turn,
            () = cancel.cancelled() => {
                return ToolReport { id, outcome: ToolOutcome::Cancelled { effect_unknown: false } };
            }
        };
        execute_single(SingleParts {
            id,
            request,
            limits: self.limits(),
            broker: Arc::clone(&self.broker),
            store: Arc::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            cancel,
        })
        .await
    }

    /// Waits for a turn; `None` when cancelled before.
    async fn turn(
        &self,
        progress: &watch::Sender<Progress>,
        cancel: &CancellationToken,
    ) -> Option<SemaphorePermit<'_>> {
        progress.send_modify(|progress| progress.queued = true);
        let turn = cancel.run_until_cancelled(self.turns.acquire()).await;
        progress.send_modify(|progress| progress.queued = false);
        // The semaphore is never closed.
        turn?.ok()
    }

    fn never_started(&self, id: RunId, request: RunRequest, kind: FailureKind) -> RunReport {
        let failure = Failure { kind, position: None, frames: Vec::new() };
        RunReport {
            id,
            source: request.code,
            language: request.language.unwrap_or_default(),
            limits: self.limits(),
            outcome: Outcome::Failed(failure),
            console: Vec::new(),
            console_dropped: 0,
            effects: Vec::new(),
        }
    }
}
