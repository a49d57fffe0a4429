//! Upstreams that die: what calls under way are told, and how the next call brings the upstream back.
//! Ending on purpose is another file's.

use futures::future::join_all;
use outboard_runtime::{catalogue::UpstreamState, ports::upstream::SendFailure};
use serde_json::json;

use crate::rig::{Rig, eventually, reason};

#[tokio::test]
async fn every_call_under_way_is_lost_at_once_and_the_next_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let effects = folder.path().join("effects");
    let rig = Rig::stdio(&["--effects", effects.to_str().unwrap()]);
    rig.value("count", json!({"note": "before"})).await;

    let calls = ["silent", "silent", "slow", "die"].map(|tool| rig.call(tool, json!({"ms": 60_000})));
    for lost in join_all(calls).await {
        let Err(SendFailure::Lost { reason }) = lost else { panic!("{lost:?}") };
        assert!(reason.contains("code 3") && reason.contains("dying as told"), "{reason}");
    }
    let said = reason(rig.state_where(|state| matches!(state, UpstreamState::Failed { .. })).await);
    assert!(said.contains("code 3"), "{said}");

    let kept = rig.value("effects", json!({})).await;
    assert_eq!(kept, json!({"effects": ["before"]}), "another process answers, and nothing was done twice");
    assert!(matches!(rig.settled().await, UpstreamState::Ready { .. }));
    rig.end().await;
}

#[tokio::test]
async fn a_lost_call_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let rig = Rig::stdio(&["--log", log.to_str().unwrap()]);
    let lost = rig.call("die", json!({})).await;
    assert!(matches!(lost, Err(SendFailure::Lost { .. })), "{lost:?}");
    rig.value("add", json!({})).await;
    let log = std::fs::read_to_string(&log).unwrap();
    assert_eq!(log.matches(r#""name":"die""#).count(), 1, "{log}");
    assert_eq!(log.matches(r#""method":"initialize""#).count(), 2, "{log}");
    rig.end().await;
}

#[tokio::test]
async fn restarts_are_at_least_a_second_apart() {
    let rig = Rig::stdio(&["--exit-at-start", "7"]);
    rig.settled().await;
    let started = tokio::time::Instant::now();
    // The first call restarts, those that follow at once only learn the reason.
    for _ in 0..50 {
        let failed = rig.call("add", json!({})).await;
        assert!(matches!(failed, Err(SendFailure::Unavailable { .. })), "{failed:?}");
    }
    assert!(
        started.elapsed() < std::time::Duration::from_secs(5),
        "fifty failures take {:?}",
        started.elapsed()
    );
    rig.end().await;
}

#[tokio::test]
async fn many_calls_after_a_loss_share_one_restart() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let rig = Rig::stdio(&["--log", log.to_str().unwrap(), "--slow-start", "50"]);
    let lost = rig.call("die", json!({})).await;
    assert!(matches!(lost, Err(SendFailure::Lost { .. })), "{lost:?}");
    let values = join_all((0..100).map(|n| rig.value("add", json!({"a": n, "b": 0})))).await;
    assert_eq!(values.len(), 100);
    let log = std::fs::read_to_string(&log).unwrap();
    assert_eq!(log.matches(r#""method":"initialize""#).count(), 2);
    rig.end().await;
}

#[tokio::test]
async fn a_child_killed_while_idle_is_noticed() {
    let rig = Rig::stdio(&["--die-after", "1"]);
    let pid = rig.pid().await;
    let lost = rig.call("add", json!({})).await;
    assert!(matches!(lost, Err(SendFailure::Lost { .. })), "{lost:?}");
    eventually("the end of the child", || !outboard_testkit::processes::is_alive(pid)).await;
    rig.end().await;
}
