//! What can be asked of an upstream. Every kind passes the same gate ([`crate::broker`]).
//! This module says what an operation is, not whether it may happen.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Namespace, ToolName, UpstreamName},
    json::Json,
};

/// Anything sent to an upstream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// MCP `tools/call`.
    CallTool(ToolCall),
}

impl Operation {
    /// The upstream that the operation goes to.
    pub fn upstream(&self) -> &UpstreamName {
        match self {
            Self::CallTool(call) => &call.upstream,
        }
    }
}

/// One tool invocation with its exact arguments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The upstream's configured name.
    pub upstream: UpstreamName,
    /// The namespace under which the script named it.
    pub namespace: Namespace,
    /// The upstream's own name of the tool.
    pub tool: ToolName,
    /// A JSON object.
    pub arguments: Json,
}
