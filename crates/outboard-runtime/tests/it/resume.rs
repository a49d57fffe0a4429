//! Runs whose owner went away in the middle, taken up by another runtime over the same store.

use std::{sync::Arc, time::Duration};

use outboard_runtime::{
    Language, NotResumed, RepeatRequest, RunRequest,
    ids::{RequestId, RunId},
    journal::{Ending, Event, Lease, MemoryStore, Origin, RunEntry, RunState, Store, fold, timeline},
    limits::Limits,
    run::{FailureKind, Outcome, Progress, RunReport},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Listed, Play, Setting, World};

type Calls = Vec<(&'static str, &'static str, Value)>;

fn world(store: &Arc<MemoryStore>, calls: &Calls, limits: Limits) -> World {
    let play = Play { calls: calls.clone(), ..Play::default() };
    World::new(Setting { play, limits, store: Arc::clone(store) as _, ..Setting::default() })
}

/// Begins a run whose owner goes away after a second.
async fn begun(store: &Arc<MemoryStore>, calls: &Calls, limits: Limits) -> (World, RunId) {
    let world = world(store, calls, limits);
    let id = world.session.next_run();
    let request = RunRequest { id: Some(id.clone()), code: "box".to_owned(), ..RunRequest::default() };
    let run = world.runtime.run(&world.session, request, CancellationToken::new());
    assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err(), "it is not over");
    store.release(&Lease::first(id.clone())).await.unwrap();
    (world, id)
}

async fn resumed(world: &World, id: &RunId) -> RunReport {
    let taken = world.runtime.take(id).await.unwrap();
    let progress = watch::Sender::new(Progress::default());
    world.runtime.go_on(&world.session, taken, progress, CancellationToken::new()).await
}

fn received(world: &World) -> Vec<Value> {
    world.upstream.received.lock().unwrap().iter().map(|arguments| arguments["n"].clone()).collect()
}

fn value(report: &RunReport) -> Value {
    let Outcome::Value(Some(value)) = &report.outcome else { panic!("{:?}", report.outcome) };
    value.to_value()
}

#[tokio::test(start_paused = true)]
async fn finished_calls_come_from_the_record_and_one_whose_effect_is_unknown_is_not_sent_again() {
    let store = Arc::new(MemoryStore::new());
    let calls = vec![("box", "work", json!({"n": 0})), ("box", "work", json!({"n": 1, "wait_ms": 5_000}))];
    let (first, id) = begun(&store, &calls, Limits::default()).await;
    assert_eq!(received(&first), [0, 1]);
    let second = world(&store, &calls, Limits::default());
    let report = resumed(&second, &id).await;
    assert_eq!(received(&second), Vec::<Value>::new());
    let value = value(&report);
    assert_eq!((&value[0], &value[1][0], &value[1][1]), (&json!([1, 0]), &json!(2), &json!("interrupted")));
    assert!(value[1][2].as_str().unwrap().contains("was not sent again"), "{value}");
    let effects: Vec<bool> = report.effects.iter().map(|effect| effect.certain).collect();
    assert_eq!(effects, [true, false]);
    let events = store.read(&id).await.unwrap();
    assert!(events.iter().any(|event| matches!(event, Event::Resumed(_))));
    assert!(matches!(events.last(), Some(Event::Ended(Ending::Value(_)))));
    let outcomes: Vec<_> =
        timeline(&events).into_iter().map(|step| (step.what, step.answered.is_some())).collect();
    assert_eq!(outcomes, [("box.work".to_owned(), true), ("box.work".to_owned(), true)]);
}

