//! What a person accepted, what a session has seen, and the kinds of operation that are no tool calls: each way round
//! the gate, tried.

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
    RepeatRequest,
    approval::{
        Answer, Approval, Approvals, Approver, NobodyThere, Question, Reach, Said, Scope, SigningKey,
    },
    broker::{Broker, Budget, Caller, Ledger, OtherRequest, Permit, Tally},
    catalogue::{Beside, Catalogue, Entry, Listing, Placing, Terms},
    clock::SystemClock,
    ids::{RequestId, RunId},
    journal::{Event, MemoryStore, Reader, Store as _},
    json::Json,
    limits::Limits,
    operation::{Asked, AskedFor, Kind, Operation, Requested},
    policy::{Labels, LimitText, Pins, PolicyText, RuleText, Rulebook, Taint, Word},
    ports::upstream::{SendFailure, Upstream, Upstreams},
    reply::{CallReply, FailureCode, ToolFailure},
    run::{Outcome, RunReport, ToolOutcome, ToolRequest},
    session::{Found, Session},
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Setting, World, listing};

fn rulebook(text: PolicyText) -> Arc<Rulebook> {
    Arc::new(Rulebook::read(text).unwrap())
}

/// A world under the rules that hold without configuration, in which a script makes these calls.
fn world(calls: Vec<(&'static str, &'static str, Value)>) -> World {
    let play = Play { calls, ..Play::default() };
    World::new(Setting { play, policy: rulebook(PolicyText::default()), ..Setting::default() })
}

fn labels(private: bool, external: bool) -> Terms {
    let labels = Labels { private: Some(private), external: Some(external), ..Labels::default() };
    Terms { trusted: true, labels, ..Terms::default() }
}

/// Private data, and content that may carry instructions; nothing leaves the organisation.
fn private() -> Terms {
    labels(true, false)
}

/// What leaves the organisation.
fn external() -> Terms {
    labels(false, true)
}

async fn told(world: &World) -> Value {
    match world.run().await.outcome {
        Outcome::Value(Some(value)) => value.to_value(),
        other => panic!("the run did not end with a value: {other:?}"),
    }
}

/// Whether a script's external call is stopped by what the session has seen.
async fn is_stopped(world: &World) -> bool {
    world.on(external());
    let answer = told(world).await[0].clone();
    let stopped = answer[1] == "denied";
    if stopped {
        let text = answer[2].as_str().unwrap();
        assert!(
            text.contains("private data and untrusted content, and this leaves the organisation"),
            "{text}"
        );
    }
    stopped
}

fn one() -> World {
    world(vec![("box", "work", json!({"n": 1}))])
}

#[tokio::test]
async fn nothing_runs_by_the_claims_of_an_upstream_that_nobody_accepted() {
    let world = world(vec![("box", "look", json!({})), ("box", "work", json!({}))]);
    world.on(Terms::default());
    let answers = told(&world).await;
    for answer in answers.as_array().unwrap() {
        assert_eq!(answer[1], "denied", "{answer}");
        let text = answer[2].as_str().unwrap();
        assert!(text.contains("nobody has accepted the upstream box yet"), "{text}");
        assert!(text.contains("a person can run: outboard accept box"), "{text}");
    }
    let accepted = Some(Arc::new(Pins::of(&listing())));
    world.on(Terms { accepted, ..Terms::default() });
    let answers = told(&world).await;
    let of = |number: u64| answers.as_array().unwrap().iter().find(|answer| answer[0] == number).unwrap();
    assert_eq!((of(1).as_array().unwrap().len(), &of(2)[1]), (2, &json!("denied")), "{answers}");
    assert_eq!(world.upstream.received.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_tool_that_changed_since_it_was_accepted_asks_whatever_the_rules_say() {
    let rules = vec![RuleText { tools: None, when: None, verdict: Word::Allow, reason: None }];
    let play = Play { calls: vec![("box", "look", json!({}))], ..Play::default() };
    let policy = rulebook(PolicyText { rules, ..PolicyText::default() });
    let world = World::new(Setting { play, policy, ..Setting::default() });
    let mut before = listing();
    Arc::make_mut(&mut before.tools[1]).description = Some("Did other things.".to_owned());
    world.on(Terms { accepted: Some(Arc::new(Pins::of(&before))), trusted: true, ..Terms::default() });
    let answer = told(&world).await[0].clone();
    assert_eq!(answer[1], "denied", "{answer}");
    assert!(answer[2].as_str().unwrap().contains("the tool has changed since it was accepted"), "{answer}");
    let mut reordered = listing();
    reordered.tools.reverse();
    world.on(Terms { accepted: Some(Arc::new(Pins::of(&reordered))), ..Terms::default() });
    assert_eq!(told(&world).await, json!([[1, null]]));
}

#[tokio::test]
async fn limits_hold_for_calls_made_at_once() {
    let calls = (0..20).map(|n| ("box", "work", json!({ "n": n }))).collect();
    let limits = vec![LimitText { tools: vec!["box.work".to_owned()], per_run: Some(5), per_hour: Some(12) }];
    let policy = rulebook(PolicyText { limits, ..PolicyText::default() });
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, policy, ..Setting::default() });
    for expected in [5, 5, 2, 0] {
        let answers = told(&world).await;
        let passed = answers.as_array().unwrap().iter().filter(|answer| answer[1] != "denied").count();
        assert_eq!(passed, expected, "{answers}");
    }
    assert_eq!(world.upstream.received.lock().unwrap().len(), 12);
}

