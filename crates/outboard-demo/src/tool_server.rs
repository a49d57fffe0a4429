//! The port through which a way reaches its tools: list once, call, close.
//!
//! `ways::connect` fills it with MCP over stdio, tests with servers in the same process. It does not
//! start anything.

use std::{fmt, future::Future, time::Duration};

use outboard_agent::{Listing, ToolAnswer};
use serde_json::Value;
use tokio::time::timeout;

/// Nothing in the demo takes nearly as long; whatever hangs is reported instead of waited for.
pub(crate) const LONGEST: Duration = Duration::from_secs(60);

/// A server with tools, as a client sees it.
pub(crate) trait ToolServer: Send + Sync {
    /// The instructions and tools that a client would put before its model.
    fn listing(&self) -> impl Future<Output = Result<Listing, ServerFailure>> + Send;

    /// Calls a tool. A tool's own error is an answer; a failure means that there is none.
    fn call(
        &self,
        name: &str,
        input: &Value,
    ) -> impl Future<Output = Result<ToolAnswer, ServerFailure>> + Send;

    /// Ends the connection and waits until whatever serves it has gone.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// A server gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ServerFailure(pub(crate) String);

/// Does something with a server, or reports what it did not do and why.
pub(crate) async fn within<T, E: fmt::Display>(
    what: &str,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ServerFailure> {
    match timeout(LONGEST, work).await {
        Ok(done) => done.map_err(|error| ServerFailure(format!("the server did not {what}: {error}"))),
        Err(_) => Err(ServerFailure(format!("the server did not {what} within {LONGEST:?}"))),
    }
}