#[tokio::test(start_paused = true)]
async fn what_only_reads_is_sent_again_and_what_was_not_sent_is_sent_once() {
    let store = Arc::new(MemoryStore::new());
    let limits = Limits { concurrent_calls: 2, ..Limits::default() };
    let calls = vec![
        ("box", "look", json!({"n": 0, "wait_ms": 5_000})),
        ("box", "look", json!({"n": 1, "wait_ms": 5_000})),
        ("box", "work", json!({"n": 2})),
    ];
    let (first, id) = begun(&store, &calls, limits.clone()).await;
    assert_eq!(received(&first), [0, 1], "one waits for its turn");
    let second = world(&store, &calls, limits);
    let report = resumed(&second, &id).await;
    let mut sent = received(&second);
    sent.sort_by_key(Value::as_i64);
    assert_eq!(sent, [0, 1, 2]);
    assert_eq!(value(&report), json!([[1, 0], [2, 1], [3, 2]]));
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_does_something_else_is_stopped_before_anything_is_sent_and_effects_are_told() {
    let store = Arc::new(MemoryStore::new());
    let calls = vec![("box", "work", json!({"n": 0})), ("box", "look", json!({"n": 1, "wait_ms": 5_000}))];
    let (_, id) = begun(&store, &calls, Limits::default()).await;
    let other = vec![("box", "work", json!({"n": 0})), ("box", "look", json!({"n": 7}))];
    let second = world(&store, &other, Limits::default());
    let report = resumed(&second, &id).await;
    assert_eq!(received(&second), Vec::<Value>::new());
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    let FailureKind::Internal(reason) = &failure.kind else { panic!("{failure:?}") };
    assert!(reason.contains("request 1 differs") && reason.contains("Nothing was sent since"), "{reason}");
    assert_eq!(report.effects.len(), 1);
    assert!(report.effects[0].certain);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_interrupted_again_and_again_is_given_up() {
    let store = Arc::new(MemoryStore::new());
    let calls = vec![("box", "look", json!({"n": 0, "wait_ms": 5_000}))];
    let (_, id) = begun(&store, &calls, Limits::default()).await;
    let died: fn(&mut RunEntry) = |entry| {
        if entry.state == RunState::Waiting {
            entry.state = RunState::Interrupted;
        }
    };
    let play = Play { calls, ..Play::default() };
    let dying = Arc::new(Listed(died, Arc::clone(&store)));
    let world = World::new(Setting { play, store: dying, ..Setting::default() });
    for fence in 2..5 {
        let taken = world.runtime.take(&id).await.unwrap();
        let progress = watch::Sender::new(Progress::default());
        let run = world.runtime.go_on(&world.session, taken, progress, CancellationToken::new());
        assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err());
        store.release(&Lease { run: id.clone(), fence }).await.unwrap();
    }
    let report = resumed(&world, &id).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(format!("{failure:?}").contains("it was interrupted 4 times"), "{failure:?}");
    assert!(matches!(world.runtime.take(&id).await, Err(NotResumed::Store(_))), "it has ended");
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_sandbox_cannot_be_started_here_is_let_go_for_whoever_can() {
    let store = Arc::new(MemoryStore::new());
    let world = |python| {
        let calls = vec![("box", "look", json!({"n": 0, "wait_ms": 5_000}))];
        let play = Play { calls, ..Play::default() };
        World::new(Setting { play, python, store: Arc::clone(&store) as _, ..Setting::default() })
    };
    let first = world(true);
    let id = first.session.next_run();
    let (code, language) = ("box".to_owned(), Some(Language::Python));
    let request = RunRequest { id: Some(id.clone()), code, language, ..RunRequest::default() };
    let run = first.runtime.run(&first.session, request, CancellationToken::new());
    assert!(tokio::time::timeout(Duration::from_secs(1), run).await.is_err(), "it is not over");
    store.release(&Lease::first(id.clone())).await.unwrap();
    let report = resumed(&world(false), &id).await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
    assert!(format!("{failure:?}").contains("there is no Python"), "{failure:?}");
    assert_eq!(value(&resumed(&world(true), &id).await), json!([[1, 0]]));
}

#[tokio::test(start_paused = true)]
async fn the_clock_goes_on_where_it_stood_and_so_does_the_time_limit() {
    let store = Arc::new(MemoryStore::new());
    let limits = Limits { wall: Duration::from_secs(3), ..Limits::default() };
    let calls = vec![
        ("box", "work", json!({"n": 0, "wait_ms": 900})),
        ("box", "look", json!({"n": 1, "wait_ms": 60_000})),
    ];
    let (world, id) = begun(&store, &calls, limits).await;
    tokio::time::advance(Duration::from_secs(3_600)).await;
    let started = tokio::time::Instant::now();
    let report = resumed(&world, &id).await;
    assert!(matches!(&report.outcome, Outcome::Failed(failure) if format!("{failure:?}").contains("Wall")));
    assert_eq!(started.elapsed().as_millis() / 100, 21, "0.9 s had passed on its clock");
}

#[tokio::test(start_paused = true)]
async fn a_recorded_run_is_repeated_up_to_a_call_and_goes_live_from_there_as_a_run_of_its_own() {
    let store = Arc::new(MemoryStore::new());
    let calls = (0..4).map(|n| ("box", "work", json!({"n": n, "wait_ms": 40 - 10 * n}))).collect();
    let first = world(&store, &calls, Limits::default());
    let report = first.run().await;
    let second = world(&store, &calls, Limits::default());
    let progress = watch::Sender::new(Progress::default());
    let request = RepeatRequest { run: report.id.clone(), from: RequestId(3), progress };
    let repeated = second.runtime.repeat(&second.session, request, CancellationToken::new()).await.unwrap();
    // Requests 3 and 4 are made anew; 1 and 2 have their recorded answers.
    let mut sent = received(&second);
    sent.sort_by_key(Value::as_i64);
    assert_eq!(sent, [2, 3]);
    assert_ne!(repeated.id, report.id);
    let mut answers = value(&repeated).as_array().unwrap().clone();
    answers.sort_by_key(|answer| answer[0].as_i64());
    assert_eq!(answers, [json!([1, 0]), json!([2, 1]), json!([3, 2]), json!([4, 3])]);
    let folded = fold(&store.read(&repeated.id).await.unwrap()).unwrap();
    assert_eq!(folded.opened.origin, Some(Origin { run: report.id.clone(), from: RequestId(3) }));
    assert_eq!((folded.asked.len(), folded.intents.len(), folded.deliveries.len()), (4, 2, 4));
    // The first recorded answer was one of those that are made anew: the clock begins there.
    let times: Vec<u128> = folded.deliveries.iter().map(|delivery| delivery.at.0.as_millis()).collect();
    assert_eq!(times, [0, 0, 10, 20], "{times:?}");
    assert_eq!(repeated.effects.len(), 2);
    // The first one's record is as it was.
    assert_eq!(fold(&store.read(&report.id).await.unwrap()).unwrap().intents.len(), 4);
}

#[tokio::test]
async fn a_run_that_nobody_knows_or_that_has_ended_is_not_taken() {
    let store = Arc::new(MemoryStore::new());
    let world = world(&store, &vec![("box", "work", json!({}))], Limits::default());
    assert!(matches!(world.runtime.take(&RunId::from("r9")).await, Err(NotResumed::Unknown)));
    let report = world.run().await;
    assert!(matches!(world.runtime.take(&report.id).await, Err(NotResumed::Store(_))));
}