#[tokio::test]
async fn private_data_and_untrusted_content_stop_what_leaves_in_the_same_and_in_later_runs() {
    let world = one();
    world.on(external());
    assert!(!is_stopped(&world).await, "nothing was seen yet");
    world.on(private());
    told(&world).await;
    assert!(is_stopped(&world).await);
    assert!(is_stopped(&world).await, "and it stays so");
    let other = World { session: Arc::new(Session::new()), ..world };
    assert!(!is_stopped(&other).await, "another conversation has not seen it");
}

#[tokio::test]
async fn either_alone_stops_nothing() {
    for labels in [
        Labels { private: Some(true), untrusted: Some(false), external: Some(false) },
        Labels { private: None, untrusted: None, external: Some(false) },
    ] {
        let world = one();
        world.on(Terms { trusted: true, labels, ..Terms::default() });
        told(&world).await;
        assert!(!is_stopped(&world).await, "{labels:?}");
    }
}

#[tokio::test]
async fn an_error_of_a_private_upstream_counts_as_what_it_said() {
    let world = world(vec![("box", "work", json!({"n": 1, "tool_error": true}))]);
    world.on(private());
    told(&world).await;
    assert!(world.session.taint().is_dangerous());
    assert!(is_stopped(&world).await);
}

#[tokio::test]
async fn a_direct_call_counts_for_scripts_and_scripts_count_for_direct_calls() {
    let call = async |world: &World| {
        let request = ToolRequest {
            id: None,
            namespace: "box".to_owned(),
            tool: "work".to_owned(),
            client: None,
            reader: Reader::Asker,
            arguments: Json::from(json!({"n": 1})),
            advances: None,
        };
        world.runtime.call(&world.session, request, CancellationToken::new()).await.outcome
    };
    let world = one();
    world.on(private());
    assert_eq!(call(&world).await, ToolOutcome::Value(Json::from(json!(1))));
    assert!(is_stopped(&world).await);
    let world = one();
    world.on(private());
    told(&world).await;
    world.on(external());
    let ToolOutcome::Failed(failure) = call(&world).await else { panic!("it passed") };
    assert_eq!(failure.code, FailureCode::Denied);
}

#[tokio::test]
async fn only_a_person_clears_it_and_a_kept_value_brings_it_back() {
    let world = one();
    world.on(private());
    told(&world).await;
    let handle = world.session.keep(Json::string("secret"));
    assert!(is_stopped(&world).await);
    world.runtime.clear_taint();
    assert!(!is_stopped(&world).await);
    assert_eq!(world.session.kept(handle.as_str()), Some(Json::string("secret")));
    assert!(is_stopped(&world).await);
}

#[tokio::test]
async fn a_kept_value_brings_it_back_also_if_nothing_was_called_since_it_was_cleared() {
    let world = one();
    world.on(private());
    told(&world).await;
    let handle = world.session.keep(Json::string("secret"));
    world.runtime.clear_taint();
    world.runtime.notice_clearing(&world.session);
    assert!(world.session.taint().is_clean());
    assert_eq!(world.session.kept(handle.as_str()), Some(Json::string("secret")));
    assert!(is_stopped(&world).await);
}

