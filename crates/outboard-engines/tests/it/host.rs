//! A host for one script: fake tools, a clock that jumps to the next timer, and a transcript.

use std::{collections::VecDeque, fmt::Write, sync::LazyLock, time::Duration};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    clock::{RunTime, WallTime},
    ids::{Namespace, RequestId},
    json::Json,
    limits::Limits,
    ports::engine::{
        ConsoleLine, Delivered, Delivery, Engine, Entry, GuestAsk, GuestRequest, GuestState, GuestWorld,
        NamespaceView, Reply, Step, StopFlag,
    },
    reply::{FailureCode, ToolFailure},
};
use serde_json::{Value, json};

/// One engine for all tests, as in the product.
pub(crate) static ENGINE: LazyLock<QuickJs> =
    LazyLock::new(|| QuickJs::new(&PoolOptions { slots: 64, ..PoolOptions::default() }).unwrap());

/// The Python engine for all tests.
pub(crate) static PYTHON: LazyLock<CPython> = LazyLock::new(|| {
    let store = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
    CPython::load(&PoolOptions { slots: 64, ..PoolOptions::default() }, &store).unwrap()
});

/// A world in which `t` and `my_tools` are namespaces.
pub(crate) fn world(program: &str) -> GuestWorld {
    let view = |name: &str, tools: &[&str]| NamespaceView {
        namespace: Namespace::from(name),
        tools: tools.iter().map(|tool| (*tool).to_owned()).collect(),
    };
    GuestWorld {
        program: program.into(),
        namespaces: vec![view("t", &["echo", "add", "fail", "odd-name"]), view("my_tools", &[])],
        seed: [7; 32],
        started_at: WallTime(1_767_323_045_678), // 2026-01-02T03:04:05.678Z
        limits: Limits { cpu: Duration::from_secs(20), ..Limits::default() },
        stop: StopFlag::default(),
    }
}

/// Small enough for tests to be quick. Processor time is what a busy machine makes the most of, so
/// it is short only where it is what a script runs into.
pub(crate) fn small(program: &str) -> GuestWorld {
    let limits = Limits {
        cpu: Duration::from_secs(15),
        memory: 64 << 20,
        console: 10_000,
        value: 100_000,
        calls: 100,
        ..Limits::default()
    };
    GuestWorld { limits, ..world(program) }
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) requests: Vec<GuestRequest>,
    pub(crate) console: Vec<ConsoleLine>,
    pub(crate) console_dropped: u64,
    pub(crate) end: End,
    /// Steps in the order in which they came, as text.
    pub(crate) transcript: String,
}

#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Finished(Option<Json>),
    Threw(outboard_runtime::ports::engine::Thrown),
    Stuck,
    Stopped(outboard_runtime::ports::engine::Stopped),
    /// It waits for an answer that this host will not give.
    Waiting,
}

/// Runs a program to its end.
pub(crate) async fn run(world: GuestWorld) -> Run {
    run_on(&*ENGINE, world).await
}

/// Runs a program to its end on an engine of its own.
pub(crate) async fn run_on(engine: &dyn Engine, world: GuestWorld) -> Run {
    drive(engine, world, usize::MAX).await
}

/// The same with an entry for each delivery, as replays do.
pub(crate) async fn run_one_by_one(engine: &dyn Engine, world: GuestWorld) -> Run {
    drive(engine, world, 1).await
}

/// Runs a program to its end; at most so many deliveries go in with one entry.
async fn drive(engine: &dyn Engine, world: GuestWorld, at_most: usize) -> Run {
    let mut host = Host::default();
    let mut guest = engine.open(world).unwrap();
    let mut entry = Entry::Start;
    let mut left = Vec::new();
    loop {
        let step = guest.enter(entry).await;
        host.note(&step);
        let (next, timer) = match step.state {
            GuestState::Waiting { guest, timer } => (guest, timer),
            GuestState::Finished(value) => return host.end(End::Finished(value)),
            GuestState::Threw(thrown) => return host.end(End::Threw(thrown)),
            GuestState::Stuck => return host.end(End::Stuck),
            GuestState::Stopped(stopped) => return host.end(End::Stopped(stopped)),
        };
        guest = next;
        if left.is_empty() {
            match host.next(timer) {
                Some(deliveries) => left = deliveries,
                None => return host.end(End::Waiting),
            }
        }
        let later = left.split_off(at_most.min(left.len()));
        entry = Entry::Deliver(std::mem::replace(&mut left, later));
    }
}

#[derive(Default)]
struct Host {
    now: Duration,
    answers: VecDeque<(Duration, RequestId, Reply)>,
    requests: Vec<GuestRequest>,
    console: Vec<ConsoleLine>,
    console_dropped: u64,
    transcript: String,
}

