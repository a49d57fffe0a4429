//! One connection to one upstream, called without permits: a plain MCP client, for those who measure what
//! Outboard replaces. Behind the cargo feature `direct`; nothing that acts for a model may name this
//! module. What a run sends goes through [`crate::Fleet`], which takes a permit for each operation.

use std::fmt;

use outboard_runtime::{
    catalogue::Listing, ids::ToolName, json::Json, ports::upstream::SendFailure, reply::CallReply,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    client,
    connection::Failure,
    spec::UpstreamSpec,
    tolerant::{Tools, Warning},
};

/// An upstream that could not be connected to.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConnectFailure(String);

/// The tools of an upstream.
#[derive(Clone, Debug)]
pub struct Listed {
    /// What could be read of them.
    pub listing: Listing,
    /// What could not.
    pub warnings: Vec<Warning>,
}

/// A plain MCP client. It is not restarted when its upstream is lost. Dropping it ends the upstream
/// without waiting; [`Client::shutdown`] waits.
pub struct Client {
    client: client::Client,
    tasks: Tasks,
}

impl Client {
    /// Connects and agrees on a protocol, within the spec's connect timeout.
    pub async fn connect(spec: &UpstreamSpec) -> Result<Self, ConnectFailure> {
        let tasks = Tasks::default();
        match client::Client::open(spec, spec.connect_timeout, &tasks.tracker, tasks.stop.clone()).await {
            Ok(client) => Ok(Self { client, tasks }),
            Err(failure) => {
                tasks.end().await;
                Err(ConnectFailure(failure.to_string()))
            }
        }
    }

    /// Asks for all tools. Dropping the future cancels the request.
    pub async fn list_tools(&self) -> Result<Listed, SendFailure> {
        let mut tools = Tools::default();
        self.client.pages(&mut tools).await?;
        let instructions = self.client.instructions();
        Ok(Listed {
            listing: Listing { instructions, tools: tools.found, ..Listing::default() },
            warnings: tools.warnings,
        })
    }

    /// Calls a tool; `arguments` is a JSON object. Dropping the future cancels the call.
    pub async fn call(&self, tool: &ToolName, arguments: &Json) -> Result<CallReply, SendFailure> {
        self.client.call(tool, arguments, None).await.map_err(Failure::into)
    }

    /// Ends the upstream and waits until nobody of its process group is left.
    pub async fn shutdown(self) {
        self.tasks.end().await;
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.client.fmt(f)
    }
}

/// The connection's tasks, ended with their owner.
#[derive(Default)]
struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
