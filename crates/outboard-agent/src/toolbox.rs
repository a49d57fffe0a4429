//! The port through which an agent reaches its tools: list once, call.
//!
//! [`crate::mcp`] fills it with any MCP server. It does not start anything.

use futures::future::BoxFuture;
use serde_json::Value;

use crate::conversation::{Listing, ToolAnswer};

/// Tools, as a model's client has them.
pub trait Toolbox: Send + Sync {
    /// The instructions and tools that a client would put before its model.
    fn listing(&self) -> BoxFuture<'_, Result<Listing, ToolboxFailure>>;

    /// Calls a tool. A tool's own error is an answer, and so is an unknown name; a failure means that there is none.
    /// Dropping the future gives the call up.
    fn call<'a>(
        &'a self,
        name: &'a str,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<ToolAnswer, ToolboxFailure>>;
}

/// Tools gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolboxFailure(pub String);