#[tokio::test]
async fn the_result_of_a_run_that_is_fetched_later_brings_it_back() {
    let world = Arc::new(one());
    world.on(private());
    let (id, cancel) = (world.session.next_run(), CancellationToken::new());
    let run: BoxFuture<'static, RunReport> = {
        let world = Arc::clone(&world);
        async move { world.run().await }.boxed()
    };
    let (_, progress) = tokio::sync::watch::channel(Default::default());
    let long = world.session.adopt(id, cancel, progress, run);
    let report = long.wait(Duration::from_secs(60)).await.unwrap();
    world.runtime.clear_taint();
    assert!(!is_stopped(&world).await);
    assert!(matches!(world.session.find(report.id.name()), Ok(Found::Ended(_))));
    assert!(is_stopped(&world).await);
}

#[tokio::test]
async fn what_a_record_answers_counts_for_the_session_that_goes_on_from_it() {
    let store = Arc::new(MemoryStore::new());
    let over = |store: &Arc<MemoryStore>| {
        let play = Play { calls: vec![("box", "work", json!({"n": 1}))], ..Play::default() };
        let (policy, store) = (rulebook(PolicyText::default()), Arc::clone(store) as _);
        World::new(Setting { play, policy, store, ..Setting::default() })
    };
    let first = over(&store);
    first.on(private());
    let id = first.run().await.id;
    let second = over(&store);
    second.on(private());
    let progress = tokio::sync::watch::Sender::new(Default::default());
    let request = RepeatRequest { run: id, from: RequestId(99), progress };
    second.runtime.repeat(&second.session, request, CancellationToken::new()).await.unwrap();
    assert!(second.upstream.received.lock().unwrap().is_empty(), "it came from the record");
    assert!(is_stopped(&second).await);
}

/// A gate to one upstream that answers requests of every kind.
struct Gate {
    catalogue: Catalogue,
    broker: Broker,
    session: Arc<Session>,
    store: Arc<MemoryStore>,
    sent: Arc<Sent>,
}

#[derive(Default)]
struct Sent(Mutex<Vec<Operation>>);

impl Upstream for Sent {
    fn send(&self, _: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        async { panic!("these are no tool calls") }.boxed()
    }

    fn request(&self, permit: Permit) -> BoxFuture<'_, Result<Json, SendFailure>> {
        let operation = permit.into_operation();
        let listed = operation.kind() == Kind::ListResources;
        self.0.lock().unwrap().push(operation);
        let answer = match listed {
            true => json!({"resources": [{"uri": "file:///a", "name": "a"}, 7, {"name": "no uri"}]}),
            false => json!({"ok": true}),
        };
        async move { Ok(Json::from(answer)) }.boxed()
    }
}

/// Counts whom it would ask.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Approver for Counting {
    fn ask(&self, _: Question) -> BoxFuture<'_, Answer> {
        self.0.fetch_add(1, Ordering::Relaxed);
        async { Answer::Nobody("nobody is here".to_owned()) }.boxed()
    }

    fn holds(&self, _: &Approval, _: &Scope, _: &Operation) -> bool {
        false
    }
}

struct One(Arc<Sent>);

impl Upstreams for One {
    fn get(&self, _: &outboard_runtime::ids::UpstreamName) -> Option<Arc<dyn Upstream>> {
        Some(Arc::clone(&self.0) as _)
    }
}

impl Gate {
    fn new(terms: Terms, policy: PolicyText, approver: Arc<dyn Approver>) -> Self {
        let catalogue = Catalogue::new([]);
        catalogue.arrange([Placing { terms, ..Placing::new("box".into()) }]);
        let sent = Arc::new(Sent::default());
        let broker =
            Broker::new(catalogue.clone(), Arc::new(One(Arc::clone(&sent))), rulebook(policy), approver);
        let (session, store) = (Arc::new(Session::new()), Arc::new(MemoryStore::new()));
        Self { catalogue, broker, session, store, sent }
    }

    fn accepted() -> Self {
        let terms = Terms { accepted: Some(Arc::default()), ..Terms::default() };
        Self::new(terms, PolicyText::default(), Arc::new(NobodyThere))
    }

    async fn request(&self, what: Requested) -> Result<Json, ToolFailure> {
        self.request_with(what, true).await
    }

