//! Fakes of the ports. They hold no rules of their own: a test says what each does.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    Engines, Language, Parts, RunRequest, Runtime,
    approval::{Approver, NobodyThere},
    broker::Permit,
    catalogue::{Annotations, Catalogue, Listing, Placing, Terms, ToolDefinition, UpstreamState},
    clock::{Clock, RunTime, WallTime},
    ids::{ImageHash, RequestId, RunId, UpstreamName},
    journal::{
        Append, Event, Lease, MemoryStore, RunEntry, Store, StoreFailure, StoreTrouble, Which, Written,
    },
    json::Json,
    limits::Limits,
    operation::Operation,
    policy::{AllowAll, Decider, Facts, Policy, Reason, Verdict},
    ports::{
        engine::{
            Delivered, Engine, EngineRefused, Entry, Guest, GuestAsk, GuestRequest, GuestState, GuestWorld,
            ProgramPosition, Reply, Step,
        },
        upstream::{SendFailure, Upstream, Upstreams},
    },
    reply::CallReply,
    run::RunReport,
    session::Session,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// What a fake guest does: its requests at the start, and when it ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Play {
    /// `(namespace, tool, arguments)` made at once at the start.
    pub(crate) calls: Vec<(&'static str, &'static str, Value)>,
    /// Ends without waiting for the answers.
    pub(crate) impatient: bool,
    /// Waits for this moment of its clock before it ends.
    pub(crate) timer: Option<Duration>,
    /// Computes for so long each time that it is entered.
    pub(crate) computes: Duration,
}

/// What a person at the machine would see of the guests.
#[derive(Default)]
pub(crate) struct Guests {
    /// What those do that are opened from now on.
    pub(crate) play: Mutex<Play>,
    pub(crate) alive: AtomicUsize,
    pub(crate) opened: AtomicUsize,
}

pub(crate) struct FakeEngine {
    image: ImageHash,
    guests: Arc<Guests>,
}

struct FakeGuest {
    play: Play,
    answers: Vec<Value>,
    clock: Duration,
    guests: Arc<Guests>,
}

impl Drop for FakeGuest {
    fn drop(&mut self) {
        self.guests.alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Engine for FakeEngine {
    fn image(&self) -> &ImageHash {
        &self.image
    }

    fn open(&self, _: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        let (play, guests) = (self.guests.play.lock().unwrap().clone(), Arc::clone(&self.guests));
        guests.alive.fetch_add(1, Ordering::SeqCst);
        guests.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(FakeGuest { play, answers: Vec::new(), clock: Duration::ZERO, guests }))
    }
}

impl Guest for FakeGuest {
    fn enter(mut self: Box<Self>, entry: Entry) -> BoxFuture<'static, Step> {
        let requests = match entry {
            Entry::Start => self.requests(),
            Entry::Deliver(deliveries) => {
                for delivery in deliveries {
                    assert!(delivery.at.0 >= self.clock, "the clock went backwards");
                    self.clock = delivery.at.0;
                    if let Delivered::Settled { request, reply } = delivery.what {
                        self.answers.push(match reply {
                            Reply::Value(value) => json!([request.0, value.to_value()]),
                            Reply::Failed(failure) => {
                                json!([request.0, failure.code.as_str(), failure.message])
                            }
                        });
                    }
                }
                Vec::new()
            }
        };
        let computes = self.play.computes;
        let due = self.play.timer.filter(|due| *due > self.clock);
        let done = (self.play.impatient || self.answers.len() == self.play.calls.len()) && due.is_none();
        let state = if done {
            GuestState::Finished(Some(Json::from(Value::from(std::mem::take(&mut self.answers)))))
        } else {
            GuestState::Waiting { guest: self, timer: due.map(RunTime) }
        };
        async move {
            if !computes.is_zero() {
                tokio::time::sleep(computes).await;
            }
            Step { requests, console: Vec::new(), console_dropped: 0, state }
        }
        .boxed()
    }
}

impl FakeGuest {
    fn requests(&self) -> Vec<GuestRequest> {
        (1..)
            .zip(&self.play.calls)
            .map(|(id, (namespace, tool, arguments))| GuestRequest {
                id: RequestId(id),
                what: GuestAsk::Call {
                    namespace: (*namespace).to_owned(),
                    tool: (*tool).to_owned(),
                    arguments: Json::from(arguments.clone()),
                    paged: false,
                },
                position: Some(ProgramPosition { line: 2, column: 1 }),
            })
            .collect()
    }
}

