//! A fleet of one fixture, and short ways to ask it things.
//! It checks nothing itself except that what must not fail does not.

use std::{sync::Arc, time::Duration};

use outboard_runtime::{
    catalogue::{Catalogue, Listing, UpstreamState},
    ids::UpstreamName,
    ports::upstream::{SendFailure, Upstream},
    reply::CallReply,
};
use outboard_testkit::{fixture_path, processes};
use outboard_upstream::{Fleet, Transport, UpstreamSpec};
use serde_json::{Value, json};

use crate::gate::Gate;

/// Longer than anything here takes, shorter than a person's patience.
pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) struct Rig {
    pub(crate) fleet: Fleet,
    pub(crate) catalogue: Catalogue,
    name: UpstreamName,
    gate: Gate,
}

pub(crate) fn name() -> UpstreamName {
    UpstreamName::from("fixture")
}

/// The fixture over stdio with these switches.
pub(crate) fn stdio(switches: &[&str]) -> UpstreamSpec {
    let transport = Transport::Stdio {
        command: fixture_path().display().to_string(),
        args: switches.iter().map(|&switch| switch.to_owned()).collect(),
        env: vec![("PATH".to_owned(), "/usr/bin:/bin".to_owned())],
        cwd: None,
    };
    UpstreamSpec { connect_timeout: LONG, ..UpstreamSpec::new(name(), transport) }
}

impl Rig {
    pub(crate) fn start(spec: UpstreamSpec) -> Self {
        let name = spec.name.clone();
        let catalogue = Catalogue::new([name.clone()]);
        let fleet = Fleet::start([spec], &catalogue);
        Self { fleet, catalogue, gate: Gate::new(&name), name }
    }

    pub(crate) fn stdio(switches: &[&str]) -> Self {
        Self::start(stdio(switches))
    }

    pub(crate) fn upstream(&self) -> Arc<dyn Upstream> {
        self.fleet.upstream(&self.name).expect("the fleet has the fixture")
    }

    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Result<CallReply, SendFailure> {
        let permit = self.gate.permit(tool, &arguments).await;
        let upstream = self.upstream();
        tokio::time::timeout(LONG, upstream.send(permit)).await.expect("an answer or a failure in time")
    }

    /// The structured value of a call that succeeds.
    pub(crate) async fn value(&self, tool: &str, arguments: Value) -> Value {
        let reply = self.call(tool, arguments).await.unwrap_or_else(|failure| panic!("{tool}: {failure}"));
        reply.structured.unwrap_or_else(|| panic!("{tool} gives a structured value")).to_value()
    }

    /// The methods of every message that the fixture received, with the ids of cancelled requests.
    pub(crate) async fn received(&self) -> Vec<Value> {
        let received = self.value("received", json!({})).await;
        received["messages"].as_array().cloned().unwrap_or_default()
    }

    pub(crate) async fn pid(&self) -> u32 {
        let environment = self.value("environment", json!({})).await;
        u32::try_from(environment["pid"].as_u64().expect("a pid")).expect("a pid")
    }

    /// Waits until the upstream is ready or failed.
    pub(crate) async fn settled(&self) -> UpstreamState {
        self.state_where(|state| *state != UpstreamState::Starting).await
    }

    pub(crate) async fn state_where(&self, wanted: impl Fn(&UpstreamState) -> bool) -> UpstreamState {
        let mut changes = self.catalogue.watch();
        let found = changes.wait_for(|snapshot| wanted(&snapshot.members()[0].state));
        let snapshot = tokio::time::timeout(LONG, found).await.expect("the state comes in time");
        snapshot.expect("the catalogue lives").members()[0].state.clone()
    }

    /// Waits for a listing that looks like this.
    pub(crate) async fn listing_where(&self, wanted: impl Fn(&Listing) -> bool) -> Arc<Listing> {
        let mut changes = self.catalogue.watch();
        let found =
            changes.wait_for(|snapshot| snapshot.members()[0].listing.as_deref().is_some_and(&wanted));
        let snapshot = tokio::time::timeout(LONG, found).await.expect("the listing comes in time");
        snapshot.expect("the catalogue lives").members()[0].listing.clone().expect("it is there")
    }

    pub(crate) async fn listing(&self) -> Arc<Listing> {
        self.listing_where(|_| true).await
    }

    pub(crate) async fn end(self) {
        self.fleet.shutdown().await;
    }
}

/// What an upstream that cannot be reached is said to suffer from.
pub(crate) fn reason(state: UpstreamState) -> String {
    match state {
        UpstreamState::Failed { reason } => reason,
        other => panic!("expected a failure, found {other:?}"),
    }
}

/// Waits for something that announces itself nowhere, such as the end of a process.
pub(crate) async fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let look = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, look).await.unwrap_or_else(|_| panic!("{what} does not come to be"));
}

pub(crate) fn assert_nobody_left(group: u32) {
    assert_eq!(processes::alive_in_group(group), [0_u32; 0], "processes of group {group} are left");
}
