//! The owner of one run: enters the guest, waits for what it asked, keeps its clock and journal.
//!
//! Everything that reaches the guest passes through here one after another, is journalled first,
//! and carries its moment on the run's clock. What a call may do is the broker's matter.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt as _, future::BoxFuture};
use outboard_script::{CatalogueView, Language, NoTools};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, Sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use super::{
    Failure, FailureKind, Outcome, Prepared, RunReport,
    clock::RunClock,
    desk::Desk,
    past::{self, GoesOn, Open, Past},
    program,
    record::Recorder,
    recorded,
    types::{self, Checking},
};
use crate::{
    broker::{Broker, Budget, CallRequest, Caller, Ledger, Settled, Tally, Told},
    catalogue::{Catalogue, Judged, Snapshot},
    clock::{Clock, RunTime},
    engines::Engines,
    ids::{Principal, RequestId, RunId},
    journal::{Ending, Event, FORMAT, Folded, Lease, Opened, Origin, Resumed, Store},
    json::Json,
    limits::{Limit, Limits},
    ports::engine::{
        ConsoleLevel, ConsoleLine, Delivered, Delivery, Engine, Entry, Guest, GuestAsk, GuestRequest,
        GuestState, GuestWorld, NamespaceView, Reply, Step, StopFlag, StopReason, Stopped,
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
    pending: BTreeMap<RequestId, Pending>,
    /// Those of them that wait for a person.
    asking: BTreeSet<RequestId>,
    /// Bytes of the arguments of pending requests.
    held: u64,
    last_asked: Option<RequestId>,
    /// Calls that the script made, and those that have an outcome.
    made: u32,
    done: u32,
    stop: StopFlag,
    clock: Arc<RunClock>,
    recorder: Recorder,
    console: Vec<ConsoleLine>,
    console_dropped: u64,
}

/// The ends of a run that come from outside.
struct Outside {
    cancelled: BoxFuture<'static, ()>,
    wall: Pin<Box<Sleep>>,
}

/// A request without an answer yet, and the work for it if there is any.
struct Pending {
    request: GuestRequest,
    work: Option<AbortHandle>,
}

/// The guest waits: for answers, and perhaps for a timer.
struct Waiting {
    guest: Box<dyn Guest>,
    timer: Option<RunTime>,
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
                let failure = Failure { kind, position: None, frames: Vec::new() };
                return let_go(parts, Outcome::Failed(failure)).await;
            }
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a guest's requests are bounded by its memory, and each is answered once"
        )]
        let (owner, told) = mpsc::unbounded_channel();
        let past = parts.past.take();
        let (lease, clock) = match &past {
            Some(past @ Past { goes_on: GoesOn::Resumed(lease), .. }) => (lease.clone(), past.clock()),
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
            pending: BTreeMap::new(),
            asking: BTreeSet::new(),
            held: 0,
            last_asked: None,
            made: 0,
            done: 0,
            stop: StopFlag::default(),
            clock,
            recorder: Recorder::new(lease, store),
            console: Vec::new(),
            console_dropped: 0,
        };
        actor.run(past, checking).await
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
        if let Err(failure) = recorder.seal(Event::Ended(Ending::Internal(reason.clone()))).await {
            tracing::error!(run = %parts.id, %failure, "the end of the run is not recorded");
        }
        let failure = Failure { kind: FailureKind::Internal(reason), position: None, frames: Vec::new() };
        RunReport { effects, ..not_begun(parts, Outcome::Failed(failure)) }
    }

    async fn run(mut self, past: Option<Past>, checking: Option<Checking>) -> RunReport {
        let done = match past {
            Some(past) => self.relive(past).await,
            None => match self.open().await {
                Ok(guest) => self.live(guest).await,
                Err(reason) => Err(Ending::Internal(reason)),
            },
        };
        let (Ok(ending) | Err(ending)) = done;
        self.wind_down(&ending).await;
        let outcome = self.outcome(&ending);
        // The run is over either way; a record that cannot be closed is found unfinished later.
        if let Err(failure) = self.recorder.seal(Event::Ended(ending)).await {
            tracing::error!(run = %self.parts.id, %failure, "the end of the run is not recorded");
        }
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
    async fn live(&mut self, guest: Box<dyn Guest>) -> Result<Ending, Ending> {
        let mut outside = self.outside();
        let step = self.enter(guest, Entry::Start, &mut outside).await;
        let waiting = self.take(step).await?;
        self.go_on(waiting, outside).await
    }

    async fn go_on(&mut self, mut waiting: Waiting, mut outside: Outside) -> Result<Ending, Ending> {
        loop {
            let batch = self.next(waiting.timer, &mut outside).await.map_err(Ending::Stopped)?;
            // What the guest sees is appended first, in the order in which it sees it. What it does then becomes
            // durable after it.
            let delivered = batch.iter().cloned().map(Event::Delivered).collect();
            self.record(delivered).await.map_err(Ending::Internal)?;
            let step = self.enter(waiting.guest, Entry::Deliver(batch), &mut outside).await;
            waiting = self.take(step).await?;
        }
    }

    /// Leads a fresh guest along its record, then goes on with what the record leaves open. Until then nothing is sent.
    async fn relive(&mut self, past: Past) -> Result<Ending, Ending> {
        let mut outside = self.outside();
        self.reopen(&past).await.map_err(Ending::Internal)?;
        let refused = |refused| Ending::Internal(format!("could not {refused}"));
        let guest = self.engine.open(self.world(&past.folded.opened)).map_err(refused)?;
        let mut trail = past.trail();
        let mut step = self.enter(guest, Entry::Start, &mut outside).await;
        let state = loop {
            let recorded = trail.compare(&step.requests).map_err(|divergence| past::diverged(&divergence))?;
            let recorded = if matches!(past.goes_on, GoesOn::Resumed(_)) { recorded } else { 0 };
            self.take_again(&mut step, recorded).await?;
            let (guest, timer) = match step.state {
                GuestState::Waiting { guest, timer } => (guest, timer),
                ended => break Err(ended),
            };
            let Some(delivery) = trail.next() else { break Ok(Waiting { guest, timer }) };
            self.hand_over_again(&delivery, &past).await.map_err(Ending::Internal)?;
            step = self.enter(guest, Entry::Deliver(vec![delivery]), &mut outside).await;
        };
        trail.whole(&past.goes_on).map_err(|divergence| past::diverged(&divergence))?;
        // Answers that came with the last one needed, or after the end: the guest did not see them then either.
        while let Some(delivery) = trail.next() {
            self.hand_over_again(&delivery, &past).await.map_err(Ending::Internal)?;
        }
        match state {
            Err(GuestState::Stopped(stopped)) => Err(Ending::Stopped(stopped)),
            Err(ended) => {
                self.open_again(&past);
                Err(Ending::of(ended).unwrap_or(Ending::Stuck))
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
            GoesOn::Resumed(_) => {
                let answers = folded.answers();
                let places = folded.asked.iter().map(|request| (request.id, request));
                let places: BTreeMap<RequestId, &GuestRequest> = places.collect();
                for (id, intent) in &folded.intents {
                    let line = places.get(id).and_then(|request| self.line_of(request));
                    self.caller.ledger.recall(intent, line, answers.get(id));
                    self.caller.tally.recall(intent);
                }
                self.caller.budget.spent(u32::try_from(folded.intents.len()).unwrap_or(u32::MAX));
                self.record(vec![Event::Resumed(Resumed { at: self.parts.clock.wall(), image })]).await
            }
        }
    }

    /// Takes in what an entry brought, of which so many requests stand in this run's record.
    async fn take_again(&mut self, step: &mut Step, recorded: usize) -> Result<(), Ending> {
        self.hear(step);
        let new = step.requests.iter().skip(recorded).cloned().map(Event::Asked).collect();
        self.record(new).await.map_err(Ending::Internal)?;
        for request in step.requests.drain(..) {
            self.count(&request)?;
            if let GuestAsk::GiveUp(what) = &request.what {
                if let Ok([request]) = what.read::<[RequestId; 1]>() {
                    self.forget(request);
                }
                continue;
            }
            self.held += request.what.arguments().as_str().len() as u64;
            self.pending.insert(request.id, Pending { request, work: None });
        }
        Ok(())
    }

    /// An answer from the record. A run that repeats another one has it in its own record too.
    async fn hand_over_again(&mut self, delivery: &Delivery, past: &Past) -> Result<(), String> {
        if let Delivered::Settled { request, .. } = delivery.what {
            self.forget(request);
        }
        match past.goes_on {
            GoesOn::Repeated { .. } => self.record(vec![Event::Delivered(delivery.clone())]).await,
            GoesOn::Resumed(_) => Ok(()),
        }
    }

    /// Starts what the record leaves open.
    fn open_again(&mut self, past: &Past) {
        let mut answers = past.folded.answers();
        let open = std::mem::take(&mut self.pending);
        self.held = 0;
        for (id, Pending { request, .. }) in open {
            match past.open(id, &mut answers) {
                Open::Made => self.answer(request),
                Open::Answered(reply) => {
                    self.held += request.what.arguments().as_str().len() as u64;
                    self.pending.insert(id, Pending { request, work: None });
                    self.caller.settle(id, reply);
                }
            }
        }
        self.tell();
    }

    /// Enters the guest and, meanwhile, watches for the ends that come from outside.
    async fn enter(&mut self, guest: Box<dyn Guest>, entry: Entry, outside: &mut Outside) -> Step {
        let mut entered = guest.enter(entry);
        tokio::select! {
            biased;
            step = &mut entered => return step,
            reason = outside.comes() => self.stop.stop(reason),
        }
        entered.await
    }

    /// Takes in what an entry brought: console, requests, and where the guest stands.
    async fn take(&mut self, mut step: Step) -> Result<Waiting, Ending> {
        self.hear(&mut step);
        for request in &step.requests {
            self.count(request)?;
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
            GuestState::Waiting { guest, timer } => Ok(Waiting { guest, timer }),
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

    /// Counts a request. Answers, effects and replay go by these numbers; a guest that counts otherwise is not ours any
    /// more.
    fn count(&mut self, request: &GuestRequest) -> Result<(), Ending> {
        if self.last_asked.replace(request.id).is_some_and(|last| last >= request.id) {
            return Err(Ending::Stopped(Stopped::Broken));
        }
        self.made += u32::from(matches!(request.what, GuestAsk::Call { .. }));
        Ok(())
    }

    /// Starts the work that a request asks for.
    fn answer(&mut self, mut request: GuestRequest) {
        if let GuestAsk::GiveUp(what) = &request.what {
            return self.give_up(what);
        }
        let caller = Arc::clone(&self.caller);
        let bytes = request.what.arguments().as_str().len() as u64;
        if self.held + bytes > self.parts.limits.pending {
            request.what.forget_arguments();
            let refused = too_much_pending(self.parts.limits.pending);
            caller.settle(request.id, Reply::Failed(refused));
            self.held += request.what.arguments().as_str().len() as u64;
            self.pending.insert(request.id, Pending { request, work: None });
            return;
        }
        self.held += bytes;
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
        self.pending.insert(request.id, Pending { request, work: Some(work) });
    }

    /// Ends the work for a request that the script does not wait for any more; of a call that was sent the upstream is
    /// told. If its answer is there already, the guest gets it and has no use for it.
    fn give_up(&mut self, what: &Json) {
        let Ok([request]) = what.read::<[RequestId; 1]>() else { return };
        if let Some(Pending { work: Some(work), .. }) = self.forget(request) {
            work.abort();
        }
    }

    /// The request is not waited for any more.
    fn forget(&mut self, request: RequestId) -> Option<Pending> {
        let was = self.pending.remove(&request)?;
        self.asking.remove(&request);
        self.held = self.held.saturating_sub(was.request.what.arguments().as_str().len() as u64);
        if matches!(was.request.what, GuestAsk::Call { .. }) {
            self.done += 1;
        }
        Some(was)
    }

    /// Waits for something to hand over, or for an end that comes from outside.
    async fn next(
        &mut self,
        timer: Option<RunTime>,
        outside: &mut Outside,
    ) -> Result<Vec<Delivery>, Stopped> {
        let first = loop {
            self.stand_or_go(outside);
            let due = timer.and_then(|due| self.clock.moment(due));
            tokio::select! {
                biased;
                reason = outside.comes() => return Err(match reason {
                    StopReason::Cancelled => Stopped::Cancelled,
                    StopReason::Wall => Stopped::Limit(Limit::Wall),
                }),
                Some(told) = self.told.recv() => {
                    if let Some(settled) = self.heard(told) {
                        break Some(settled);
                    }
                }
                Some(ended) = self.calls.join_next() => {
                    // A call that broke will never be answered; one that was given up need not be.
                    if let Err(error) = ended
                        && !error.is_cancelled()
                    {
                        tracing::error!(run = %self.parts.id, %error, "a call broke");
                        return Err(Stopped::Broken);
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => break None,
            }
        };
        self.go(outside);
        let Some(first) = first else {
            let at = self.clock.now().max(timer.unwrap_or_default());
            return Ok(vec![Delivery { at, what: Delivered::Timer }]);
        };
        if self.pending.len() > 1 {
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
        Ok(batch)
    }

    /// Takes in what a call tells; an answer is for the guest.
    fn heard(&mut self, told: Told) -> Option<Settled> {
        match told {
            Told::Settled(settled) => return Some(settled),
            Told::Asks(request) => {
                if self.pending.contains_key(&request) {
                    self.asking.insert(request);
                }
            }
            Told::Asked(request) => {
                self.asking.remove(&request);
            }
        }
        None
    }

    /// Lets the clock stand while every request waits for a person, and go otherwise. Timers of the guest stand with it:
    /// a script's own patience is not a person's.
    fn stand_or_go(&mut self, outside: &mut Outside) {
        let stands = !self.asking.is_empty() && self.asking.len() == self.pending.len();
        if self.clock.stand(stands) {
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
        self.forget(settled.request);
        Delivery { at, what: Delivered::Settled { request: settled.request, reply: settled.reply } }
    }

    /// Tells whoever watches how far the run is.
    fn tell(&self) {
        let asking = u32::try_from(self.asking.len()).unwrap_or(u32::MAX);
        let (made, done, stands) = (self.made, self.done, self.clock.stands());
        self.parts.progress.send_if_modified(|progress| {
            let now =
                Progress { calls_made: made, calls_done: done, calls_asking: asking, stands, ..*progress };
            std::mem::replace(progress, now) != now
        });
    }

    /// Ends what is still under way. A script that came to its end may have calls that it did not await:
    /// they are waited for and told of, because they were meant. Otherwise they are abandoned.
    async fn wind_down(&mut self, ending: &Ending) {
        let unawaited: Vec<GuestRequest> =
            self.pending.values().map(|pending| pending.request.clone()).collect();
        let mut replies = BTreeMap::new();
        if matches!(ending, Ending::Value(_)) {
            let mut outside = self.outside();
            while !self.calls.is_empty() {
                self.stand_or_go(&mut outside);
                // Answers are taken as they come: calls that are not sent yet wait for room for theirs.
                tokio::select! {
                    Some(told) = self.told.recv() => {
                        if let Some(settled) = self.heard(told) {
                            self.late(settled, &mut replies).await;
                        }
                    }
                    _ = self.calls.join_next() => {}
                    _ = outside.comes() => break,
                }
            }
            self.go(&mut outside);
        }
        self.calls.shutdown().await;
        while let Ok(told) = self.told.try_recv() {
            if let Some(settled) = self.heard(told) {
                self.late(settled, &mut replies).await;
            }
        }
        if matches!(ending, Ending::Value(_)) {
            let warnings =
                unawaited.iter().filter_map(|request| self.unawaited(request, replies.get(&request.id)));
            let warnings: Vec<ConsoleLine> = warnings.collect();
            self.console.extend(warnings);
        }
    }

    /// Records an answer that comes after the script's end; of a value only that there is one is remembered.
    async fn late(&mut self, settled: Settled, replies: &mut BTreeMap<RequestId, Reply>) {
        let reply = match &settled.reply {
            Reply::Value(_) => Reply::Value(Json::null()),
            failed @ Reply::Failed(_) => failed.clone(),
        };
        replies.insert(settled.request, reply);
        let delivery = self.delivery(self.clock.now(), settled);
        self.tell();
        if let Err(reason) = self.record(vec![Event::Delivered(delivery)]).await {
            tracing::error!(run = %self.parts.id, reason, "an outcome after the script's end is not recorded");
        }
    }

    fn unawaited(&self, request: &GuestRequest, reply: Option<&Reply>) -> Option<ConsoleLine> {
        let GuestAsk::Call { namespace, tool, .. } = &request.what else { return None };
        let line = self.line_of(request).map(|line| format!(" (line {line})")).unwrap_or_default();
        let became = match reply {
            Some(Reply::Value(_)) => "it was carried out".to_owned(),
            Some(Reply::Failed(failure)) => format!("it failed: {}", failure.message),
            None => "it was abandoned and its effect is unknown".to_owned(),
        };
        let text = format!("{namespace}.{tool}{line} was not awaited; {became}");
        Some(ConsoleLine { level: ConsoleLevel::Warn, text })
    }

    fn outcome(&self, ending: &Ending) -> Outcome {
        recorded::outcome(&self.prepared, ending, Some(&*self.parts.catalogue.snapshot()))
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

impl Outside {
    fn of(cancel: CancellationToken, wall: Option<Instant>) -> Self {
        let wall = Box::pin(sleep_until(wall.unwrap_or_else(never)));
        Self { cancelled: cancel.cancelled_owned().boxed(), wall }
    }

    /// The wall limit has another moment now.
    fn wall_at(&mut self, wall: Option<Instant>) {
        self.wall.as_mut().reset(wall.unwrap_or_else(never));
    }

    /// Waits until the run has to end, and says why.
    async fn comes(&mut self) -> StopReason {
        tokio::select! {
            () = &mut self.cancelled => StopReason::Cancelled,
            () = &mut self.wall => StopReason::Wall,
        }
    }
}

/// A moment further off than any run.
fn never() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3_600)
}

/// The report on a script of which nothing ran here. A run that was taken over is let go: another Outboard, or this one
/// at another time, may be able to bring it to its end.
async fn let_go(parts: RunParts, outcome: Outcome) -> RunReport {
    let lease = match &parts.past {
        Some(Past { goes_on: GoesOn::Resumed(lease), .. }) => Some(lease.clone()),
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
