//! Runs of the real guests that wait for a person: they leave memory and come back to where they stood, also under another
//! start image, and where that does something else nothing is sent.

use std::{sync::Arc, time::Duration};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Language, Parts, RunRequest, Runtime,
    approval::{Approvals, Reach, Said, Sheet, SigningKey},
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition},
    clock::SystemClock,
    ids::{ImageHash, UpstreamName},
    journal::{Event, MemoryStore, Store, fold, replay},
    limits::Limits,
    policy::{Decider, Facts, Policy, Reason, Verdict},
    ports::engine::{Engine, EngineRefused, Guest, GuestWorld},
    run::{FailureKind, Outcome, Progress, RunReport},
    session::Session,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::replay::{Everyone, Uneven};

const TYPESCRIPT: &str = "
    const kept = Array.from({ length: 1000 }, () => Math.random());
    const before = [Date.now(), (await up.work({ n: 1 })).n];
    const later = new Promise(done => setTimeout(() => done(performance.now()), 50));
    const asked = (await up.work({ n: 2, ask: true })).n;
    return { asked, before, kept: kept[999], after: [Date.now(), Math.random()], later: await later, id: crypto.randomUUID() };
";

const PYTHON: &str = "
import asyncio, random, time, uuid
kept = [random.random() for _ in range(1000)]
before = [time.time(), (await up.work(n=1))['n']]
async def wait():
    await asyncio.sleep(0.05)
    return time.monotonic()
later = asyncio.ensure_future(wait())
asked = (await up.work(n=2, ask=True))['n']
{'asked': asked, 'before': before, 'kept': kept[999], 'after': [time.time(), random.random()], 'later': await later, 'id': uuid.uuid4()}
";

const SCRIPTS: [(Language, &str); 2] = [(Language::TypeScript, TYPESCRIPT), (Language::Python, PYTHON)];

/// Engines with room for one guest each.
fn narrow() -> [Arc<dyn Engine>; 2] {
    let options = PoolOptions { slots: 1, ahead: 0, ..PoolOptions::default() };
    let store = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
    [Arc::new(QuickJs::new(&options).unwrap()), Arc::new(CPython::load(&options, &store).unwrap())]
}

/// The same engine with another start image, which may run something else.
struct Upgraded {
    engine: Arc<dyn Engine>,
    image: ImageHash,
    program: fn(&str) -> String,
}

impl Engine for Upgraded {
    fn image(&self) -> &ImageHash {
        &self.image
    }

    fn open(&self, world: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        let program = (self.program)(&world.program).into();
        self.engine.open(GuestWorld { program, ..world })
    }
}

fn upgraded(program: fn(&str) -> String) -> [Arc<dyn Engine>; 2] {
    narrow().map(|engine| {
        let image = ImageHash::from("newer");
        Arc::new(Upgraded { engine, image, program }) as Arc<dyn Engine>
    })
}

/// Asks about calls that say so.
struct AsAsked;

impl Policy for AsAsked {
    fn judge(&self, facts: &Facts<'_>) -> Verdict {
        let reason = Reason::new(Decider::Otherwise, "a test asks");
        match facts.operation.arguments().is_some_and(|arguments| arguments.to_value()["ask"] == true) {
            true => Verdict::Ask(reason),
            false => Verdict::Allow(reason),
        }
    }

    fn describe(&self) -> String {
        "a policy of a test".to_owned()
    }
}

/// A process with these engines.
struct Process {
    runtime: Runtime,
    approvals: Arc<Approvals>,
    upstream: Uneven,
}

impl Process {
    fn new([typescript, python]: [Arc<dyn Engine>; 2], store: &Arc<MemoryStore>) -> Self {
        let name = UpstreamName::from("up");
        let catalogue = Catalogue::new([name.clone()]);
        let tool = ToolDefinition {
            name: "work".into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: Annotations::default(),
        };
        catalogue.publish(&name, Listing { tools: vec![Arc::new(tool)], ..Listing::default() });
        let approvals =
            Arc::new(Approvals::new(SigningKey::random(), Arc::new(SystemClock), Reach::Somebody));
        let upstream = Uneven::default();
        let runtime = Runtime::new(Parts {
            catalogue,
            upstreams: Arc::new(Everyone(upstream.clone())),
            engines: Engines::new(typescript).with_python(move || Ok(Arc::clone(&python))),
            policy: Arc::new(AsAsked),
            approver: Arc::clone(&approvals) as _,
            store: Arc::clone(store) as _,
            clock: Arc::new(SystemClock),
            limits: Limits::default(),
            runs_waiting: 0,
            runs_at_once: 4,
        });
        Self { runtime, approvals, upstream }
    }

    async fn run(&self, session: &Arc<Session>, language: Language, code: &str) -> RunReport {
        let (code, cancel) = (code.to_owned(), session.over().child_token());
        let request = RunRequest { code, language: Some(language), ..RunRequest::default() };
        self.runtime.run(session, request, cancel).await
    }