/// An upstream that counts, and does as the arguments say: `wait_ms`, `hang`, `lose`, `refuse`, `tool_error`.
#[derive(Default)]
pub(crate) struct FakeUpstream {
    pub(crate) received: Mutex<Vec<Value>>,
    in_flight: AtomicUsize,
    pub(crate) most_in_flight: AtomicUsize,
    pub(crate) abandoned: AtomicUsize,
    /// How long it takes to start.
    pub(crate) start: Mutex<Duration>,
}

struct InFlight<'a>(&'a FakeUpstream, bool);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.abandoned.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Upstream for FakeUpstream {
    fn ready(&self) -> BoxFuture<'_, Result<(), SendFailure>> {
        let start = *self.start.lock().unwrap();
        async move {
            tokio::time::sleep(start).await;
            Ok(())
        }
        .boxed()
    }

    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        let Operation::CallTool(call) = permit.into_operation() else { panic!("the tests call tools") };
        async move {
            let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_in_flight.fetch_max(now, Ordering::SeqCst);
            let mut here = InFlight(self, false);
            let arguments = call.arguments.to_value();
            self.received.lock().unwrap().push(arguments.clone());
            if let Some(wait) = arguments["wait_ms"].as_u64() {
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
            if arguments["hang"] == true {
                std::future::pending::<()>().await;
            }
            here.1 = true;
            if arguments["lose"] == true {
                return Err(SendFailure::Lost { reason: "it died".to_owned() });
            }
            if let Some(code) = arguments["refuse"].as_i64() {
                return Err(SendFailure::Refused { code, message: "no".to_owned() });
            }
            let text = json!({"type": "text", "text": arguments["n"].to_string()});
            Ok(CallReply {
                content: vec![text.into()],
                structured: None,
                is_error: arguments["tool_error"] == true,
                next: arguments.get("next").cloned().map(Into::into),
            })
        }
        .boxed()
    }
}

struct Only(BTreeMap<UpstreamName, Arc<FakeUpstream>>);

impl Upstreams for Only {
    fn get(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.0.get(name).map(|upstream| Arc::clone(upstream) as _)
    }
}

/// A reason of a test's.
pub(crate) fn because(text: &str) -> Reason {
    Reason::new(Decider::Otherwise, text)
}

/// Denies what its name says.
pub(crate) struct Rule(pub(crate) fn(&Value) -> Verdict);

impl Policy for Rule {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        (self.0)(&facts.operation.arguments().unwrap().to_value())
    }

    fn describe(&self) -> String {
        "a rule of a test".to_owned()
    }
}

/// A store that fails at an event of this kind.
pub(crate) struct FailingAt(pub(crate) fn(&Event) -> bool, pub(crate) MemoryStore);

impl Store for FailingAt {
    fn append(&self, lease: &Lease, append: Append) -> Written {
        if append.events.iter().any(self.0) {
            let reason = "the disk is full".to_owned();
            let failure = StoreFailure { trouble: StoreTrouble::Full, action: "written", reason };
            return async move { Err(failure) }.boxed();
        }
        self.1.append(lease, append)
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        self.1.read(run)
    }

    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>> {
        self.1.runs(which)
    }

    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>> {
        self.1.take(run)
    }

    fn release(&self, lease: &Lease) -> Written {
        self.1.release(lease)
    }
}

/// A store whose list of runs is what this makes of it.
pub(crate) struct Listed(pub(crate) fn(&mut RunEntry), pub(crate) Arc<MemoryStore>);

impl Store for Listed {
    fn append(&self, lease: &Lease, append: Append) -> Written {
        self.1.append(lease, append)
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        self.1.read(run)
    }

    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>> {
        async move {
            let mut runs = self.1.runs(which).await?;
            runs.iter_mut().for_each(self.0);
            Ok(runs)
        }
        .boxed()
    }

    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>> {
        self.1.take(run)
    }

    fn release(&self, lease: &Lease) -> Written {
        self.1.release(lease)
    }
}

struct Noon;

impl Clock for Noon {
    fn wall(&self) -> WallTime {
        WallTime(1_700_000_000_000)
    }
}