impl Host {
    fn note(&mut self, step: &Step) {
        for line in &step.console {
            writeln!(
                self.transcript,
                "{} | {}",
                format!("{:?}", line.level).to_lowercase(),
                line.text.replace('\n', "\n    | ")
            )
            .unwrap();
        }
        if step.console_dropped > 0 {
            writeln!(self.transcript, "dropped {} bytes", step.console_dropped).unwrap();
        }
        for request in &step.requests {
            let position =
                request.position.map_or("nowhere".into(), |at| format!("{}:{}", at.line, at.column));
            let what = match &request.what {
                GuestAsk::Call { namespace, tool, arguments, paged } => {
                    let page = if *paged { " as a page" } else { "" };
                    format!("{namespace}.{tool} {arguments}{page}")
                }
                GuestAsk::Request { namespace, method, arguments } => {
                    format!("{namespace} {method} {arguments}")
                }
                GuestAsk::Search(arguments) => format!("search {arguments}"),
                GuestAsk::Describe(arguments) => format!("describe {arguments}"),
                GuestAsk::Result(arguments) => format!("result {arguments}"),
                GuestAsk::GiveUp(arguments) => format!("gives up {arguments}"),
            };
            writeln!(self.transcript, "{} {what} at {position}", request.id).unwrap();
            if let Some((after, reply)) = answer(&request.what) {
                self.answers.push_back((self.now + after, request.id, reply));
            }
        }
        self.requests.extend(step.requests.iter().cloned());
        self.console.extend(step.console.iter().cloned());
        self.console_dropped += step.console_dropped;
    }

    /// All answers that are there by now; else the next moment at which there is something.
    fn next(&mut self, timer: Option<RunTime>) -> Option<Vec<Delivery>> {
        let answer = self.answers.iter().map(|(at, ..)| *at).min();
        let timer = timer.map(|timer| timer.0);
        let at = [answer, timer].into_iter().flatten().min()?;
        self.now = self.now.max(at);
        let now = RunTime(self.now);
        let (due, later) =
            std::mem::take(&mut self.answers).into_iter().partition(|(at, ..)| *at <= self.now);
        let due: VecDeque<_> = due;
        self.answers = later;
        let mut deliveries: Vec<_> = due
            .into_iter()
            .map(|(_, request, reply)| Delivery { at: now, what: Delivered::Settled { request, reply } })
            .collect();
        if timer.is_some_and(|timer| timer <= self.now) {
            deliveries.push(Delivery { at: now, what: Delivered::Timer });
        }
        Some(deliveries)
    }

    fn end(mut self, end: End) -> Run {
        match &end {
            End::Finished(Some(value)) => writeln!(self.transcript, "value {value}"),
            End::Finished(None) => writeln!(self.transcript, "no value"),
            End::Threw(thrown) => {
                let frames = thrown.frames.iter().map(|frame| {
                    let place = format!("{}:{}", frame.position.line, frame.position.column);
                    if frame.function.is_empty() { place } else { format!("{} {place}", frame.function) }
                });
                let frames = frames.collect::<Vec<_>>().join(", ");
                let tool = thrown.tool.as_ref().map_or(String::new(), |tool| {
                    format!(" [{} {}]", tool.name, tool.code.map_or("no code", FailureCode::as_str))
                });
                writeln!(self.transcript, "threw {}: {}{tool} at {frames}", thrown.name, thrown.message)
            }
            End::Stuck => writeln!(self.transcript, "stuck"),
            End::Stopped(stopped) => writeln!(self.transcript, "stopped {stopped:?}"),
            End::Waiting => writeln!(self.transcript, "waiting"),
        }
        .unwrap();
        Run {
            requests: self.requests,
            console: self.console,
            console_dropped: self.console_dropped,
            end,
            transcript: self.transcript.chars().map(visible).collect(),
        }
    }
}

/// Control characters are spelt out, so that transcripts are text.
fn visible(c: char) -> String {
    if c.is_control() && c != '\n' { c.escape_unicode().to_string() } else { c.to_string() }
}

/// The fake tools. `None`: no answer, ever.
fn answer(ask: &GuestAsk) -> Option<(Duration, Reply)> {
    let at_once = |value: Value| Some((Duration::ZERO, Reply::Value(value.into())));
    let failed = |code, message: &str, content| {
        Some((Duration::ZERO, Reply::Failed(ToolFailure { content, ..ToolFailure::new(code, message) })))
    };
    let (tool, arguments) = match ask {
        GuestAsk::Call { tool, arguments, .. } => (tool.as_str(), arguments.to_value()),
        GuestAsk::Request { method, arguments, .. } => {
            return at_once(json!({ "asked": method, "with": arguments.to_value() }));
        }
        GuestAsk::Search(arguments) => return at_once(json!({ "searched": arguments.to_value() })),
        GuestAsk::Describe(arguments) => return at_once(json!({ "described": arguments.to_value() })),
        GuestAsk::Result(arguments) => return at_once(json!({ "got": arguments.to_value() })),
        GuestAsk::GiveUp(_) => return None,
    };
    match tool {
        "echo" | "odd-name" => at_once(arguments),
        "add" => at_once(json!(arguments["a"].as_f64()? + arguments["b"].as_f64()?)),
        "json" => Some((Duration::ZERO, Reply::Value(Json::parse(arguments["text"].as_str()?).ok()?))),
        "wait" => Some((Duration::from_millis(arguments["ms"].as_u64()?), Reply::Value(arguments.into()))),
        "nested" => {
            let depth = usize::try_from(arguments["depth"].as_u64()?).ok()?;
            let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            Some((Duration::ZERO, Reply::Value(Json::parse(text).ok()?)))
        }
        "never" => None,
        "fail" => {
            let block = json!({ "type": "text", "text": "the details" });
            failed(
                FailureCode::ToolError,
                arguments["message"].as_str().unwrap_or("it failed"),
                vec![block.into()],
            )
        }
        _ => failed(FailureCode::UnknownTool, &format!("there is no `{tool}` here"), Vec::new()),
    }
}
