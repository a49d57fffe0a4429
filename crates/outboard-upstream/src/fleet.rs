//! All upstreams: each with one supervisor that connects, lists, and connects again when a call comes
//! after a loss. The set may change while calls are under way. What a run sends goes through
//! [`Fleet::upstream`] and needs a permit. Nothing of policy is here, and no call is ever sent twice.

mod member;
mod supervisor;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use futures::future::join_all;
use outboard_runtime::{
    catalogue::{Catalogue, Seat},
    ids::UpstreamName,
    ports::upstream::{Upstream, Upstreams},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::member::Member;
use crate::spec::UpstreamSpec;

/// All upstreams of this process. Dropping it ends them without waiting; [`Fleet::shutdown`] waits.
#[derive(Debug)]
pub struct Fleet {
    members: RwLock<BTreeMap<UpstreamName, Arc<Member>>>,
    /// The ends of those that were replaced or removed.
    ends: TaskTracker,
    stop: CancellationToken,
}

impl Default for Fleet {
    fn default() -> Self {
        Self { members: RwLock::default(), ends: TaskTracker::new(), stop: CancellationToken::new() }
    }
}

impl Fleet {
    /// Takes all upstreams at once and returns without waiting for any. What they list and how they
    /// stand goes to `catalogue`, which must have been made with their names. Of two specs of one name
    /// the last counts.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(specs: impl IntoIterator<Item = UpstreamSpec>, catalogue: &Catalogue) -> Self {
        let fleet = Self::default();
        let seated = |spec: UpstreamSpec| (catalogue.seat(&spec.name), spec);
        fleet.change(&[], || specs.into_iter().map(seated).collect());
        fleet
    }

    /// Takes upstreams out and others in, in one step: `arrange` gives the new ones with their seats, and nobody gets an
    /// upstream between the change that it makes to the catalogue and the change here.
    ///
    /// One that is taken out, or whose name a new one has, gets no further calls. Those that it has been sent may end
    /// within the spec's `last_calls` and are lost after that; then it is ended. One that is idle has ended before its replacement
    /// starts, or has had three seconds to do so.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn change(&self, gone: &[UpstreamName], arrange: impl FnOnce() -> Vec<(Seat, UpstreamSpec)>) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let new = arrange();
        for name in gone {
            if let Some(member) = members.remove(name) {
                self.retire(member);
            }
        }
        for (seat, spec) in new {
            let name = spec.name.clone();
            let before = members.remove(&name).and_then(|member| self.retire(member));
            members.insert(name, Arc::new(Member::start(spec, seat, self.stop.child_token(), before)));
        }
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.member(name).map(|member| member as Arc<dyn Upstream>)
    }

    /// Starts the upstream of this name if it waits for its first call.
    pub fn wake(&self, name: &UpstreamName) {
        if let Some(member) = self.member(name) {
            member.wake();
        }
    }

    /// Ends all upstreams together and waits until none is left. Calls under way are lost. A child gets
    /// the end of its input, then SIGTERM, then SIGKILL, each to its whole process group and each with a
    /// short grace; it takes 2.5 seconds at worst.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        let members: Vec<Arc<Member>> =
            self.members.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        join_all(members.iter().map(|member| member.ended())).await;
        self.ends.close();
        self.ends.wait().await;
    }

    fn member(&self, name: &UpstreamName) -> Option<Arc<Member>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Sends an upstream away. What its replacement waits for is given back.
    fn retire(&self, member: Arc<Member>) -> Option<CancellationToken> {
        let idle = member.retire();
        let ended = CancellationToken::new();
        let end = ended.clone().drop_guard();
        self.ends.spawn(async move {
            member.end_after_calls().await;
            drop(end);
        });
        idle.then_some(ended)
    }
}

impl Upstreams for Fleet {
    fn get(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.upstream(name)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
