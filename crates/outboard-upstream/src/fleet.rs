//! All upstreams: started together, each with one supervisor that connects, lists, and connects again
//! when a call comes after a loss. What a run sends goes through [`Fleet::upstream`] and needs a permit.
//! Nothing of policy is here, and no call is ever sent twice.

mod supervisor;

use std::{collections::BTreeMap, sync::Arc};

use futures::future::BoxFuture;
use outboard_runtime::{
    broker::Permit,
    catalogue::Catalogue,
    ids::{ToolName, UpstreamName},
    json::Json,
    operation::Operation,
    ports::upstream::{SendFailure, Upstream, Upstreams},
    reply::CallReply,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::supervisor::{Supervisor, Wanted};
use crate::{client::Client, connection::Failure, spec::UpstreamSpec};

/// Calls that ask for a connection at once; more wait.
const ASKING: usize = 64;

/// All upstreams of this process. Dropping it ends them without waiting; [`Fleet::shutdown`] waits.
#[derive(Debug)]
pub struct Fleet {
    members: BTreeMap<UpstreamName, Arc<Member>>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Fleet {
    /// Starts all upstreams at once and returns without waiting for any. What they list and how they
    /// stand goes to `catalogue`, which must have been made with their names. Of two specs of one name
    /// the last counts.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(specs: impl IntoIterator<Item = UpstreamSpec>, catalogue: &Catalogue) -> Self {
        let tasks = TaskTracker::new();
        let stop = CancellationToken::new();
        let specs: BTreeMap<_, _> = specs.into_iter().map(|spec| (spec.name.clone(), spec)).collect();
        let start = |(name, spec): (UpstreamName, UpstreamSpec)| {
            let member = Member::start(spec, catalogue.clone(), &tasks, stop.clone());
            (name, Arc::new(member))
        };
        let members = specs.into_iter().map(start).collect();
        Self { members, tasks, stop }
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.members.get(name).map(|member| Arc::clone(member) as Arc<dyn Upstream>)
    }

    /// Ends all upstreams together and waits until none is left. Calls under way are lost. A child gets
    /// the end of its input, then SIGTERM, then SIGKILL, each to its whole process group and each with a
    /// short grace; it takes 2.5 seconds at worst.
    pub async fn shutdown(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
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

/// One upstream: a handle on its supervisor.
#[derive(Debug)]
struct Member {
    name: UpstreamName,
    current: watch::Receiver<Option<Arc<Client>>>,
    wanted: mpsc::Sender<Wanted>,
}

impl Member {
    fn start(spec: UpstreamSpec, catalogue: Catalogue, tasks: &TaskTracker, stop: CancellationToken) -> Self {
        let name = spec.name.clone();
        let (publish, current) = watch::channel(None);
        let (wanted, wishes) = mpsc::channel(ASKING);
        let supervisor = Supervisor::new(spec, catalogue, tasks.clone(), stop, publish);
        tasks.spawn(supervisor.run(wishes));
        Self { name, current, wanted }
    }

    async fn call(&self, tool: &ToolName, arguments: &Json) -> Result<CallReply, SendFailure> {
        let client = self.client().await.map_err(|reason| SendFailure::Unavailable { reason })?;
        client.call(tool, arguments).await.map_err(Failure::into)
    }

    /// The connection, once there is one.
    async fn client(&self) -> Result<Arc<Client>, String> {
        let current = self.current.borrow().clone();
        if let Some(client) = current.filter(|client| client.end().is_none()) {
            return Ok(client);
        }
        let closed = |_| "Outboard is shutting down".to_owned();
        let (reply, answer) = oneshot::channel();
        self.wanted.send(reply).await.map_err(|_| closed(()))?;
        answer.await.map_err(|_| closed(()))?
    }
}

impl Upstream for Member {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        Box::pin(async move {
            let operation = permit.into_operation();
            if operation.upstream() != &self.name {
                let reason = format!("the permit is for `{}`, not for `{}`", operation.upstream(), self.name);
                return Err(SendFailure::Unavailable { reason });
            }
            match operation {
                Operation::CallTool(call) => self.call(&call.tool, &call.arguments).await,
            }
        })
    }
}
