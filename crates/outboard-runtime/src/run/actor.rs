//! The owner of one run: enters the guest, waits for what it asked, keeps its clock and journal.
//!
//! Everything that reaches the guest passes through here one after another, is journalled first,
//! and carries its moment on the run's clock. What a call may do is the broker's matter.

mod parked;
mod relive;
mod wind_down;

use std::{convert::Infallible, sync::Arc, time::Duration};

use outboard_script::{CatalogueView, Language, NoTools};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinError, JoinSet},
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, FailureKind, Outcome, Prepared, RunReport, beside,
    clock::RunClock,
    desk::Desk,
    outside::Outside,
    past::{GoesOn, Past},
    program,
    record::Recorder,
    recorded,
    requests::Requests,
    turn::Turn,
    types::{self, Checking},
};
use crate::{
    broker::{Broker, Budget, CallRequest, Caller, Ledger, Settled, Tally, Told},
    catalogue::{Catalogue, Judged, Snapshot},
    clock::{Clock, RunTime},
    engines::Engines,
    ids::{Principal, RunId},
    journal::{Ending, Event, FORMAT, Folded, Lease, Opened, Reading, Store, Wrote},
    limits::Limits,
    ports::engine::{
        ConsoleLine, Delivered, Delivery, Engine, Entry, Guest, GuestAsk, GuestRequest, GuestState,
        GuestWorld, NamespaceView, Reply, Step, StopFlag, Stopped,
    },
    ports::types::TypeChecks,
    present::limit_size,
    reply::{FailureCode, ToolFailure},
    session::Session,
};

/// Answers handed over in one entry at most, so that cancellation is noticed between entries.
const BATCH: usize = 256;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// It waits for its turn, because as many runs as may be under way are.
    pub queued: bool,
    /// Calls that the script made.
    pub calls_made: u32,
    /// Of those, the ones that have an outcome.
    pub calls_done: u32,
    /// Of those, the ones that wait for a person.
    pub calls_asking: u32,
    /// It waits for nothing but a person, and its clock stands still.
    pub stands: bool,
}

/// What a run works with.
pub(crate) struct RunParts {
    pub(crate) id: RunId,
    pub(crate) source: String,
    pub(crate) language: Option<Language>,
    pub(crate) limits: Limits,
    /// Tokens that its answer may have, if whoever asked has said so.
    pub(crate) budget: Option<usize>,
    pub(crate) engines: Engines,
    pub(crate) broker: Arc<Broker>,
    pub(crate) catalogue: Catalogue,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) session: Arc<Session>,
    /// On whose behalf.
    pub(crate) principal: Principal,
    /// Checks types, where somebody is there who does.
    pub(crate) types: Option<TypeChecks>,
    pub(crate) progress: watch::Sender<Progress>,
    pub(crate) cancel: CancellationToken,
    /// Among the runs that may be under way at once.
    pub(crate) turn: Turn,
    /// What it goes on from, if it does not begin anew.
    pub(crate) past: Option<Past>,
}

/// One run that is under way.
pub(crate) struct RunActor {
    parts: RunParts,
    prepared: Prepared,
    engine: Arc<dyn Engine>,
    caller: Arc<Caller>,
    desk: Arc<Desk>,
    told: mpsc::UnboundedReceiver<Told>,
    calls: JoinSet<()>,
    requests: Requests,
    /// What the guest was handed so far.
    delivered: usize,
    /// How long it has computed.
    inside: Duration,
    stop: StopFlag,
    clock: Arc<RunClock>,
    recorder: Recorder,
    console: Vec<ConsoleLine>,
    console_dropped: u64,
}

/// The guest waits: for answers, and perhaps for a timer.
struct Waiting {
    /// `None` while the run is parked.
    guest: Option<Box<dyn Guest>>,
    timer: Option<RunTime>,
}

/// Why a run does not go on here.
enum Over {
    /// It has ended.
    Ended(Ending),
    /// It waits for somebody and is left to another Outboard.
    LetGo,
}

impl From<Ending> for Over {
    fn from(ending: Ending) -> Self {
        Self::Ended(ending)
    }
}