/// A runtime of fakes with one upstream `box` that has the tools `work` (no claims) and `look` (read-only).
pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) upstream: Arc<FakeUpstream>,
    pub(crate) guests: Arc<Guests>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) session: Arc<Session>,
}

pub(crate) struct Setting {
    pub(crate) play: Play,
    pub(crate) limits: Limits,
    pub(crate) policy: Arc<dyn Policy>,
    pub(crate) approver: Arc<dyn Approver>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) listed: bool,
    pub(crate) runs_at_once: usize,
    pub(crate) runs_waiting: usize,
    /// The start image of the guests.
    pub(crate) image: &'static str,
    /// Whether there is an engine for Python, which does the same.
    pub(crate) python: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            play: Play::default(),
            limits: Limits::default(),
            policy: Arc::new(AllowAll),
            approver: Arc::new(NobodyThere),
            store: Arc::new(MemoryStore::new()),
            listed: true,
            runs_at_once: 4,
            runs_waiting: 100,
            image: "fake",
            python: true,
        }
    }
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let name = UpstreamName::from("box");
        let catalogue = Catalogue::new([name.clone()]);
        if setting.listed {
            // What it claims counts.
            let terms = Terms { trusted: true, ..Terms::default() };
            catalogue.arrange([Placing { terms, ..Placing::new(name.clone()) }]);
            catalogue.publish(&name, listing());
            catalogue.set_state(&name, UpstreamState::Ready { took: Duration::ZERO });
        }
        let upstream = Arc::new(FakeUpstream::default());
        let guests = Arc::new(Guests { play: Mutex::new(setting.play), ..Guests::default() });
        let engine = |image: &str| -> Arc<dyn Engine> {
            Arc::new(FakeEngine { image: ImageHash::from(image), guests: Arc::clone(&guests) })
        };
        let mut engines = Engines::new(engine(setting.image));
        if setting.python {
            let python = engine("fake python");
            engines = engines.with_python(move || Ok(Arc::clone(&python)));
        }
        let runtime = Runtime::new(Parts {
            catalogue,
            upstreams: Arc::new(Only(BTreeMap::from([(name, Arc::clone(&upstream))]))),
            engines,
            policy: setting.policy,
            approver: setting.approver,
            store: Arc::clone(&setting.store),
            clock: Arc::new(Noon),
            limits: setting.limits,
            runs_at_once: setting.runs_at_once,
            runs_waiting: setting.runs_waiting,
        });
        Self { runtime, upstream, guests, store: setting.store, session: Arc::new(Session::new()) }
    }

    /// Puts the upstream on these terms.
    pub(crate) fn on(&self, terms: Terms) {
        let placing = Placing { terms, ..Placing::new("box".into()) };
        self.runtime.catalogue().arrange([placing]);
    }

    pub(crate) async fn run(&self) -> RunReport {
        self.run_until(CancellationToken::new()).await
    }

    pub(crate) async fn run_until(&self, cancel: CancellationToken) -> RunReport {
        self.run_script("box", None, cancel).await
    }

    pub(crate) async fn run_script(
        &self,
        code: &str,
        language: Option<Language>,
        cancel: CancellationToken,
    ) -> RunReport {
        let request = RunRequest { code: code.to_owned(), language, ..RunRequest::default() };
        self.runtime.run(&self.session, request, cancel).await
    }

    pub(crate) async fn events(&self, report: &RunReport) -> Vec<Event> {
        self.store.read(&report.id).await.unwrap()
    }
}

pub(crate) fn listing() -> Listing {
    let schema = json!({
        "type": "object",
        "properties": {"n": {"type": "integer"}, "wait_ms": {"type": "integer"}, "word": {"type": "string", "pattern": "^(a+)+$"}, "note": {"type": "string", "nullable": true}},
    });
    let tool = |name: &str, read_only| {
        Arc::new(ToolDefinition {
            name: name.into(),
            title: None,
            description: Some("Does things.".to_owned()),
            input_schema: Some(schema.clone().into()),
            output_schema: None,
            annotations: Annotations { read_only_hint: read_only, ..Annotations::default() },
        })
    };
    Listing { tools: vec![tool("work", None), tool("look", Some(true))], ..Listing::default() }
}