    async fn request_with(&self, what: Requested, may_ask: bool) -> Result<Json, ToolFailure> {
        #[expect(clippy::disallowed_methods, reason = "nothing is settled there")]
        let (owner, _answers) = mpsc::unbounded_channel();
        let store = Arc::clone(&self.store);
        let caller = Caller {
            budget: Budget::new(&Limits::default()),
            ledger: Ledger::new(RunId::from("r1"), store, owner),
            deadline: Duration::from_secs(5),
            language: Default::default(),
            session: Arc::clone(&self.session),
            tally: Tally::default(),
            run: RunId::from("r1"),
            principal: self.session.client(),
            verbatim: None,
            advances: None,
            script: None,
        };
        let namespace = "box".to_owned();
        self.broker
            .request(&caller, OtherRequest { id: RequestId(1), namespace, what, line: None, may_ask })
            .await
    }

    fn sent(&self) -> Vec<Kind> {
        self.sent.0.lock().unwrap().iter().map(Operation::kind).collect()
    }
}

fn read(uri: &str) -> Requested {
    Requested::ReadResource { uri: uri.to_owned() }
}

#[tokio::test]
async fn what_a_template_makes_is_listed() {
    let gate = Gate::accepted();
    let template = Entry { name: "file:///notes/{name}".to_owned(), definition: Json::null() };
    let beside = Beside { templates: vec![template], resources: true, ..Beside::default() };
    gate.catalogue.publish(&"box".into(), Listing { beside, ..Listing::default() });
    gate.request(read("file:///notes/a")).await.unwrap();
    for uri in ["file:///notes/a/b", "file:///etc/passwd", "file:///notes/"] {
        let refused = gate.request(read(uri)).await.unwrap_err();
        assert!(refused.message.contains("has not listed this resource"), "{uri}: {refused:?}");
    }
    assert_eq!(gate.sent(), [Kind::ReadResource]);
}

#[tokio::test]
async fn what_nobody_may_be_asked_about_is_refused_and_asks_nobody() {
    let approver = Arc::new(Counting::default());
    let gate = Gate::new(Terms::default(), PolicyText::default(), Arc::clone(&approver) as _);
    let refused = gate.request_with(Requested::ListResources, false).await.unwrap_err();
    assert!(
        refused.code == FailureCode::Denied && refused.message.contains("nobody has accepted"),
        "{refused:?}"
    );
    assert_eq!(approver.0.load(Ordering::Relaxed), 0);
    gate.request(Requested::ListResources).await.unwrap_err();
    assert_eq!(approver.0.load(Ordering::Relaxed), 1);
    assert_eq!(gate.sent(), []);
}

