//! One upstream of the fleet: a handle on its supervisor, and the calls that are under way there.
//! When it is replaced it takes no more of them, lets those end that it has, and ends itself.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use outboard_runtime::{
    broker::Permit,
    catalogue::Seat,
    ids::{ToolName, UpstreamName},
    json::Json,
    operation::{Operation, Requested},
    ports::upstream::{Advance, SendFailure, Upstream},
    reply::CallReply,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::supervisor::{Supervisor, Wanted};
use crate::{client::Client, connection::Failure, spec::UpstreamSpec};

/// Calls that ask for a connection at once; more wait.
const ASKING: usize = 64;

/// One upstream.
#[derive(Debug)]
pub(super) struct Member {
    name: UpstreamName,
    current: watch::Receiver<Option<Arc<Client>>>,
    wanted: mpsc::Sender<Wanted>,
    /// Calls under way hold a token of it.
    calls: TaskTracker,
    tasks: TaskTracker,
    /// It is replaced or removed.
    retired: CancellationToken,
    stop: CancellationToken,
    last_calls: Duration,
}

impl Member {
    /// Starts it, or readies it to be started, after the one `before` it has ended.
    pub(super) fn start(
        spec: UpstreamSpec,
        seat: Seat,
        stop: CancellationToken,
        before: Option<CancellationToken>,
    ) -> Self {
        let (name, last_calls) = (spec.name.clone(), spec.last_calls);
        let tasks = TaskTracker::new();
        let (publish, current) = watch::channel(None);
        let (wanted, wishes) = mpsc::channel(ASKING);
        let supervisor = Supervisor::new(spec, seat, tasks.clone(), stop.clone(), publish, before);
        tasks.spawn(supervisor.run(wishes));
        let (calls, retired) = (TaskTracker::new(), CancellationToken::new());
        Self { name, current, wanted, calls, tasks, retired, stop, last_calls }
    }

    /// Starts it if it waits for its first call.
    pub(super) fn wake(&self) {
        let (reply, _) = oneshot::channel();
        // If others fill the queue, they wake it.
        let _ = self.wanted.try_send(reply);
    }

    /// Takes no further calls. Tells whether none is under way.
    pub(super) fn retire(&self) -> bool {
        self.retired.cancel();
        self.calls.close();
        self.calls.is_empty()
    }

    /// Waits for its last calls, then ends it and waits for the end.
    pub(super) async fn end_after_calls(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            // A call that is not over by then is lost.
            _ = timeout(self.last_calls, self.calls.wait()) => {}
        }
        self.stop.cancel();
        self.ended().await;
    }

    /// Waits until nothing of it is left, once it was stopped.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn call(
        &self,
        tool: &ToolName,
        arguments: &Json,
        advances: Option<mpsc::Sender<Advance>>,
    ) -> Result<CallReply, SendFailure> {
        let _token = self.calls.token();
        let client = self.client().await.map_err(|reason| SendFailure::Unavailable { reason })?;
        self.told(client.call(tool, arguments, advances).await)
    }

    async fn other(&self, what: &Requested) -> Result<Json, SendFailure> {
        let _token = self.calls.token();
        let client = self.client().await.map_err(|reason| SendFailure::Unavailable { reason })?;
        self.told(client.request(what).await)
    }

    fn told<T>(&self, answer: Result<T, Failure>) -> Result<T, SendFailure> {
        answer.map_err(|failure| match failure {
            Failure::Lost(_) if self.retired.is_cancelled() => Failure::Lost(format!(
                "its configuration changed, and the call was not over {:?} later",
                self.last_calls
            ))
            .into(),
            other => other.into(),
        })
    }

    /// The connection, once there is one.
    async fn client(&self) -> Result<Arc<Client>, String> {
        let current = self.current.borrow().clone();
        if let Some(client) = current.filter(|client| client.end().is_none()) {
            return Ok(client);
        }
        let closed = |_| "Outboard is shutting down".to_owned();
        let connected = async {
            let (reply, answer) = oneshot::channel();
            self.wanted.send(reply).await.map_err(|_| closed(()))?;
            answer.await.map_err(|_| closed(()))?
        };
        tokio::select! {
            biased;
            () = self.retired.cancelled() => Err("its configuration has just changed".to_owned()),
            client = connected => client,
        }
    }
}

fn misplaced(operation: &Operation) -> SendFailure {
    SendFailure::Unavailable { reason: format!("{} is not sent in this way", operation.kind()) }
}

impl Upstream for Member {
    fn ready(&self) -> BoxFuture<'_, Result<(), SendFailure>> {
        Box::pin(async {
            self.client().await.map(drop).map_err(|reason| SendFailure::Unavailable { reason })
        })
    }

    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        Box::pin(async move {
            let advances = permit.advances();
            match permit.into_operation_at(&self.name)? {
                Operation::CallTool(call) => self.call(&call.tool, &call.arguments, advances).await,
                other => Err(misplaced(&other)),
            }
        })
    }

    fn request(&self, permit: Permit) -> BoxFuture<'_, Result<Json, SendFailure>> {
        Box::pin(async move {
            match permit.into_operation_at(&self.name)? {
                Operation::Request(request) => self.other(&request.what).await,
                other => Err(misplaced(&other)),
            }
        })
    }
}
