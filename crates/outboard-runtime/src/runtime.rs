//! The runtime as a whole: what a face, a command line or a test drives.
//! It is put together once from its ports; it opens nothing by itself.

use std::sync::{Arc, PoisonError, RwLock};

use outboard_script::Language;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;

use crate::{
    approval::Approver,
    broker::{Broker, Witness},
    catalogue::{Catalogue, SearchRequest},
    clock::Clock,
    engines::Engines,
    ids::{Namespace, RequestId, RunId},
    journal::{Folded, Lease, Malformed, RunEntry, RunState, Store, StoreFailure, Which, fold},
    limits::Limits,
    policy::{Policy, Taint},
    ports::{engine::NamespaceView, types::TypeChecks, upstream::Upstreams},
    run::{
        FailureKind, GoesOn, OutsideRequest, Past, Progress, RunActor, RunParts, RunReport, Single,
        SingleParts, Told, ToolOutcome, ToolReport, ToolRequest, Turn, execute_single,
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
    turns: Arc<Semaphore>,
    /// Names the calls outside any script.
    session_of_calls: Session,
    recovered: Arc<Session>,
    types: Option<TypeChecks>,
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
    /// Tokens that its answer may have: recorded, for whoever asks later what was read of it.
    pub budget: Option<usize>,
    /// Told of calls made and done, if anyone listens.
    pub progress: watch::Sender<Progress>,
}

/// A run that was taken over and has not gone on yet. If it never does, its lease ends with this process.
#[derive(Debug)]
pub struct TakenRun {
    entry: RunEntry,
    lease: Lease,
    folded: Folded,
    /// Nobody died: it had been let go.
    let_go: bool,
}

/// A recorded run that is to be repeated as a new one.
#[derive(Clone, Debug)]
pub struct RepeatRequest {
    /// Whose record.
    pub run: RunId,
    /// The first request that is made anew.
    pub from: RequestId,
    /// Told of calls made and done, if anyone listens.
    pub progress: watch::Sender<Progress>,
}

/// A run cannot go on from its record.
#[derive(Debug, thiserror::Error)]
pub enum NotResumed {
    /// There is no such run.
    #[error("no run of this name is recorded")]
    Unknown,
    /// Its record was made by a newer version, or is none.
    #[error("the record of the run cannot be used")]
    Malformed(#[source] Malformed),
    /// What was taken out of its record is not known any more.
    #[error(
        "something was taken out of the record of this run (`redact`, or a secret of the configuration), so it cannot go on from it"
    )]
    Redacted,
    /// It is a single call.
    #[error("it is one tool call, made outside any script")]
    NoScript,
    /// It has an owner or has ended, or the journal cannot be used.
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

/// A run that was interrupted more often is not resumed again: it may be what ends Outboard.
const MOST_INTERRUPTED: usize = 3;

impl TakenRun {
    /// Why it cannot go on, if it cannot.
    fn cannot_go_on(&self) -> Option<String> {
        if self.folded.opened.source.is_empty() {
            return Some("it was one tool call, which Outboard did not live to answer".to_owned());
        }
        if self.entry.redacted {
            return Some(NotResumed::Redacted.to_string());
        }
        let interrupted = self.folded.interrupted + usize::from(!self.let_go);
        (interrupted > MOST_INTERRUPTED).then(|| format!("it was interrupted {interrupted} times"))
    }
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
        let places = Semaphore::new(at_once + parts.runs_waiting);
        let turns = Arc::new(Semaphore::new(at_once));
        let limits = RwLock::new(parts.limits.clone());
        Self {
            parts,
            limits,
            broker: Arc::new(broker),
            places,
            turns,
            session_of_calls: Session::new(),
            recovered: Arc::default(),
            types: None,
        }
    }

    /// With a full check of types beside each run, or before it.
    #[must_use]
    pub fn with_types(mut self, checks: TypeChecks) -> Self {
        self.types = Some(checks);
        self
    }

    /// Gives every run that begins from now on these limits. Does not change the runs that are under way, nor what the
    /// engine has set aside: more memory than it was made for is not to be had.
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    /// Tells this witness what sessions see; see [`Broker::set_witness`].
    pub fn set_witness(&self, witness: Arc<dyn Witness>) {
        self.broker.set_witness(witness);
    }

    /// A person said that what sessions have seen so far may leave.
    pub fn clear_taint(&self) {
        self.broker.clear_taint();
    }

    /// Clears for this session what a person has cleared until now: to be called before it is given again what was kept,
    /// so that the clearing does not take away what it sees then.
    pub fn notice_clearing(&self, session: &Session) {
        self.broker.notice_clearing(session);
    }

    /// A person brings something into a session that is this, so that it counts as if a tool had given it.
    pub fn brought(&self, session: &Session, taint: Taint) {
        self.broker.brought(session, taint);
    }

    /// Judges by this policy from now on.
    pub fn set_policy(&self, policy: Arc<dyn Policy>) {
        self.broker.set_policy(policy);
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
        let id = request.id.unwrap_or_else(|| session.next_run());
        let (source, language) = (request.code, request.language);
        // On behalf of whom it is now: when it has its turn, the conversation may be with somebody else.
        let mut parts = RunParts {
            source,
            language,
            budget: request.budget,
            ..self.run_parts(id, session, request.progress, cancel)
        };
        let Ok(_place) = self.places.try_acquire() else {
            let (at_once, waiting) = (self.parts.runs_at_once, self.parts.runs_waiting);
            return RunActor::never_begun(parts, FailureKind::Crowded { at_once, waiting });
        };
        if !parts.turn.take(&parts.progress, &parts.cancel).await {
            return RunActor::never_begun(parts, FailureKind::Cancelled);
        }
        RunActor::execute(parts).await
    }

    /// Takes over a run that nobody owns, so that it can [go on](Self::go_on).
    ///
    /// # Errors
    /// If it cannot be taken over, or its record cannot be read. Then it is as it was.
    pub async fn take(&self, run: &RunId) -> Result<TakenRun, NotResumed> {
        let let_go = self.entry(run).await?.state == RunState::Waiting;
        let lease = self.parts.store.take(run).await?;
        // From here on whoever owned it adds nothing: neither to its record nor to what is known of it.
        let read = match self.entry(run).await {
            Ok(entry) => self.folded(run).await.map(|folded| (entry, folded)),
            Err(problem) => Err(problem),
        };
        match read {
            Ok((entry, folded)) => Ok(TakenRun { entry, lease, folded, let_go }),
            Err(problem) => {
                // Whoever can read it may take it. If this fails too, the lease ends with this process.
                let _ = self.parts.store.release(&lease).await;
                Err(problem)
            }
        }
    }

    /// Brings a run that was taken over to its end: what its record answers is not asked again. A run that cannot go on
    /// is ended, and its report says why.
    pub async fn go_on(
        &self,
        session: &Arc<Session>,
        taken: TakenRun,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> RunReport {
        let why = taken.cannot_go_on();
        let TakenRun { entry, lease, folded, let_go } = taken;
        let mut parts = self.recorded_parts(entry.id, &folded, session, progress, cancel);
        if let Some(principal) = &folded.opened.principal {
            // Whoever takes it up, it is on behalf of whom it was begun for.
            parts.principal = principal.clone();
        }
        if let Some(why) = why {
            return RunActor::end_unresumed(parts, lease, &folded, why).await;
        }
        // What the record answers the session sees again.
        self.broker.recall(session, folded.intents.values().map(|intent| &intent.upstream));
        parts.past = Some(Past { folded, goes_on: GoesOn::Resumed { lease, let_go } });
        // One that is cancelled goes no further than to where it stood.
        if !parts.turn.take(&parts.progress, &parts.cancel).await && session.over().is_cancelled() {
            return RunActor::leave(parts).await;
        }
        RunActor::execute(parts).await
    }

    /// Repeats a recorded run as a new one: up to the request `from` everything comes from the record, from there on calls
    /// are made anew, each through the gate.
    ///
    /// # Errors
    /// If the record does not allow it. Nothing was recorded or sent then.
    pub async fn repeat(
        &self,
        session: &Arc<Session>,
        request: RepeatRequest,
        cancel: CancellationToken,
    ) -> Result<RunReport, NotResumed> {
        let RepeatRequest { run, from, progress } = request;
        if self.entry(&run).await?.redacted {
            return Err(NotResumed::Redacted);
        }
        let folded = self.folded(&run).await?;
        if folded.opened.source.is_empty() {
            return Err(NotResumed::NoScript);
        }
        let mut parts = self.recorded_parts(session.next_run(), &folded, session, progress, cancel);
        // One that is cancelled ends as soon as it has begun.
        parts.turn.take(&parts.progress, &parts.cancel).await;
        // What the record answers the session sees again.
        self.broker.recall(session, folded.intents.values().map(|intent| &intent.upstream));
        let past = Past { folded, goes_on: GoesOn::Repeated { from } };
        Ok(RunActor::execute(RunParts { past: Some(past), ..parts }).await)
    }

    /// The runs that were taken up after their Outboard had ended, as long as this process lasts.
    pub fn recovered(&self) -> &Arc<Session> {
        &self.recovered
    }

    async fn entry(&self, run: &RunId) -> Result<RunEntry, NotResumed> {
        let named = self.parts.store.runs(Which::Named(run.as_str().to_owned())).await?;
        named.into_iter().find(|entry| entry.id == *run).ok_or(NotResumed::Unknown)
    }

    async fn folded(&self, run: &RunId) -> Result<Folded, NotResumed> {
        fold(&self.parts.store.read(run).await?).map_err(NotResumed::Malformed)
    }

    /// What a run that goes on from a record works with.
    fn recorded_parts(
        &self,
        id: RunId,
        folded: &Folded,
        session: &Arc<Session>,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> RunParts {
        RunParts {
            source: folded.opened.source.clone(),
            language: Some(folded.opened.language),
            limits: folded.opened.limits.clone(),
            ..self.run_parts(id, session, progress, cancel)
        }
    }

    /// What every run works with; what it runs is to be filled in.
    fn run_parts(
        &self,
        id: RunId,
        session: &Arc<Session>,
        progress: watch::Sender<Progress>,
        cancel: CancellationToken,
    ) -> RunParts {
        RunParts {
            id,
            source: String::new(),
            language: None,
            limits: self.limits(),
            budget: None,
            engines: self.parts.engines.clone(),
            broker: Arc::clone(&self.broker),
            catalogue: self.parts.catalogue.clone(),
            store: Arc::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            session: Arc::clone(session),
            principal: session.client(),
            types: self.types.clone(),
            progress,
            cancel,
            turn: Turn::of(&self.turns),
            past: None,
        }
    }

    /// The id of the next call that is made outside any script, for who wants to know it before the call ends.
    pub fn next_call(&self) -> RunId {
        self.session_of_calls.next_call()
    }

    /// Makes one tool call of a session outside any script, under the limits of a run. Never fails: what goes wrong stands in the
    /// report. Cancelling abandons it; dropping the future does so without a report.
    pub async fn call(
        &self,
        session: &Arc<Session>,
        mut request: ToolRequest,
        cancel: CancellationToken,
    ) -> ToolReport {
        let id = request.id.take().unwrap_or_else(|| self.next_call());
        self.single(id, session, Single::Call(request), cancel).await
    }

    /// Asks an upstream for something else than a tool call, likewise. The value is the JSON object that it answered.
    pub async fn request(
        &self,
        session: &Arc<Session>,
        mut request: OutsideRequest,
        cancel: CancellationToken,
    ) -> ToolReport {
        let id = request.id.take().unwrap_or_else(|| self.next_call());
        self.single(id, session, Single::Request(request), cancel).await
    }

    /// Which upstreams have listed a resource; see [`Broker::owners`].
    pub fn owners(&self, uri: &str) -> Vec<Namespace> {
        self.broker.owners(&self.parts.catalogue.snapshot(), uri)
    }

    async fn single(
        &self,
        id: RunId,
        session: &Arc<Session>,
        single: Single,
        cancel: CancellationToken,
    ) -> ToolReport {
        let turn = tokio::select! {
            turn = Arc::clone(&self.turns).acquire_owned() => turn.ok(),
            () = cancel.cancelled() => {
                return ToolReport { id, outcome: ToolOutcome::Cancelled { effect_unknown: false }, reply: None };
            }
        };
        execute_single(SingleParts {
            id,
            single,
            session: Arc::clone(session),
            limits: self.limits(),
            broker: Arc::clone(&self.broker),
            store: Arc::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            cancel,
            turn,
        })
        .await
    }

    /// Records what a command of a model's, in its workspace, answered: no upstream was asked. The model reads the answer
    /// whether or not it could be recorded.
    pub async fn told(&self, session: &Session, told: Told) {
        let namespaces = self.parts.catalogue.snapshot();
        let namespaces = namespaces
            .members()
            .iter()
            .map(|member| NamespaceView { namespace: member.namespace.clone(), tools: Vec::new() });
        let (id, events) = told.events(session, namespaces.collect(), self.limits(), &*self.parts.clock);
        let written = self.parts.store.append(&Lease::first(id.clone()), events.into());
        if let Err(failure) = written.await {
            tracing::error!(run = %id, %failure, "a command in a workspace is not recorded");
        }
    }
}