impl RunActor {
    /// Runs the script to its end and reports.
    pub(crate) async fn execute(mut parts: RunParts) -> RunReport {
        let snapshot = parts.catalogue.snapshot();
        // What a script was refused for is decided when it begins.
        let past = parts.past.is_some();
        let policy = parts.broker.policy();
        let judged = Judged { snapshot: &snapshot, policy: &*policy };
        let catalogue: &dyn CatalogueView = if past { &NoTools } else { &judged };
        let prepared = match program::prepare(&parts.source, parts.language, catalogue) {
            Ok(prepared) => prepared,
            Err(findings) => return let_go(parts, Outcome::NotRun(findings)).await,
        };
        let types = parts.types.as_ref().filter(|_| !past);
        if let Err(outcome) = types::require(types, &parts.source, &prepared, &snapshot).await {
            return not_begun(parts, outcome);
        }
        let checking = Checking::begin(types, &prepared, &snapshot);
        let engine = match parts.engines.of(prepared.language).await {
            Ok(engine) => engine,
            Err(refused) => {
                let kind = FailureKind::Internal(format!("could not {refused}"));
                return let_go(parts, failed(kind)).await;
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a guest's requests are bounded by its memory, and each is answered once"
        )]
        let (owner, told) = mpsc::unbounded_channel();
        let past = parts.past.take();
        let (lease, clock) = match &past {
            Some(past @ Past { goes_on: GoesOn::Resumed { lease, .. }, .. }) => (lease.clone(), past.clock()),
            Some(past) => (Lease::first(parts.id.clone()), past.clock()),
            None => (Lease::first(parts.id.clone()), RunTime::default()),
        };
        let (store, clock) = (Arc::clone(&parts.store), Arc::new(RunClock::showing(clock)));
        let caller = Caller {
            budget: Budget::new(&parts.limits),
            ledger: Ledger::new(lease.clone(), Arc::clone(&store), owner).by(Arc::clone(&clock)),
            deadline: parts.limits.call,
            language: prepared.language,
            session: Arc::clone(&parts.session),
            tally: Tally::default(),
            verbatim: None,
            advances: None,
            script: Some(parts.source.as_str().into()),
            run: parts.id.clone(),
            principal: parts.principal.clone(),
        };
        let desk = Desk::new(parts.catalogue.clone(), Arc::clone(&parts.session), prepared.language);
        let actor = Self {
            desk: Arc::new(desk),
            parts,
            prepared,
            engine,
            caller: Arc::new(caller),
            told,
            calls: JoinSet::new(),
            requests: Requests::default(),
            delivered: 0,
            inside: Duration::ZERO,
            stop: StopFlag::default(),
            clock,
            recorder: Recorder::new(lease, store),
            console: Vec::new(),
            console_dropped: 0,
        };
        actor.run(past, checking).await
    }

    /// The report on a run that has had no turn.
    pub(crate) fn never_begun(parts: RunParts, kind: FailureKind) -> RunReport {
        not_begun(parts, failed(kind))
    }

    /// Lets a run go that was taken over and has had no turn.
    pub(crate) async fn leave(parts: RunParts) -> RunReport {
        let_go(parts, failed(FailureKind::LetGo)).await
    }

    /// Ends a run that was interrupted and cannot go on. The report lists what it did.
    pub(crate) async fn end_unresumed(
        parts: RunParts,
        lease: Lease,
        folded: &Folded,
        why: String,
    ) -> RunReport {
        let effects = folded.effects(&|request| {
            let prepared = program::prepare(&parts.source, parts.language, &NoTools).ok()?;
            program::in_source(&prepared, request.position?).map(|position| position.line)
        });
        let reason = format!("it was interrupted, because Outboard ended, and cannot go on: {why}");
        let mut recorder = Recorder::new(lease, Arc::clone(&parts.store));
        if let Err(failure) = recorder.seal(vec![Event::Ended(Ending::Internal(reason.clone()))]).await {
            tracing::error!(run = %parts.id, %failure, "the end of the run is not recorded");
        }
        RunReport { effects, ..not_begun(parts, failed(FailureKind::Internal(reason))) }
    }

    async fn run(mut self, past: Option<Past>, checking: Option<Checking>) -> RunReport {
        let begun = match past {
            Some(past) => self.relive(past).await,
            None => match self.open().await {
                Ok(guest) => self.live(guest).await,
                Err(reason) => Err(Ending::Internal(reason).into()),
            },
        };
        let Err(over) = begun;
        let outcome = match over {
            Over::Ended(ending) => self.end(ending).await,
            Over::LetGo => self.let_go().await,
        };
        let mut hints = std::mem::take(&mut self.prepared.hints);
        if let Some(checking) = checking {
            hints.extend(checking.hints(&outcome, &self.parts.source, &self.prepared).await);
        }
        RunReport {
            effects: self.caller.ledger.effects_so_far(),
            id: self.parts.id,
            source: self.parts.source,
            language: self.prepared.language,
            limits: self.parts.limits,
            outcome,
            console: self.console,
            console_dropped: self.console_dropped,
            hints,
        }
    }

