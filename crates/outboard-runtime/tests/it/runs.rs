//! How runs end: by themselves, at their wall limit, by cancellation; and what becomes of their calls.

use std::{sync::atomic::Ordering, time::Duration};

use outboard_runtime::{
    journal::fold,
    limits::{Limit, Limits},
    run::{FailureKind, Outcome, RunReport},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Setting, World};

fn kind(report: &RunReport) -> &FailureKind {
    match &report.outcome {
        Outcome::Failed(failure) => &failure.kind,
        other => panic!("the run did not fail: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_timer_of_the_script_moves_its_clock() {
    let play = Play { timer: Some(Duration::from_secs(90)), ..Play::default() };
    let world = World::new(Setting { play, ..Setting::default() });
    let before = tokio::time::Instant::now();
    assert!(matches!(world.run().await.outcome, Outcome::Value(_)));
    assert_eq!(before.elapsed().as_secs(), 90);
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_ends_a_waiting_run_and_abandons_its_calls() {
    let limits = Limits { wall: Duration::from_secs(5), ..Limits::default() };
    let play = Play { calls: vec![("box", "work", json!({"hang": true}))], ..Play::default() };
    let world = World::new(Setting { play, limits, ..Setting::default() });
    let report = world.run().await;
    assert_eq!(kind(&report), &FailureKind::Limit(Limit::Wall));
    assert_eq!(world.upstream.abandoned.load(Ordering::SeqCst), 1);
    assert_eq!(report.effects.len(), 1);
    assert!(!report.effects[0].certain, "nobody knows what became of it");
    assert_eq!(fold(&world.events(&report).await).unwrap().unknown().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_just_under_its_wall_limit_ends_by_itself() {
    let limits = Limits { wall: Duration::from_secs(5), ..Limits::default() };
    let play = Play { calls: vec![("box", "work", json!({"n": 1, "wait_ms": 4_990}))], ..Play::default() };
    let world = World::new(Setting { play, limits, ..Setting::default() });
    assert!(matches!(world.run().await.outcome, Outcome::Value(_)));
}

#[tokio::test(start_paused = true)]
async fn cancelling_abandons_calls_in_flight() {
    let calls = vec![
        ("box", "work", json!({"n": 1})),
        ("box", "look", json!({"hang": true})),
        ("box", "work", json!({"hang": true})),
    ];
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, ..Setting::default() });
    let cancel = CancellationToken::new();
    let stopper = cancel.clone();
    let (report, ()) = tokio::join!(world.run_until(cancel), async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        stopper.cancel();
    });
    assert_eq!(kind(&report), &FailureKind::Cancelled);
    assert_eq!(world.upstream.abandoned.load(Ordering::SeqCst), 2);
    let effects: Vec<(&str, bool)> = report.effects.iter().map(|e| (e.tool.as_str(), e.certain)).collect();
    assert_eq!(effects, [("work", true), ("work", false)], "declared read-only calls are no effects");
}

#[tokio::test(start_paused = true)]
async fn calls_that_a_script_did_not_await_are_finished_and_told_of() {
    let calls = vec![
        ("box", "work", json!({"n": 1, "wait_ms": 10})),
        ("box", "work", json!({"tool_error": true, "n": 9, "wait_ms": 10})),
    ];
    let world = World::new(Setting {
        play: Play { calls, impatient: true, ..Play::default() },
        ..Setting::default()
    });
    let report = world.run().await;
    let warnings: Vec<&str> = report.console.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(
        warnings,
        [
            "box.work (line 1) was not awaited; it was carried out",
            "box.work (line 1) was not awaited; it failed: 9",
        ]
    );
    assert_eq!(report.effects.len(), 1);
    assert_eq!(fold(&world.events(&report).await).unwrap().unknown().count(), 0);
}

#[tokio::test(start_paused = true)]
async fn more_runs_than_turns_wait_for_their_turn() {
    let play = Play { timer: Some(Duration::from_secs(1)), ..Play::default() };
    let world = World::new(Setting { play, ..Setting::default() });
    let before = tokio::time::Instant::now();
    let reports = futures::future::join_all((0..12).map(|_| world.run())).await;
    assert!(reports.iter().all(|report| matches!(report.outcome, Outcome::Value(_))));
    assert_eq!(before.elapsed().as_secs(), 3, "four at a time");
}
