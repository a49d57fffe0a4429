//! Slots: how many guests there can be, and that they come back.

use std::time::{Duration, Instant};

use outboard_engines::{PoolOptions, QuickJs};
use outboard_runtime::{
    ids::Namespace,
    limits::Limits,
    ports::engine::{Engine, Entry, GuestWorld, NamespaceView},
};

use crate::host::{ENGINE, run, run_on, world};

fn engine(slots: u32) -> QuickJs {
    QuickJs::new(&PoolOptions { slots, ..PoolOptions::default() }).unwrap()
}

#[tokio::test]
async fn a_guest_too_many_is_refused_and_one_that_ended_makes_room() {
    let engine = engine(1);
    let first = engine.open(world("1")).unwrap();
    let refused = engine.open(world("2")).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "start a sandbox: all 1 sandboxes are in use; wait until a run has ended"
    );
    drop(first);
    assert_eq!(run_on(&engine, world("2")).await.transcript, "value 2\n");
    assert_eq!(run_on(&engine, world("3")).await.transcript, "value 3\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_the_future_discards_a_guest_that_computes() {
    let engine = engine(1);
    let guest = engine.open(world("for (;;);")).unwrap();
    let entered = tokio::spawn(guest.enter(Entry::Start));
    entered.abort();
    assert!(entered.await.is_err_and(|error| error.is_cancelled()));
    let deadline = Instant::now() + Duration::from_secs(10);
    while engine.open(world("1")).is_err() {
        assert!(Instant::now() < deadline, "the slot was not given back");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_runs_share_the_engine() {
    let runs = (0..60).map(|n| {
        tokio::spawn(run(world(&format!(
            "let n = {n}; for (let i = 0; i < 20; i++) n = await t.add({{ a: n, b: 1 }}); n"
        ))))
    });
    for (n, run) in runs.collect::<Vec<_>>().into_iter().enumerate() {
        assert_eq!(run.await.unwrap().transcript.lines().last(), Some(&*format!("value {}", n + 20)));
    }
}

#[tokio::test]
async fn nothing_of_a_guest_is_left_in_its_slot() {
    let engine = engine(1);
    let leave = "globalThis.secret = 'x'.repeat(1e6); Array.prototype.push = 1; console.log('y'); t.never(); setTimeout(() => {}, 5); secret.length";
    assert!(run_on(&engine, world(leave)).await.transcript.ends_with("value 1000000\n"));
    let look = "[typeof secret, [].push === 1, await t.echo()]";
    assert_eq!(
        run_on(&engine, world(look)).await.transcript,
        "#1 t.echo {} at 1:39\nvalue [\"undefined\",false,{}]\n"
    );
}

#[test]
fn reserved_names_and_impossible_memory_are_refused() {
    for name in ["tools", "results", "resources", "prompts", "emit", "console"] {
        let namespaces = vec![NamespaceView { namespace: Namespace::from(name), tools: Vec::new() }];
        let refused = ENGINE.open(GuestWorld { namespaces, ..world("1") }).err().unwrap();
        assert_eq!(refused.reason, format!("`{name}` is a reserved name, not a namespace"));
    }
    let limits = Limits { memory: 1 << 20, ..Limits::default() };
    let refused = ENGINE.open(GuestWorld { limits, ..world("1") }).err().unwrap();
    assert!(
        refused.reason.starts_with("a sandbox with 1024 KiB of memory cannot be made"),
        "{}",
        refused.reason
    );
}
