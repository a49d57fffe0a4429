//! What comes back from an upstream, before it becomes a value in a script.
//! Content blocks stay as they were sent: an unknown one costs nothing here.

use serde::{Deserialize, Serialize};

use crate::json::Json;

/// The result of MCP `tools/call`, parsed tolerantly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallReply {
    /// The content blocks, each the JSON object that the upstream sent.
    pub content: Vec<Json>,
    /// `structuredContent`, if the upstream sent it.
    pub structured: Option<Json>,
    /// `isError`.
    pub is_error: bool,
    /// The arguments that differ in a call for what comes after this page, if the upstream says that there is more. A
    /// JSON object. MCP has no such thing; other kinds of upstreams do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Json>,
}

/// A tool call that gave no value, as the script sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolFailure {
    /// Why, in the form that scripts may compare.
    pub code: FailureCode,
    /// Why, for people and models: what, where, what to do.
    pub message: String,
    /// Content blocks that came with an upstream's error.
    pub content: Vec<Json>,
    /// The JSON-RPC code with which the upstream refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<i64>,
}

impl ToolFailure {
    /// A failure that carries no content of an upstream.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), content: Vec::new(), refusal: None }
    }
}

/// Why a request gave no value. `as_str` is what scripts see as `ToolError.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The tool ran and reported an error (`isError`).
    ToolError,
    /// No such namespace or tool; nothing was sent.
    UnknownTool,
    /// The arguments do not fit the tool's schema; nothing was sent.
    InvalidArguments,
    /// Policy or a person refused; nothing was sent.
    Denied,
    /// A limit of the run was reached; nothing was sent.
    Limit,
    /// The journal could not be written; nothing was sent.
    Unrecorded,
    /// The upstream refused the request itself (JSON-RPC -32700, -32600 to -32602): it did nothing.
    UpstreamRefused,
    /// The upstream answered with another protocol error, or with what is no result: its effect is unknown.
    UpstreamError,
    /// The upstream cannot be reached; nothing was sent.
    UpstreamUnavailable,
    /// The upstream was lost after the call was sent: its effect is unknown.
    UpstreamLost,
    /// No answer within the call's deadline: its effect is unknown.
    Timeout,
    /// Outboard ended after the call was sent, and the run was resumed: its effect is unknown.
    Interrupted,
    /// No kept value has this handle.
    UnknownHandle,
}

impl FailureCode {
    /// The stable text of the code.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ToolError => "tool_error",
            Self::UnknownTool => "unknown_tool",
            Self::InvalidArguments => "invalid_arguments",
            Self::Denied => "denied",
            Self::Limit => "limit",
            Self::Unrecorded => "unrecorded",
            Self::UpstreamRefused => "upstream_refused",
            Self::UpstreamError => "upstream_error",
            Self::UpstreamUnavailable => "upstream_unavailable",
            Self::UpstreamLost => "upstream_lost",
            Self::Timeout => "timeout",
            Self::Interrupted => "interrupted",
            Self::UnknownHandle => "unknown_handle",
        }
    }

    /// Whether a call was sent and nobody can tell what became of it.
    pub fn leaves_effect_unknown(self) -> bool {
        matches!(self, Self::UpstreamError | Self::UpstreamLost | Self::Timeout | Self::Interrupted)
    }
}
