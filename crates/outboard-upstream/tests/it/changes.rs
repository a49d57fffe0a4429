//! A fleet whose upstreams change while it is in use: some sleep until they are called, some are replaced or removed.

use std::{path::Path, pin::Pin, time::Duration};

use outboard_runtime::{
    catalogue::{Listing, Occupant, Placing, UpstreamState},
    ports::upstream::SendFailure,
};
use outboard_testkit::processes;
use outboard_upstream::{Start, UpstreamSpec};
use serde_json::json;

use crate::rig::{self, Rig, eventually, name};

impl Rig {
    /// Puts another upstream in the place of the fixture.
    fn replace(&self, spec: &UpstreamSpec) {
        let occupant = Occupant::New { kept: None, state: UpstreamState::Starting };
        self.fleet.change(&[], || {
            let seats = self.catalogue.arrange([Placing { occupant, ..Placing::new(name()) }]);
            seats.into_iter().map(|seat| (seat, spec.clone())).collect()
        });
    }
}

/// Drives a call until the fixture that writes this log has received it.
async fn under_way<T>(call: Pin<&mut impl Future<Output = T>>, log: &Path, tool: &str) {
    let name = format!(r#""name":"{tool}""#);
    let received = || std::fs::read_to_string(log).is_ok_and(|log| log.contains(&name));
    tokio::select! {
        _ = call => panic!("`{tool}` is over already"),
        () = eventually("the call arrives", received) => {}
    }
}

#[tokio::test]
async fn an_upstream_that_sleeps_starts_with_its_first_call() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let switches = ["--log", log.to_str().unwrap()];
    let rig = Rig::start(UpstreamSpec { start: Start::WhenUsed, ..rig::stdio(&switches) });
    rig.state_where(|state| *state == UpstreamState::Asleep).await;
    assert!(!log.exists(), "nothing has been sent to it");
    rig.catalogue.publish(&name(), Listing::default());
    assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}));
    rig.listing_where(|listing| listing.tools.iter().any(|tool| tool.name.as_str() == "add")).await;
    assert!(matches!(rig.settled().await, UpstreamState::Ready { .. }));
    rig.end().await;

    let rig = Rig::start(UpstreamSpec { start: Start::WhenUsed, ..rig::stdio(&[]) });
    rig.fleet.wake(&name());
    rig.state_where(|state| matches!(state, UpstreamState::Ready { .. })).await;
    rig.end().await;
}

#[tokio::test]
async fn calls_of_a_replaced_upstream_end_there_and_further_ones_go_to_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let rig = Rig::stdio(&["--log", log.to_str().unwrap()]);
    let old = rig.pid().await;
    let mut running = Box::pin(rig.call("slow", json!({"ms": 2_000})));
    under_way(running.as_mut(), &log, "slow").await;
    rig.replace(&rig::stdio(&["--instructions", "New."]));
    let new = rig.pid().await;
    assert_ne!(old, new);
    running.await.expect("the call ends where it began");
    eventually("the old one ends", || !processes::is_alive(old)).await;
    assert_eq!(rig.listing().await.instructions.as_deref(), Some("New."));
    assert_eq!(rig.pid().await, new);
    rig.end().await;
    assert!(!processes::is_alive(new));
}

#[tokio::test]
async fn a_call_that_does_not_end_in_time_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let spec = rig::stdio(&["--log", log.to_str().unwrap()]);
    let rig = Rig::start(UpstreamSpec { last_calls: Duration::from_millis(100), ..spec });
    let old = rig.pid().await;
    let mut running = Box::pin(rig.call("silent", json!({})));
    under_way(running.as_mut(), &log, "silent").await;
    rig.fleet.change(&[name()], Vec::new);
    let lost = running.await;
    let Err(SendFailure::Lost { reason }) = lost else { panic!("{lost:?}") };
    assert!(reason.contains("its configuration changed"), "{reason}");
    assert!(rig.fleet.upstream(&name()).is_none());
    eventually("it ends", || !processes::is_alive(old)).await;
    rig.end().await;
}

#[tokio::test]
async fn an_idle_upstream_has_ended_before_its_replacement_starts() {
    let rig = Rig::stdio(&["--ignore-eof"]);
    let old = rig.pid().await;
    rig.replace(&rig::stdio(&[]));
    rig.pid().await;
    assert!(!processes::is_alive(old), "two of them would fight for what there is once");
    rig.end().await;
}

#[tokio::test]
async fn what_waits_for_a_start_that_is_given_up_was_not_sent() {
    let rig = Rig::stdio(&["--never-start"]);
    let old = rig.upstream();
    let waiting = old.ready();
    rig.replace(&rig::stdio(&[]));
    let failed = waiting.await;
    assert!(matches!(failed, Err(SendFailure::Unavailable { .. })), "{failed:?}");
    assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}));
    rig.end().await;
}