#[tokio::test]
async fn resources_are_read_only_once_they_were_listed() {
    let gate = Gate::accepted();
    for what in [read("file:///a"), Requested::Subscribe { uri: "file:///a".to_owned() }] {
        let failure = gate.request(what).await.unwrap_err();
        assert_eq!(failure.message, "denied by policy: box has not listed this resource");
    }
    gate.request(Requested::ListResources).await.unwrap();
    assert_eq!(gate.request(read("file:///a")).await.unwrap(), Json::from(json!({"ok": true})));
    for uri in ["file:///b", "file:///A", "file:///a/../b", "file:///a#x"] {
        assert_eq!(gate.request(read(uri)).await.unwrap_err().code, FailureCode::Denied, "{uri}");
    }
    assert_eq!(gate.sent(), [Kind::ListResources, Kind::ReadResource]);
    let intents = gate.store.read(&RunId::from("r1")).await.unwrap();
    let tools: Vec<String> = intents
        .iter()
        .filter_map(|event| match event {
            Event::Intended(intent) => Some(intent.tool.as_str().to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(tools, ["resources/list", "resources/read file:///a"]);
}

#[tokio::test]
async fn every_kind_of_request_is_judged_and_hostile_texts_are_not_sent() {
    let arguments = Json::from(json!({"who": "me"}));
    let prompt = |name: &str, arguments: &Json| Requested::GetPrompt {
        name: name.to_owned(),
        arguments: arguments.clone(),
    };
    let complete = Requested::Complete {
        reference: Json::from(json!({"type": "ref/prompt", "name": "p"})),
        argument: Json::from(json!({"name": "who", "value": "m"})),
        context: None,
    };
    let gate = Gate::accepted();
    gate.request(prompt("p", &arguments)).await.unwrap();
    gate.request(complete.clone()).await.unwrap();
    assert_eq!(gate.sent(), [Kind::GetPrompt, Kind::Complete]);
    let stranger = Gate::new(Terms::default(), PolicyText::default(), Arc::new(NobodyThere));
    for what in [prompt("p", &arguments), complete, Requested::ListResources, read("file:///a")] {
        assert_eq!(stranger.request(what).await.unwrap_err().code, FailureCode::Denied);
    }
    assert_eq!(stranger.sent(), []);
    for (what, says) in [
        (read(""), "the URI is empty"),
        (read(&"x".repeat(10_000)), "more than 8192 bytes"),
        (read("file:///a\u{1b}[2J"), "control characters"),
        (prompt("p", &Json::from(json!([]))), "must be an object"),
        (prompt("p", &Json::from(json!({"n": 1}))), "must be texts"),
        (prompt("p\n", &arguments), "control characters"),
    ] {
        let failure = gate.request(what).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::InvalidArguments);
        assert!(failure.message.contains(says), "{failure:?}");
    }
    assert_eq!(gate.sent().len(), 2);
}

#[tokio::test]
async fn reading_a_private_resource_counts_like_a_call() {
    let labels = Labels { private: Some(true), ..Labels::default() };
    let terms = Terms { accepted: Some(Arc::default()), labels, ..Terms::default() };
    let gate = Gate::new(terms, PolicyText::default(), Arc::new(NobodyThere));
    gate.request(Requested::ListResources).await.unwrap();
    assert_eq!(gate.session.taint(), Taint { private: true, untrusted: true });
    let failure = gate.request(read("file:///a")).await.unwrap_err();
    assert!(failure.message.contains("this leaves the organisation"), "{failure:?}");
}

/// Says yes to everything.
struct Person {
    approvals: Approvals,
    asked: Mutex<Vec<Question>>,
}

impl Person {
    fn new() -> Self {
        let approvals = Approvals::new(SigningKey::random(), Arc::new(SystemClock), Reach::Somebody);
        Self { approvals, asked: Mutex::default() }
    }

    async fn say_yes(&self) {
        let mut changes = self.approvals.watch();
        loop {
            changes.borrow_and_update();
            for sheet in self.approvals.open() {
                self.approvals.answer(&sheet.id, Said::Once).unwrap();
            }
            changes.changed().await.unwrap();
        }
    }
}

impl Approver for Person {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        self.asked.lock().unwrap().push(question.clone());
        async move {
            tokio::select! {
                answer = self.approvals.ask(question) => answer,
                () = self.say_yes() => panic!("it goes on for ever"),
            }
        }
        .boxed()
    }

    fn holds(&self, approval: &Approval, scope: &Scope, operation: &Operation) -> bool {
        self.approvals.holds(approval, scope, operation)
    }
}

#[tokio::test]
async fn what_an_upstream_asks_goes_to_a_person_unless_a_rule_decides() {
    let asked = |what| Asked {
        upstream: "box".into(),
        namespace: "box".into(),
        what,
        parameters: Json::from(json!({"message": "your password?"})),
    };
    let rule = |kind: &str, verdict| RuleText {
        tools: None,
        when: Some(format!("kind == '{kind}'")),
        verdict,
        reason: None,
    };
    let rules = vec![rule("sample", Word::Deny), rule("list_roots", Word::Allow)];
    let person = Arc::new(Person::new());
    let terms = || Terms { accepted: Some(Arc::default()), trusted: true, ..Terms::default() };
    let gate = Gate::new(terms(), PolicyText { rules, ..PolicyText::default() }, Arc::clone(&person) as _);
    let results: BTreeMap<&str, bool> = [
        ("sample", gate.broker.asked(&gate.session, asked(AskedFor::Sample)).await.is_ok()),
        ("list_roots", gate.broker.asked(&gate.session, asked(AskedFor::ListRoots)).await.is_ok()),
        ("elicit", gate.broker.asked(&gate.session, asked(AskedFor::Elicit)).await.is_ok()),
    ]
    .into();
    assert_eq!(results, BTreeMap::from([("elicit", true), ("list_roots", true), ("sample", false)]));
    let questions = std::mem::take(&mut *person.asked.lock().unwrap());
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0].operation.kind(), Kind::Elicit);
    assert_eq!(questions[0].reason, "box asks for something of you");
    let nobody = Gate::new(terms(), PolicyText::default(), Arc::new(NobodyThere));
    let failure = nobody.broker.asked(&nobody.session, asked(AskedFor::Sample)).await.unwrap_err();
    assert_eq!(
        failure.message,
        "not approved: nobody could be asked: nobody is there (box asks for a model's answer at your cost)"
    );
}
