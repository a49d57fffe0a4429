//! Upstreams used on terms: hidden tools, time and calls in flight of each, and what changes while a call waits.

use std::{num::NonZeroU32, sync::atomic::Ordering, time::Duration};

use outboard_runtime::{
    catalogue::{Terms, ToolFilter},
    run::Outcome,
};
use serde_json::{Value, json};

use crate::fakes::{Play, Setting, World};

fn world(calls: Vec<(&'static str, &'static str, Value)>) -> World {
    World::new(Setting { play: Play { calls, ..Play::default() }, ..Setting::default() })
}

async fn answers(world: &World) -> Vec<Value> {
    match world.run().await.outcome {
        Outcome::Value(Some(value)) => value.to_value().as_array().unwrap().clone(),
        other => panic!("the run did not end with a value: {other:?}"),
    }
}

fn denying(pattern: &str) -> Terms {
    Terms { tools: ToolFilter::denying(&[pattern.to_owned()]).unwrap(), ..Terms::default() }
}

#[tokio::test]
async fn a_hidden_tool_is_unknown_by_any_name_and_nothing_is_sent() {
    let names = [
        "work",
        "Work",
        "WORK",
        "wоrk",
        "work ",
        "work\u{200b}",
        "__proto__",
        "constructor",
        "wrok",
        "box.work",
    ];
    let world = world(names.iter().map(|name| ("box", *name, json!({}))).collect());
    world.on(denying("work"));
    for answer in answers(&world).await {
        let text = answer[2].as_str().unwrap();
        assert_eq!(answer[1], "unknown_tool", "{answer}");
        assert!(!text.contains("did you mean"), "{text}");
    }
    assert_eq!(*world.upstream.received.lock().unwrap(), [Value::Null; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_upstreams_own_time_replaces_that_of_the_run() {
    let world = world(vec![("box", "work", json!({"hang": true}))]);
    world.on(Terms { timeout: Some(Duration::from_secs(2)), ..Terms::default() });
    assert_eq!(answers(&world).await, [json!([1, "timeout", "no answer within 2s"])]);
    world.on(Terms { timeout: Some(Duration::from_secs(300)), ..Terms::default() });
    assert_eq!(answers(&world).await, [json!([1, "timeout", "no answer within 300s"])]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_all_runs_queue_at_their_upstream_outside_their_time() {
    let world = world((0..50).map(|n| ("box", "work", json!({"n": n, "wait_ms": 10}))).collect());
    let timeout = Some(Duration::from_millis(20));
    world.on(Terms { concurrency: NonZeroU32::new(3), timeout, ..Terms::default() });
    *world.upstream.start.lock().unwrap() = Duration::from_secs(5);
    let (one, two) = tokio::join!(answers(&world), answers(&world));
    for answers in [one, two] {
        assert_eq!(answers.len(), 50);
        assert!(answers.iter().all(|answer| answer[2].is_null()), "{answers:?}");
    }
    assert_eq!(world.upstream.most_in_flight.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_is_hidden_while_a_call_waits_for_it_is_not_called() {
    let world = world(vec![
        ("box", "work", json!({"n": 1, "wait_ms": 100})),
        ("box", "work", json!({"n": 2})),
        ("box", "look", json!({"n": 3})),
    ]);
    let one = NonZeroU32::new(1);
    world.on(Terms { concurrency: one, ..Terms::default() });
    let hide = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.on(Terms { concurrency: one, ..denying("wo*") });
    };
    let (mut answers, ()) = tokio::join!(answers(&world), hide);
    answers.sort_by_key(|answer| answer[0].as_u64());
    assert_eq!((&answers[0], &answers[2]), (&json!([1, 1]), &json!([3, 3])));
    assert_eq!(answers[1][1], "unknown_tool", "{}", answers[1]);
    let received = world.upstream.received.lock().unwrap();
    assert!(received.iter().all(|arguments| arguments["n"] != 2), "{received:?}");
}