    async fn end(&mut self, ending: Ending) -> Outcome {
        self.wind_down(&ending).await;
        let outcome = recorded::outcome(&self.prepared, &ending, Some(&*self.parts.catalogue.snapshot()));
        let mut last = Vec::new();
        if !self.console.is_empty() || self.console_dropped > 0 {
            last.push(Event::Wrote(Wrote { lines: self.console.clone(), dropped: self.console_dropped }));
        }
        last.push(Event::Ended(ending));
        // The run is over either way; a record that cannot be closed is found unfinished later.
        if let Err(failure) = self.recorder.seal(last).await {
            tracing::error!(run = %self.parts.id, %failure, "the end of the run is not recorded");
        }
        outcome
    }

    /// Takes the run's questions back and leaves its record to whoever takes it up.
    async fn let_go(&mut self) -> Outcome {
        self.calls.shutdown().await;
        if let Err(failure) = self.recorder.release().await {
            tracing::warn!(run = %self.parts.id, %failure, "the run is not let go");
        }
        failed(FailureKind::LetGo)
    }

    /// Journals what the guest starts from and prepares it.
    async fn open(&mut self) -> Result<Box<dyn Guest>, String> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| format!("no random seed: {error}"))?;
        let opened = Opened {
            format: FORMAT,
            run: self.parts.id.clone(),
            source: self.parts.source.clone(),
            language: self.prepared.language,
            image: self.engine.image().clone(),
            seed,
            started_at: self.parts.clock.wall(),
            limits: self.parts.limits.clone(),
            namespaces: self.visible(&self.parts.catalogue.snapshot()),
            origin: None,
            principal: Some(self.parts.principal.clone()),
            reading: Reading {
                reader: None,
                budget: self.parts.budget,
                before: self.parts.session.take_shown(),
            },
        };
        let world = self.world(&opened);
        self.record(vec![Event::Opened(Box::new(opened))]).await?;
        self.engine.open(world).map_err(|refused| format!("could not {refused}"))
    }

    fn world(&self, opened: &Opened) -> GuestWorld {
        GuestWorld {
            program: Arc::from(self.prepared.program.as_str()),
            namespaces: opened.namespaces.clone(),
            seed: opened.seed,
            started_at: opened.started_at,
            limits: opened.limits.clone(),
            stop: self.stop.clone(),
        }
    }

    /// Enters the guest again and again until it has ended.
    async fn live(&mut self, guest: Box<dyn Guest>) -> Result<Infallible, Over> {
        let mut outside = self.outside();
        let step = self.enter(guest, Entry::Start, &mut outside).await;
        let waiting = self.take(step).await?;
        self.go_on(waiting, outside).await
    }

    async fn go_on(&mut self, mut waiting: Waiting, mut outside: Outside) -> Result<Infallible, Over> {
        loop {
            let (guest, batch) = self.next(waiting, &mut outside).await?;
            // What the guest sees is appended first, in the order in which it sees it. What it does then becomes
            // durable after it.
            self.delivered += batch.len();
            let delivered = batch.iter().cloned().map(Event::Delivered).collect();
            self.record(delivered).await.map_err(Ending::Internal)?;
            let step = self.enter(guest, Entry::Deliver(batch), &mut outside).await;
            waiting = self.take(step).await?;
        }
    }

    /// Enters the guest and, meanwhile, watches for the ends that come from outside.
    async fn enter(&mut self, guest: Box<dyn Guest>, entry: Entry, outside: &mut Outside) -> Step {
        let began = Instant::now();
        let mut entered = guest.enter(entry);
        let step = tokio::select! {
            biased;
            step = &mut entered => step,
            reason = outside.comes() => {
                self.stop.stop(reason);
                entered.await
            }
        };
        self.inside += began.elapsed();
        step
    }

    /// Takes in what an entry brought: console, requests, and where the guest stands.
    async fn take(&mut self, mut step: Step) -> Result<Waiting, Ending> {
        self.hear(&mut step);
        for request in &step.requests {
            self.requests.count(request)?;
        }
        if let GuestState::Stopped(stopped) = step.state {
            // Nothing is sent for a run that is over.
            return Err(Ending::Stopped(stopped));
        }
        let asked = step.requests.iter().cloned().map(Event::Asked).collect();
        self.record(asked).await.map_err(Ending::Internal)?;
        step.requests.into_iter().for_each(|request| self.answer(request));
        self.tell();
        match step.state {
            GuestState::Waiting { guest, timer } => Ok(Waiting { guest: Some(guest), timer }),
            ended => Err(Ending::of(ended).unwrap_or(Ending::Stuck)),
        }
    }

    /// Takes in what the script wrote to its console.
    fn hear(&mut self, step: &mut Step) {
        let lines = step.console.drain(..);
        let relocated =
            |line: ConsoleLine| ConsoleLine { text: program::relocated(&self.prepared, line.text), ..line };
        self.console.extend(lines.map(relocated));
        self.console_dropped += step.console_dropped;
    }

    /// Starts the work that a request asks for.
    fn answer(&mut self, mut request: GuestRequest) {
        if let GuestAsk::GiveUp(what) = &request.what {
            // Of a call that was sent the upstream is told.
            return self.requests.give_up(what);
        }
        let caller = Arc::clone(&self.caller);
        if self.requests.would_exceed(self.parts.limits.pending, &request) {
            request.what.forget_arguments();
            caller.settle(request.id, Reply::Failed(too_much_pending(self.parts.limits.pending)));
            return self.requests.open(request, None);
        }
        let work = if let GuestAsk::Call { namespace, tool, arguments, paged } = &request.what {
            let call = CallRequest {
                id: request.id,
                namespace: namespace.clone(),
                tool: tool.clone(),
                arguments: arguments.clone(),
                paged: *paged,
                line: self.line_of(&request),
            };
            let broker = Arc::clone(&self.parts.broker);
            self.calls.spawn(async move { broker.call(&caller, call).await })
        } else if let GuestAsk::Request { method, arguments, .. } = &request.what {
            let (id, line) = (request.id, self.line_of(&request));
            let (method, arguments) = (method.clone(), arguments.clone());
            let (broker, catalogue) = (Arc::clone(&self.parts.broker), self.parts.catalogue.clone());
            self.calls.spawn(async move {
                let reply =
                    beside::answer(&broker, &catalogue, &caller, (id, line), (&method, &arguments)).await;
                caller.settle(id, reply);
            })
        } else {
            let (desk, broker) = (Arc::clone(&self.desk), Arc::clone(&self.parts.broker));
            let (id, ask) = (request.id, request.what.clone());
            self.calls.spawn(async move {
                // Kept values bring back what was seen with them.
                broker.notice_clearing(&caller.session);
                let reply = desk.answer(&caller.budget, ask).await;
                caller.settle(id, reply);
            })
        };
        self.requests.open(request, Some(work));
    }

    /// Waits for something to hand over, or for an end that comes from outside. Gives what there is and the guest, which
    /// is another one at the same place if the run was parked meanwhile.
    async fn next(
        &mut self,
        mut waiting: Waiting,
        outside: &mut Outside,
    ) -> Result<(Box<dyn Guest>, Vec<Delivery>), Over> {
        // When the run is parked, if it goes on to wait for nothing but people.
        let mut patience = None;
        let first = loop {
            if waiting.guest.is_none() && !self.requests.wait_for_people() {
                waiting.guest = Some(self.come_back(outside).await?);
            }
            self.stand_or_go(outside);
            let due = waiting.timer.and_then(|due| self.clock.moment(due));
            let may_park = self.clock.stands() && waiting.guest.is_some();
            patience = may_park.then(|| patience.unwrap_or_else(|| Instant::now() + parked::PATIENCE));
            tokio::select! {
                biased;
                reason = outside.comes() => return Err(self.stopped(reason).await),
                Some(told) = self.told.recv() => {
                    if let Some(settled) = self.heard(told) {
                        break Some(settled);
                    }
                }
                Some(ended) = self.calls.join_next() => self.look_at(ended)?,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => break None,
                () = sleep_until(patience.unwrap_or_else(Instant::now)), if patience.is_some() => {
                    patience = None;
                    if self.park().await {
                        waiting.guest = None;
                    }
                }
            }
        };
        let guest = match waiting.guest {
            Some(guest) => guest,
            None => self.come_back(outside).await?,
        };
        self.go(outside);
        Ok((guest, self.batch(first, waiting.timer).await))
    }

    /// What is handed over: the answer that was waited for with others that are there, or word that it is time.
    async fn batch(&mut self, first: Option<Settled>, timer: Option<RunTime>) -> Vec<Delivery> {
        let Some(first) = first else {
            let at = self.clock.now().max(timer.unwrap_or_default());
            return vec![Delivery { at, what: Delivered::Timer }];
        };
        if self.requests.are_several() {
            // Other answers that are there already, or as good as there, go in together: entering costs more than they do.
            tokio::task::yield_now().await;
        }
        let at = self.clock.now();
        let mut batch = vec![self.delivery(at, first)];
        while batch.len() < BATCH
            && let Ok(told) = self.told.try_recv()
        {
            if let Some(settled) = self.heard(told) {
                batch.push(self.delivery(at, settled));
            }
        }
        self.tell();
        batch
    }

    /// A call that broke will never be answered; one that was given up need not be.
    fn look_at(&self, ended: Result<(), JoinError>) -> Result<(), Ending> {
        match ended {
            Err(error) if !error.is_cancelled() => {
                tracing::error!(run = %self.parts.id, %error, "a call broke");
                Err(Ending::Stopped(Stopped::Broken))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes in what a call tells; an answer is for the guest.
    fn heard(&mut self, told: Told) -> Option<Settled> {
        match told {
            Told::Settled(settled) => return Some(settled),
            Told::Asks(request) => self.requests.asks(request),
            Told::Asked(request) => self.requests.asked(request),
        }
        None
    }

    /// Lets the clock stand while every request waits for a person, and go otherwise. Timers of the guest stand with it:
    /// a script's own patience is not a person's.
    fn stand_or_go(&mut self, outside: &mut Outside) {
        if self.clock.stand(self.requests.wait_for_people()) {
            outside.wall_at(self.wall_end());
        }
        self.tell();
    }

    /// Lets the clock go: the guest is about to run.
    fn go(&mut self, outside: &mut Outside) {
        if self.clock.stand(false) {
            outside.wall_at(self.wall_end());
        }
    }

    fn delivery(&mut self, at: RunTime, settled: Settled) -> Delivery {
        self.requests.close(settled.request);
        Delivery { at, what: Delivered::Settled { request: settled.request, reply: settled.reply } }
    }

    /// Tells whoever watches how far the run is.
    fn tell(&self) {
        let stands = self.clock.stands() && self.requests.wait_for_people();
        self.parts.progress.send_if_modified(|progress| {
            let now = self.requests.progress(*progress, stands);
            std::mem::replace(progress, now) != now
        });
    }

    /// The namespaces, with the tools of those that the script names.
    fn visible(&self, snapshot: &Snapshot) -> Vec<NamespaceView> {
        snapshot
            .members()
            .iter()
            .map(|member| NamespaceView {
                namespace: member.namespace.clone(),
                tools: match self.prepared.words.contains(member.namespace.as_str()) {
                    true => member.identifiers.to_vec(),
                    false => Vec::new(),
                },
            })
            .collect()
    }

    fn line_of(&self, request: &GuestRequest) -> Option<u32> {
        program::in_source(&self.prepared, request.position?).map(|position| position.line)
    }

    fn outside(&self) -> Outside {
        Outside::of(self.parts.cancel.clone(), self.wall_end())
    }

    /// When the wall limit is reached; never while the clock stands still.
    fn wall_end(&self) -> Option<Instant> {
        self.clock.moment(RunTime(self.parts.limits.wall))
    }

    async fn record(&mut self, events: Vec<Event>) -> Result<(), String> {
        self.recorder.note(events).await.map_err(|failure| failure.to_string())
    }
}

/// The report on a script of which nothing ran here. A run that was taken over is let go: another Outboard, or this one
/// at another time, may be able to bring it to its end.
async fn let_go(parts: RunParts, outcome: Outcome) -> RunReport {
    let lease = match &parts.past {
        Some(Past { goes_on: GoesOn::Resumed { lease, .. }, .. }) => Some(lease.clone()),
        _ => None,
    };
    if let Some(lease) = lease {
        let released = parts.store.release(&lease);
        if let Err(failure) = released.await {
            tracing::warn!(run = %parts.id, %failure, "the run is not let go");
        }
    }
    not_begun(parts, outcome)
}

/// A failure that is nowhere in the script.
fn failed(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { kind, position: None, frames: Vec::new() })
}

/// The report on a script of which nothing ran.
fn not_begun(parts: RunParts, outcome: Outcome) -> RunReport {
    RunReport {
        id: parts.id,
        source: parts.source,
        language: parts.language.unwrap_or_default(),
        limits: parts.limits,
        outcome,
        console: Vec::new(),
        console_dropped: 0,
        effects: Vec::new(),
        hints: Vec::new(),
    }
}

fn too_much_pending(limit: u64) -> ToolFailure {
    let message = format!(
        "not sent: the arguments of this run's calls under way take more than {} (setting `limits.pendingBytes`)",
        limit_size(limit)
    );
    ToolFailure::new(FailureCode::Limit, message)
}
