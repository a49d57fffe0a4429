//! Measures the guests: `cargo run -p outboard-engines --example measure`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a program for people at the desk")]

use std::time::{Duration, Instant};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    clock::{RunTime, WallTime},
    ids::Namespace,
    json::Json,
    limits::Limits,
    ports::engine::{
        Delivered, Delivery, Engine, Entry, Guest, GuestState, GuestWorld, NamespaceView, Reply, Step,
        StopFlag,
    },
};

fn world(program: &str) -> GuestWorld {
    GuestWorld {
        program: program.into(),
        namespaces: vec![NamespaceView { namespace: Namespace::from("t"), tools: vec!["echo".into()] }],
        seed: [1; 32],
        started_at: WallTime(1_700_000_000_000),
        limits: Limits { memory: 1 << 30, calls: 100_000, ..Limits::default() },
        stop: StopFlag::default(),
    }
}

#[tokio::main]
async fn main() {
    let started = Instant::now();
    let engine = QuickJs::new(&PoolOptions::default()).unwrap();
    println!("engine ready in {:?}, {} slots", started.elapsed(), engine.slots());

    let first = Instant::now();
    run(&engine, "1", &[]).await;
    println!("first run               {:?}", first.elapsed());
    let mut runs = Vec::new();
    let mut opens = Vec::new();
    for _ in 0..5000 {
        let started = Instant::now();
        let guest = engine.open(world("1")).unwrap();
        opens.push(started.elapsed());
        drop(guest.enter(Entry::Start).await);
        runs.push(started.elapsed());
    }
    println!("open                    {}", spread(&mut opens));
    println!("open, start, end, drop  {}", spread(&mut runs));

    let started = Instant::now();
    run(&engine, "let n = 0; for (let i = 0; i < 20000; i++) { await t.echo({ i }); n++ } n", &[]).await;
    println!("sequential call         {:?} each, with two thread changes", started.elapsed() / 20000);
    let started = Instant::now();
    let all = "(await Promise.all(Array.from({ length: 10000 }, (_, i) => t.echo({ i })))).length";
    run(&engine, all, &[]).await;
    println!("10,000 calls at once    {:?} each", started.elapsed() / 10000);

    let before = private();
    let mut parked = Vec::new();
    for _ in 0..500 {
        let guest = engine.open(world("const rows = [1, 2, 3]; await t.echo({ rows }); rows")).unwrap();
        parked.push(guest.enter(Entry::Start).await);
    }
    println!("parked run              {} KiB", private().saturating_sub(before) / 500);
    drop(parked);

    for (name, program) in [
        ("fib(27)", "const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); fib(27)"),
        (
            "sort 100k",
            "const a = Array.from({ length: 1e5 }, (_, i) => (i * 7919) % 100003); a.sort((x, y) => x - y); a[0]",
        ),
        (
            "objects 300k",
            "const m = {}; for (let i = 0; i < 3e5; i++) { const k = 'k' + i % 1000; (m[k] ??= { n: 0 }).n += i } Object.keys(m).length",
        ),
        ("depth of recursion", "let d = 0; const f = () => { d++; f() }; try { f() } catch {} d"),
    ] {
        let started = Instant::now();
        let value = run(&engine, program, &[]).await;
        println!("{name:<23} {:?} -> {value}", started.elapsed());
    }

    let record = |n: usize| {
        format!(
            r#"{{"id":{n},"user_id":"user_{}","activity":"login","timestamp":"2025-01-01T00:00:00Z","metadata":{{"duration_seconds":{},"success":{}}}}}"#,
            n % 7,
            n % 120,
            !n.is_multiple_of(4)
        )
    };
    let text = format!("[{}]", (0..75_000).map(record).collect::<Vec<_>>().join(","));
    println!("a result of {:.1} MB:", text.len() as f64 / 1e6);
    let json = Json::parse(text).unwrap();
    for (name, program) in [
        ("deliver", "(await t.echo()).length"),
        ("deliver, return whole", "await t.echo()"),
        ("deliver, stringify, parse", "JSON.parse(JSON.stringify(await t.echo())).length"),
    ] {
        let started = Instant::now();
        run(&engine, program, std::slice::from_ref(&json)).await;
        println!("{name:<26} {:?}", started.elapsed());
    }
    python(json.as_str()).await;
}

/// How the Python guest takes a large result: as the host writes it, and as the text that is left to `json.loads`.
async fn python(text: &str) {
    let store = std::env::temp_dir().join("outboard-measure");
    let started = Instant::now();
    let engine = CPython::load(&PoolOptions::default(), &store).unwrap();
    println!("Python engine ready in {:?}", started.elapsed());
    let started = Instant::now();
    run(&engine, "1", &[]).await;
    println!("Python, first run          {:?}", started.elapsed());
    let started = Instant::now();
    run(&engine, "1", &[]).await;
    println!("Python, second run         {:?}", started.elapsed());
    let started = Instant::now();
    run(&engine, "for i in range(20_000):\n    await t.echo(i=i)", &[]).await;
    println!("Python, sequential call    {:?} each", started.elapsed() / 20_000);
    let started = Instant::now();
    let all = "import asyncio\nlen(await asyncio.gather(*[t.echo(i=i) for i in range(10_000)]))";
    run(&engine, all, &[]).await;
    println!("Python, calls at once      {:?} each", started.elapsed() / 10_000);
    // Whole numbers beyond 64 bits are Python's own to read.
    let left = format!("{},{}]", text.trim_end_matches(']'), "9".repeat(30));
    for round in 0..5 {
        for (name, text) in [("marshal", text), ("json", &left)] {
            let json = Json::parse(text).unwrap();
            let started = Instant::now();
            run(&engine, "len(await t.echo())", std::slice::from_ref(&json)).await;
            println!("Python, deliver, {name:<8}  {:?} (round {round})", started.elapsed());
        }
    }
}

/// Memory that this process alone has written to, in KiB, where the system says.
fn private() -> u64 {
    let rollup = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Private_Dirty:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn spread(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("p50 {:?}, p90 {:?}, p99 {:?}, min {:?}", at(0.5), at(0.9), at(0.99), times[0])
}

/// Runs to the end; requests are answered with `answers`, then with `null`.
async fn run(engine: &dyn Engine, program: &str, answers: &[Json]) -> String {
    let mut answers = answers.iter().cloned();
    let mut entry = Entry::Start;
    let mut guest: Box<dyn Guest> = engine.open(world(program)).unwrap();
    loop {
        let step: Step = guest.enter(entry).await;
        match step.state {
            GuestState::Waiting { guest: next, .. } => guest = next,
            GuestState::Finished(value) => {
                let value = value.map_or("nothing".to_owned(), |value| value.to_string());
                return value.chars().take(60).collect();
            }
            GuestState::Threw(thrown) => panic!("{thrown:?}"),
            GuestState::Stopped(stopped) => panic!("{stopped:?}"),
            GuestState::Stuck => panic!("stuck"),
        }
        let deliveries = step.requests.iter().map(|request| Delivery {
            at: RunTime(Duration::ZERO),
            what: Delivered::Settled {
                request: request.id,
                reply: Reply::Value(answers.next().unwrap_or_else(Json::null)),
            },
        });
        entry = Entry::Deliver(deliveries.collect());
    }
}
