//! The same program with the same seed and the same deliveries does the same, which replay rests on.

use outboard_runtime::ports::engine::GuestWorld;

use crate::host::{run, world};

const PROGRAM: &str = "
const log = [];
const jitter = () => Math.floor(Math.random() * 50);
await Promise.all(Array.from({ length: 40 }, async (_, i) => {
    await t.wait({ ms: jitter() });
    const id = crypto.randomUUID();
    if (Math.random() < 0.5) await new Promise((r) => setTimeout(r, jitter()));
    log.push([i, id, Date.now(), await t.add({ a: i, b: jitter() })]);
}));
const map = new Map(log.map(([i, ...rest]) => [`k${Math.random()}${i}`, rest]));
console.log([...map.keys()].sort()[0]);
log";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_seed_and_deliveries_give_the_same_requests_and_value() {
    let first = run(world(PROGRAM)).await.transcript;
    assert!(first.contains("value [["), "{first}");
    for _ in 0..5 {
        assert_eq!(run(world(PROGRAM)).await.transcript, first);
    }
}

#[tokio::test]
async fn another_seed_gives_other_randomness() {
    let program = "[Math.random(), crypto.randomUUID()]";
    let other = GuestWorld { seed: [8; 32], ..world(program) };
    assert_ne!(run(world(program)).await.transcript, run(other).await.transcript);
}