    async fn question(&self) -> Arc<Sheet> {
        let mut changes = self.approvals.watch();
        loop {
            changes.borrow_and_update();
            if let Some(sheet) = self.approvals.open().first() {
                return Arc::clone(sheet);
            }
            changes.changed().await.unwrap();
        }
    }

    /// Takes up a run that was let go, and says yes to what it asks.
    async fn take_up(&self, report: &RunReport) -> RunReport {
        let taken = self.runtime.take(&report.id).await.unwrap();
        let progress = watch::Sender::new(Progress::default());
        let session = Arc::new(Session::new());
        let run = self.runtime.go_on(&session, taken, progress, CancellationToken::new());
        let person = async {
            let sheet = self.question().await;
            self.approvals.answer(&sheet.id, Said::Once).unwrap();
            std::future::pending::<()>().await;
        };
        tokio::select! {
            report = run => report,
            () = person => unreachable!("a person does not end"),
        }
    }
}

fn value(report: &RunReport) -> Value {
    match &report.outcome {
        Outcome::Value(Some(value)) => value.to_value(),
        other => panic!("{other:?}"),
    }
}

/// The value is what a run gives that was never taken out of memory.
async fn replays(process: &Process, store: &MemoryStore, report: &RunReport) {
    let folded = fold(&store.read(&report.id).await.unwrap()).unwrap();
    let replayed = replay(process.runtime.engines(), &folded).await.unwrap();
    assert_eq!((&replayed.asked, &replayed.ending), (&folded.asked, &folded.ending));
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_waits_for_a_person_gives_its_memory_to_another_and_comes_back_as_it_was() {
    for (language, script) in SCRIPTS {
        let store = Arc::new(MemoryStore::new());
        let process = Process::new(narrow(), &store);
        let session = Arc::new(Session::new());
        let meanwhile = async {
            let sheet = process.question().await;
            let early = process.run(&session, language, "1 + 1").await;
            assert!(
                matches!(&early.outcome, Outcome::Failed(failure) if format!("{failure:?}").contains("all 1 sandboxes are in use")),
                "{early:?}"
            );
            tokio::time::sleep(Duration::from_secs(100)).await;
            assert_eq!(value(&process.run(&session, language, "1 + 1").await), 2);
            process.approvals.answer(&sheet.id, Said::Once).unwrap();
        };
        let (report, ()) = tokio::join!(process.run(&session, language, script), meanwhile);
        let value = value(&report);
        assert_eq!(
            (&value["asked"], &value["before"][1], process.upstream.received()),
            (&json!(2), &json!(1), 2)
        );
        replays(&process, &store, &report).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_in_another_process_under_another_start_image_that_does_the_same() {
    for (language, script) in SCRIPTS {
        let store = Arc::new(MemoryStore::new());
        let report = let_go(&store, language, script).await;
        let next = Process::new(upgraded(str::to_owned), &store);
        let report = next.take_up(&report).await;
        let value = value(&report);
        assert_eq!(
            (&value["asked"], &value["before"][1], next.upstream.received()),
            (&json!(2), &json!(1), 1)
        );
        let events = store.read(&report.id).await.unwrap();
        let image = events.iter().find_map(|event| match event {
            Event::Resumed(resumed) => Some(resumed.image.to_string()),
            _ => None,
        });
        assert_eq!(image.as_deref(), Some("newer"));
        replays(&next, &store, &report).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_image_that_does_something_else_sends_nothing_and_what_was_done_is_told() {
    for (language, script) in SCRIPTS {
        let store = Arc::new(MemoryStore::new());
        let report = let_go(&store, language, script).await;
        let other = |program: &str| program.replace("n: 2", "n: 3").replace("n=2", "n=3");
        let next = Process::new(upgraded(other), &store);
        let report = next.take_up(&report).await;
        let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
        let FailureKind::Internal(reason) = &failure.kind else { panic!("{failure:?}") };
        assert!(
            reason.contains("request 1 differs") && reason.contains("Nothing was sent since"),
            "{reason}"
        );
        assert_eq!((next.upstream.received(), next.approvals.open().len()), (0, 0));
        let effects: Vec<(&str, bool)> =
            report.effects.iter().map(|effect| (effect.tool.as_str(), effect.certain)).collect();
        assert_eq!(effects, [("work", true)]);
    }
}

/// A run that waits for a person when its client goes.
async fn let_go(store: &Arc<MemoryStore>, language: Language, script: &str) -> RunReport {
    let process = Process::new(narrow(), store);
    let session = Arc::new(Session::new());
    let client = async {
        process.question().await;
        session.over().cancel();
    };
    let (report, ()) = tokio::join!(process.run(&session, language, script), client);
    assert!(
        matches!(&report.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::LetGo),
        "{report:?}"
    );
    report
}
