//! A recorded parallel run of the real guest, replayed: the same calls and the same result, nothing sent.

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Language, Parts, RunRequest, Runtime,
    approval::NobodyThere,
    broker::Permit,
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition},
    clock::SystemClock,
    ids::UpstreamName,
    journal::{MemoryStore, Store, fold, replay},
    limits::Limits,
    operation::Operation,
    policy::AllowAll,
    ports::upstream::{SendFailure, Upstream, Upstreams},
    reply::CallReply,
    run::Outcome,
    session::Session,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

/// Answers after a time that differs from call to call, so that answers overtake each other.
#[derive(Clone, Default)]
pub(crate) struct Uneven(Arc<AtomicU32>);

impl Uneven {
    /// Calls that it received.
    pub(crate) fn received(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Upstream for Uneven {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        let Operation::CallTool(call) = permit.into_operation() else { panic!("scripts call tools") };
        async move {
            let sent = self.0.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_micros(u64::from(sent * 7919 % 13) * 700)).await;
            let n = call.arguments.to_value()["n"].clone();
            let failed = n == 5;
            let text = json!({"type": "text", "text": format!("{{\"n\": {n}}}")});
            Ok(CallReply { content: vec![text.into()], is_error: failed, ..CallReply::default() })
        }
        .boxed()
    }
}

pub(crate) struct Everyone(pub(crate) Uneven);

impl Upstreams for Everyone {
    fn get(&self, _: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        Some(Arc::new(self.0.clone()))
    }
}

const SCRIPT: &str = "
    const order: number[] = [];
    const one = async (n: number) => {
        try {
            await up.work({ n, at: Date.now(), dice: Math.random() });
            order.push(n);
            if (n % 3 === 0) await new Promise(done => setTimeout(done, 3 + Math.random() * 5));
            if (n % 4 === 0) await up.work({ n: n + 100, after: [...order] });
        } catch (e) { order.push(-n); }
        console.log(n, performance.now());
    };
    await Promise.all(Array.from({ length: 20 }, (_, n) => one(n)));
    return { order, id: crypto.randomUUID(), end: new Date().toISOString() };
";

const PYTHON: &str = "
import asyncio, datetime, random, time, uuid
order = []
async def one(n):
    try:
        await up.work(n=n, at=time.time(), dice=random.random())
        order.append(n)
        if n % 3 == 0: await asyncio.sleep(0.003 + random.random() * 0.005)
        if n % 4 == 0: await up.work(n=n + 100, after=order, of=list({f'k{i}' for i in order}))
    except ToolError: order.append(-n)
    print(n, time.monotonic())
await asyncio.gather(*(one(n) for n in range(20)))
{'order': order, 'id': uuid.uuid4(), 'end': datetime.datetime.now().isoformat()}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_parallel_run_replays_to_the_same_calls_and_result() {
    check(Language::TypeScript, SCRIPT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_parallel_run_of_python_replays_to_the_same_calls_and_result() {
    check(Language::Python, PYTHON).await;
}

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    Engines::new(Arc::new(QuickJs::new(&PoolOptions::default()).unwrap())).with_python(|| {
        let store = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
        Ok(Arc::new(CPython::load(&PoolOptions::default(), &store).unwrap()))
    })
});

/// A runtime with the real engines and one upstream, `up`, with one tool, `work`.
pub(crate) fn runtime(upstream: Uneven, store: Arc<dyn Store>) -> Runtime {
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
    Runtime::new(Parts {
        catalogue,
        upstreams: Arc::new(Everyone(upstream)),
        engines: ENGINES.clone(),
        policy: Arc::new(AllowAll),
        approver: Arc::new(NobodyThere),
        store,
        clock: Arc::new(SystemClock),
        limits: Limits::default(),
        runs_waiting: 0,
        runs_at_once: 4,
    })
}

async fn check(language: Language, script: &str) {
    let upstream = Uneven::default();
    let runtime = runtime(upstream.clone(), Arc::new(MemoryStore::new()));
    let request = RunRequest { code: script.to_owned(), language: Some(language), ..RunRequest::default() };
    let report = runtime.run(&Arc::new(Session::new()), request, CancellationToken::new()).await;
    let Outcome::Value(Some(value)) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(value.to_value()["order"].as_array().unwrap().len(), 20);
    let sent = upstream.received();
    assert_eq!(sent, 25);

    let folded = fold(&runtime.store().read(&report.id).await.unwrap()).unwrap();
    for _ in 0..3 {
        let replayed = replay(runtime.engines(), &folded).await.unwrap();
        assert_eq!(replayed.asked, folded.asked);
        assert_eq!(replayed.console, report.console);
        assert_eq!(replayed.ending, folded.ending);
    }
    assert_eq!(upstream.received(), sent, "a replay sends nothing");
}
