//! The engines in this process: how soon a script runs, and how fast a large result reaches it.
//! It works on the library alone: no broker, journal or upstream takes part.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    clock::{RunTime, WallTime},
    ids::Namespace,
    json::Json,
    limits::Limits,
    ports::engine::{
        Delivered, Delivery, Engine, Entry, Guest, GuestAsk, GuestRequest, GuestState, GuestWorld,
        NamespaceView, Reply, StopFlag,
    },
    reply::{FailureCode, ToolFailure},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::{Bench, BenchFailure, Measure, expect, timed};
use crate::{records, samples::Pair, scripts::Language};

/// Runs in a round.
const RUNS: usize = 100;
/// How long guests that are made ahead are waited for.
const SETTLING: Duration = Duration::from_secs(5);
/// Records of about 10 MB of JSON.
const RECORDS: u32 = 72_000;

/// An engine and the runtime that enters it, as Outboard has them.
struct Engines {
    engine: Arc<dyn Engine>,
    /// The same, if it is Python's.
    python: Option<Arc<CPython>>,
    runtime: Runtime,
}

impl Engines {
    fn start(language: Language, options: &PoolOptions) -> Result<Self, BenchFailure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (engine, python): (Arc<dyn Engine>, _) = match language {
            Language::TypeScript => (Arc::new(QuickJs::new(options)?), None),
            Language::Python => {
                let python = Arc::new(CPython::load(options, store()?.path())?);
                (Arc::clone(&python) as _, Some(python))
            }
        };
        Ok(Self { engine, python, runtime })
    }

    /// Waits until the guests are made that are made ahead.
    fn settle(&self, options: &PoolOptions) {
        let Some(python) = &self.python else { return };
        let begun = Instant::now();
        while python.made_ahead() < options.ahead as usize && begun.elapsed() < SETTLING {
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        }
    }

    fn open(&self, program: &Arc<str>) -> Result<Box<dyn Guest>, BenchFailure> {
        let view = NamespaceView { namespace: Namespace::from("bench"), tools: vec!["echo".to_owned()] };
        let world = GuestWorld {
            program: Arc::clone(program),
            namespaces: vec![view],
            seed: [1; 32],
            started_at: WallTime(1_700_000_000_000),
            limits: Limits::default(),
            stop: StopFlag::default(),
        };
        self.engine.open(world).map_err(|refused| BenchFailure::GuestEnded(refused.to_string()))
    }

    /// Enters a guest until it waits for the answer to one request, and gives it back with that request.
    fn until_request(&self, guest: Box<dyn Guest>, entry: Entry) -> Result<Waiting, BenchFailure> {
        let step = self.runtime.block_on(guest.enter(entry));
        match (step.state, &step.requests[..]) {
            (GuestState::Waiting { guest, .. }, [request]) => Ok(Waiting { guest, request: request.clone() }),
            (GuestState::Threw(thrown), _) => Err(BenchFailure::GuestEnded(thrown.message)),
            (GuestState::Stopped(stopped), _) => Err(BenchFailure::GuestEnded(format!("{stopped:?}"))),
            (_, requests) => Err(BenchFailure::GuestEnded(format!("it made {} requests", requests.len()))),
        }
    }
}

struct Waiting {
    guest: Box<dyn Guest>,
    request: GuestRequest,
}

impl Waiting {
    fn answered(self, reply: Reply) -> (Box<dyn Guest>, Entry) {
        let what = Delivered::Settled { request: self.request.id, reply };
        (self.guest, Entry::Deliver(vec![Delivery { at: RunTime(Duration::ZERO), what }]))
    }
}

/// A folder for the unpacked Python guest, which is gone with the value.
fn store() -> Result<TempDir, BenchFailure> {
    Ok(tempfile::Builder::new().prefix("outboard-bench-").tempdir()?)
}

/// From nothing until the call that is the script's first instruction is in the host's hands: opening the guest,
/// starting the script, and the way back. The slot was used before and is warm, or the guest was made ahead.
pub(super) fn first_instruction(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    first_instructions(bench, measure, &PoolOptions::default())
}

/// The same where no warm slot is free and nothing was made ahead.
pub(super) fn first_instruction_cold(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    first_instructions(bench, measure, &PoolOptions { warm: 0, ahead: 0, ..PoolOptions::default() })
}

fn first_instructions(
    bench: &Bench<'_>,
    measure: &Measure,
    options: &PoolOptions,
) -> Result<Pair, BenchFailure> {
    let engines = Engines::start(measure.language(), options)?;
    let program: Arc<str> = measure.language().first_call().into();
    let mut pair = Pair::default();
    for round in bench.rounds(measure, usize::MAX) {
        for _ in 0..RUNS {
            engines.settle(options);
            let (seconds, waiting) = timed(|| engines.until_request(engines.open(&program)?, Entry::Start))?;
            drop(waiting);
            if round > 0 || bench.rounds == 1 {
                pair.ours.push(seconds);
            }
        }
    }
    Ok(pair)
}

/// Loads the Python engine, whose guest was unpacked before.
pub(super) fn load(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let (store, options) = (store()?, PoolOptions::default());
    drop(CPython::load(&options, store.path())?);
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        let (seconds, engine) = timed(|| CPython::load(&options, store.path()))?;
        drop(engine);
        pair.ours.push(seconds);
    }
    Ok(pair)
}

/// One large result. The other side is the same text read by QuickJS-ng's own `JSON.parse`, which the guest keeps for
/// what comes with a tool's error.
pub(super) fn hand_over(bench: &Bench<'_>, measure: &Measure) -> Result<Pair, BenchFailure> {
    let engines = Engines::start(measure.language(), &PoolOptions::default())?;
    let text = records::page(1, RECORDS);
    let json = Json::parse(text).map_err(|error| BenchFailure::GuestEnded(error.to_string()))?;
    let program: Arc<str> = r"
        let got
        try { got = (await bench.echo()).records } catch (error) { got = error.content[0].records }
        await bench.echo({ count: got.length })"
        .into();
    let counted = format!(r#"{{"count":{RECORDS}}}"#);
    let take = |reply: Reply| -> Result<f64, BenchFailure> {
        let waiting = engines.until_request(engines.open(&program)?, Entry::Start)?;
        let (guest, entry) = waiting.answered(reply);
        let (seconds, waiting) = timed(|| engines.until_request(guest, entry))?;
        let GuestAsk::Call { arguments, .. } = waiting.request.what else {
            return Err(BenchFailure::GuestEnded("it asked for something else".to_owned()));
        };
        expect("the guest", &arguments.as_str(), &counted.as_str())?;
        Ok(seconds)
    };
    let failure = ToolFailure { content: vec![json.clone()], ..ToolFailure::new(FailureCode::ToolError, "") };
    let mut pair = Pair::default();
    for _ in bench.rounds(measure, usize::MAX) {
        pair.ours.push(take(Reply::Value(json.clone()))?);
        pair.other.push(take(Reply::Failed(failure.clone()))?);
    }
    Ok(pair)
}
