//! Nobody is left behind, however an upstream ends and however unwilling it is.
//! Groups of processes are looked up in /proc.

use std::{fs, path::Path, time::Duration};

use outboard_runtime::catalogue::UpstreamState;
use outboard_testkit::processes;
use serde_json::json;
use tokio::time::Instant;

use crate::rig::{Rig, assert_nobody_left, eventually};

fn pid_in(file: &Path) -> Option<u32> {
    fs::read_to_string(file).ok()?.parse().ok()
}

#[tokio::test]
async fn shutdown_leaves_nobody_behind() {
    let folder = tempfile::tempdir().unwrap();
    let grandchild = folder.path().join("pid");
    let grandchild = grandchild.to_str().unwrap();
    let cases: [&[&str]; 6] = [
        &[],
        &["--ignore-eof"],
        &["--ignore-eof", "--ignore-term"],
        &["--grandchild", grandchild],
        &["--grandchild", grandchild, "--ignore-eof", "--ignore-term"],
        &["--ignore-eof", "--flood", "20000"],
    ];
    for switches in cases {
        let rig = Rig::stdio(switches);
        let group = rig.pid().await;
        assert!(processes::alive_in_group(group).contains(&group), "it leads its own group");
        let ending = Instant::now();
        rig.end().await;
        assert_nobody_left(group);
        assert!(ending.elapsed() < Duration::from_secs(4), "{switches:?} took {:?}", ending.elapsed());
    }
}

#[tokio::test]
async fn a_grandchild_goes_with_a_child_that_died() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let rig = Rig::stdio(&["--grandchild", file.to_str().unwrap()]);
    let group = rig.pid().await;
    let grandchild = pid_in(&file).expect("the grandchild was started");
    assert_eq!(processes::group_of(grandchild), Some(group));
    rig.call("die", json!({})).await.unwrap_err();
    eventually("the end of the grandchild", || !processes::is_alive(grandchild)).await;
    rig.end().await;
    assert_nobody_left(group);
}

#[tokio::test]
async fn shutdown_during_a_start_leaves_nobody_behind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pid");
    let rig = Rig::stdio(&["--never-start", "--ignore-eof", "--grandchild", file.to_str().unwrap()]);
    eventually("the grandchild", || pid_in(&file).is_some()).await;
    let group = processes::group_of(pid_in(&file).unwrap()).expect("it is alive");
    rig.end().await;
    assert_nobody_left(group);
}

#[tokio::test]
async fn shutdown_ends_calls_under_way() {
    let rig = Rig::stdio(&[]);
    let group = rig.pid().await;
    let (lost, ()) = tokio::join!(rig.call("silent", json!({})), async {
        // Answered after the silent call was sent.
        rig.value("add", json!({})).await;
        rig.fleet.shutdown().await;
    });
    assert!(lost.is_err(), "{lost:?}");
    assert_nobody_left(group);
    let refused = rig.call("add", json!({})).await;
    assert!(refused.is_err(), "{refused:?}");
}

#[test]
fn dropping_everything_kills_the_group() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (rig, group) = runtime.block_on(async {
        let rig = Rig::stdio(&["--ignore-eof", "--ignore-term"]);
        let group = rig.pid().await;
        (rig, group)
    });
    drop(runtime);
    drop(rig);
    let deadline = std::time::Instant::now() + crate::rig::LONG;
    while !processes::alive_in_group(group).is_empty() {
        assert!(std::time::Instant::now() < deadline, "group {group} is left");
        std::thread::yield_now();
    }
}

#[tokio::test]
async fn an_end_that_was_asked_for_is_no_failure() {
    // The end of the connection and the wish for it come together, and either may be noticed first.
    for switches in [&[][..], &["--slow-start", "60000"], &["--ignore-eof"]] {
        for _ in 0..5 {
            let rig = Rig::stdio(switches);
            if switches != ["--slow-start", "60000"] {
                rig.settled().await;
            }
            rig.fleet.shutdown().await;
            let state = rig.catalogue.snapshot().members()[0].state.clone();
            assert!(!matches!(state, UpstreamState::Failed { .. }), "{switches:?}: {state:?}");
        }
    }
}
