//! Fault injection: a process that runs a script is killed (`SIGKILL`, by itself) at each step of the journal in turn, and
//! another one takes the run up. The upstream counts what it receives in a file that survives both. No call that was
//! sent is missing in the record, none that is not safe to repeat is received twice, and each that the script makes is
//! received unless it is told as interrupted.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_engines::{PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Parts, RunRequest, Runtime,
    approval::NobodyThere,
    broker::Permit,
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition},
    clock::SystemClock,
    ids::{RunId, UpstreamName},
    journal::{
        Append, Event, Folded, Lease, RunEntry, RunState, Store, StoreFailure, Which, Written, fold, timeline,
    },
    json::Json,
    limits::Limits,
    operation::Operation,
    policy::AllowAll,
    ports::{
        engine::{GuestAsk, Reply},
        upstream::{SendFailure, Upstream, Upstreams},
    },
    reply::{CallReply, FailureCode},
    run::{Outcome, Progress},
    session::Session,
};
use outboard_store::{SqliteStore, StoreOptions};
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Sequential and parallel calls, read-only ones and others, some failures caught, one not awaited.
const SCRIPT: &str = "
    const seen = [];
    for (let n = 0; n < 3; n++) {
        try { seen.push(await up.write({ n })); } catch (e) { seen.push(e.code); }
    }
    const more = await Promise.allSettled([3, 4, 5].map(n => up.write({ n })).concat([6, 7].map(n => up.read({ n }))));
    seen.push(...more.map(one => one.status === 'fulfilled' ? one.value : one.reason.code));
    void up.write({ n: 8 });
    return seen;
";
const WRITES: [i64; 7] = [0, 1, 2, 3, 4, 5, 8];

/// Steps of the journal that this script takes: before each append, after it, and, where somebody waits, when it is
/// durable. Answers that come together are appended together, so there are some more or less.
const STEPS: i64 = 56;

#[test]
fn killed_at_steps_of_the_journal_nothing_is_lost_and_nothing_is_repeated() {
    sweep(0..STEPS);
}

#[test]
#[ignore = "long: 1,000 processes are killed and their runs taken up"]
fn killed_at_every_step_of_the_journal_a_thousand_times() {
    sweep((0..1_000).map(|n| n % STEPS));
}

fn sweep(steps: impl Iterator<Item = i64>) {
    let mut told = BTreeMap::<&str, usize>::new();
    let (mut all, mut kills) = (0, 0);
    for step in steps {
        let folder = tempfile::tempdir().unwrap();
        let killed = !victim_at(folder.path(), step).success();
        all += 1;
        kills += usize::from(killed);
        let heir = victim_at(folder.path(), -1);
        assert!(heir.success(), "step {step}: {heir}");
        let what = check(folder.path(), step, killed);
        *told.entry(what).or_default() += 1;
    }
    assert!(
        kills * 10 >= all * 9,
        "the steps are those of the script: {kills} of {all} were killed: {told:?}"
    );
    assert!(told.get("interrupted").is_some_and(|count| *count > 0), "steps fall within runs: {told:?}");
}

/// Holds what the upstream received against what is recorded.
fn check(folder: &Path, step: i64, killed: bool) -> &'static str {
    let received = received(folder);
    let count = |what: &str, n: i64| received.iter().filter(|line| **line == format!("{what} {n}")).count();
    for n in WRITES {
        assert!(count("write", n) <= 1, "step {step}: write {n} was received twice: {received:?}");
    }
    let report = fs::read_to_string(folder.join("report")).unwrap();
    let mut lines = report.lines();
    match (killed, lines.next().unwrap()) {
        (_, "nothing") => {
            // It was killed before there was a record, so nothing may have been sent.
            assert!(received.is_empty(), "step {step}: {received:?}");
            "nothing recorded"
        }
        (_, "ended") if !killed => {
            assert!(WRITES.iter().all(|n| count("write", *n) == 1), "step {step}: {received:?}");
            "not killed"
        }
        (_, "ended") => {
            // Each call that was sent stands in the record, and is known or told as unknown.
            let recorded: Vec<&str> = lines.collect();
            for line in &received {
                assert!(
                    recorded.contains(&line.as_str()),
                    "step {step}: {line} is not recorded: {recorded:?}"
                );
            }
            for n in WRITES {
                let told = recorded.contains(&format!("interrupted write {n}").as_str());
                assert!(count("write", n) == 1 || told, "step {step}: write {n} is lost: {recorded:?}");
            }
            "interrupted"
        }
        (_, other) => panic!("step {step}: {other}"),
    }
}

fn received(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("received")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// This test program again, as the process that is killed at a step, or as the one that takes its runs up.
fn victim_at(folder: &Path, step: i64) -> std::process::ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["faults::victim", "--exact", "--quiet"])
        .env("OUTBOARD_TEST_FOLDER", folder)
        .env("OUTBOARD_TEST_STEP", step.to_string())
        .output()
        .unwrap()
        .status
}

