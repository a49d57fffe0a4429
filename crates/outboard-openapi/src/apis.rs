//! All APIs of this process: each reads its document in a task of its own and takes calls from then on. The set may change
//! while calls are under way. What a run sends goes through [`Apis::upstream`] and needs a permit.

mod member;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use futures::future::join_all;
use outboard_runtime::{catalogue::Seat, ids::UpstreamName, ports::upstream::Upstream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::member::Member;
use crate::{load::Documents, spec::ApiSpec};

/// All APIs. Dropping it ends them without waiting; [`Apis::shutdown`] waits.
#[derive(Debug)]
pub struct Apis {
    members: RwLock<BTreeMap<UpstreamName, Arc<Member>>>,
    /// The ends of those that were replaced or removed.
    ends: TaskTracker,
    documents: Arc<Documents>,
    stop: CancellationToken,
}

impl Default for Apis {
    fn default() -> Self {
        Self {
            members: RwLock::default(),
            ends: TaskTracker::new(),
            documents: Arc::default(),
            stop: CancellationToken::new(),
        }
    }
}

impl Apis {
    /// Takes APIs out and others in, in one step: `arrange` gives the new ones with their seats, and nobody gets an API
    /// between the change that it makes to the catalogue and the change here. One that goes gets no further calls; those
    /// that it has may end within the spec's `last_calls`.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn change(&self, gone: &[UpstreamName], arrange: impl FnOnce() -> Vec<(Seat, ApiSpec)>) {
        let mut members = self.members.write().unwrap_or_else(PoisonError::into_inner);
        let new = arrange();
        for name in gone.iter().chain(new.iter().map(|(_, spec)| &spec.name)) {
            if let Some(member) = members.remove(name) {
                self.ends.spawn(async move { member.end_after_calls().await });
            }
        }
        for (seat, spec) in new {
            let name = spec.name.clone();
            members.insert(
                name,
                Arc::new(Member::start(spec, seat, Arc::clone(&self.documents), self.stop.child_token())),
            );
        }
    }

    /// The API of this name.
    pub fn upstream(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.member(name).map(|member| member as Arc<dyn Upstream>)
    }

    /// Reads the document of this name's API if it waits to be wanted.
    pub fn wake(&self, name: &UpstreamName) {
        if let Some(member) = self.member(name) {
            member.wake();
        }
    }

    /// Ends all APIs. Calls under way are lost.
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
}

impl Drop for Apis {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