/// What the other tests start: does nothing by itself.
#[test]
fn victim() {
    let Some(folder) = std::env::var_os("OUTBOARD_TEST_FOLDER").map(PathBuf::from) else { return };
    let step: i64 = std::env::var("OUTBOARD_TEST_STEP").unwrap().parse().unwrap();
    let work = async { if step >= 0 { begin(&folder, step).await } else { take_up(&folder).await } };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

async fn begin(folder: &Path, step: i64) {
    let runtime = runtime(folder, Some(step));
    let request = RunRequest { code: SCRIPT.to_owned(), ..RunRequest::default() };
    let report = runtime.run(&Arc::new(Session::new()), request, CancellationToken::new()).await;
    assert!(matches!(report.outcome, Outcome::Value(_)), "{:?}", report.outcome);
}

/// Takes up what is left, and writes down what is recorded.
async fn take_up(folder: &Path) {
    let runtime = runtime(folder, None);
    let runs = runtime.store().runs(Which::Newest(10)).await.unwrap();
    let Some(run) = runs.first() else { return fs::write(folder.join("report"), "nothing").unwrap() };
    assert_eq!(runs.len(), 1);
    if run.state == RunState::Interrupted {
        let taken = runtime.take(&run.id).await.unwrap();
        let session = Arc::new(Session::new());
        let progress = watch::Sender::new(Progress::default());
        let report = runtime.go_on(&session, taken, progress, CancellationToken::new()).await;
        assert!(matches!(report.outcome, Outcome::Value(_)), "{:?}", report.outcome);
    }
    let events = runtime.store().read(&run.id).await.unwrap();
    let folded = fold(&events).unwrap();
    assert!(folded.ending.is_some());
    assert_eq!(folded.unknown().count(), 0, "each call has an outcome, if only that it is unknown");
    assert_eq!(timeline(&events).len(), folded.asked.len());
    fs::write(folder.join("report"), format!("ended\n{}", intents(&folded).join("\n"))).unwrap();
}

/// The calls that were about to be sent, as the upstream writes them down, and once more those that the script was told
/// are interrupted.
fn intents(folded: &Folded) -> Vec<String> {
    let answers = folded.answers();
    let mut lines = Vec::new();
    for request in folded.asked.iter().filter(|request| folded.intents.contains_key(&request.id)) {
        let GuestAsk::Call { tool, arguments, .. } = &request.what else { continue };
        let line = format!("{tool} {}", arguments.to_value()["n"]);
        if let Some(Reply::Failed(failure)) = answers.get(&request.id)
            && failure.code == FailureCode::Interrupted
        {
            lines.push(format!("interrupted {line}"));
        }
        lines.push(line);
    }
    lines
}

fn runtime(folder: &Path, step: Option<i64>) -> Runtime {
    let name = UpstreamName::from("up");
    let catalogue = Catalogue::new([name.clone()]);
    let tool = |tool: &str, read_only| {
        Arc::new(ToolDefinition {
            name: tool.into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: None,
            annotations: Annotations { read_only_hint: Some(read_only), ..Annotations::default() },
        })
    };
    catalogue.publish(
        &name,
        Listing { tools: vec![tool("write", false), tool("read", true)], ..Listing::default() },
    );
    let store = SqliteStore::new(StoreOptions::new(folder.join("state"))).unwrap();
    Runtime::new(Parts {
        catalogue,
        upstreams: Arc::new(Counting(folder.join("received"))),
        engines: Engines::new(Arc::new(QuickJs::new(&PoolOptions::default()).unwrap())),
        policy: Arc::new(AllowAll),
        approver: Arc::new(NobodyThere),
        store: Arc::new(Killing { store, left: Arc::new(AtomicI64::new(step.unwrap_or(i64::MAX))) }),
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        runs_at_once: 4,
        runs_waiting: 0,
    })
}

/// Writes down what it receives before it answers.
struct Counting(PathBuf);

impl Upstreams for Counting {
    fn get(&self, _: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        Some(Arc::new(Self(self.0.clone())))
    }
}

impl Upstream for Counting {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        let Operation::CallTool(call) = permit.into_operation() else { panic!("only calls are made") };
        async move {
            let n = call.arguments.to_value()["n"].clone();
            let mut file = fs::File::options().create(true).append(true).open(&self.0).unwrap();
            writeln!(file, "{} {n}", call.tool).unwrap();
            let text = json!({"type": "text", "text": n.to_string()});
            Ok(CallReply { content: vec![Json::from(text)], is_error: n == 1, ..CallReply::default() })
        }
        .boxed()
    }
}

/// Kills the process at a step of the journal.
struct Killing {
    store: SqliteStore,
    left: Arc<AtomicI64>,
}

impl Killing {
    fn step(left: &AtomicI64) {
        if left.fetch_sub(1, Ordering::SeqCst) == 0 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
    }
}

impl Store for Killing {
    fn append(&self, lease: &Lease, append: Append) -> Written {
        Self::step(&self.left);
        let written = self.store.append(lease, append);
        Self::step(&self.left);
        let left = Arc::clone(&self.left);
        async move {
            let done = written.await;
            Self::step(&left);
            done
        }
        .boxed()
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        self.store.read(run)
    }

    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>> {
        self.store.runs(which)
    }

    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>> {
        self.store.take(run)
    }

    fn release(&self, lease: &Lease) -> Written {
        self.store.release(lease)
    }
}
