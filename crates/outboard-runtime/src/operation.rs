//! What can be asked of an upstream, and what an upstream can ask. Every kind passes the same gate
//! ([`crate::broker`]). This module says what an operation is, not whether it may happen.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    ids::{Namespace, ToolName, UpstreamName},
    json::Json,
};

/// Anything sent to an upstream or asked by one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// MCP `tools/call`.
    CallTool(ToolCall),
    /// Something else that is sent to an upstream.
    Request(Request),
    /// Something that an upstream asks.
    Asked(Asked),
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

/// One request that is no tool call, with its exact parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The upstream's configured name.
    pub upstream: UpstreamName,
    /// The namespace under which scripts name it.
    pub namespace: Namespace,
    /// What is requested.
    pub what: Requested,
}

/// What a request that is no tool call asks for. Texts come from a script: hostile input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requested {
    /// MCP `resources/list`.
    ListResources,
    /// MCP `resources/read`.
    ReadResource {
        /// Which.
        uri: String,
    },
    /// MCP `resources/subscribe`.
    Subscribe {
        /// Which.
        uri: String,
    },
    /// MCP `resources/unsubscribe`.
    Unsubscribe {
        /// Which.
        uri: String,
    },
    /// MCP `prompts/get`.
    GetPrompt {
        /// Which.
        name: String,
        /// A JSON object of texts.
        arguments: Json,
    },
    /// MCP `completion/complete`.
    Complete {
        /// The reference: `{"type": "ref/prompt", "name"}` or `{"type": "ref/resource", "uri"}`.
        reference: Json,
        /// The argument that is completed: `{"name", "value"}`.
        argument: Json,
        /// What is known of others: `{"arguments": {…}}`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        context: Option<Json>,
    },
}

/// Something that an upstream asks of the client. All of it is the upstream's word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The upstream's configured name.
    pub upstream: UpstreamName,
    /// The namespace under which scripts name it.
    pub namespace: Namespace,
    /// What it asks for.
    pub what: AskedFor,
    /// The parameters of its request, as it sent them.
    pub parameters: Json,
}

/// What an upstream can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AskedFor {
    /// MCP `sampling/createMessage`.
    Sample,
    /// MCP `elicitation/create`.
    Elicit,
    /// MCP `roots/list`.
    ListRoots,
}

/// The kinds of operation, as rules and messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is one variant of an operation")]
pub enum Kind {
    CallTool,
    ListResources,
    ReadResource,
    Subscribe,
    GetPrompt,
    Complete,
    Sample,
    Elicit,
    ListRoots,
}

impl Requested {
    /// The MCP method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::ListResources => "resources/list",
            Self::ReadResource { .. } => "resources/read",
            Self::Subscribe { .. } => "resources/subscribe",
            Self::Unsubscribe { .. } => "resources/unsubscribe",
            Self::GetPrompt { .. } => "prompts/get",
            Self::Complete { .. } => "completion/complete",
        }
    }

    /// The parameters of that method, a JSON object.
    pub fn parameters(&self) -> Json {
        let parameters = match self {
            Self::ListResources => json!({}),
            Self::ReadResource { uri } | Self::Subscribe { uri } | Self::Unsubscribe { uri } => {
                json!({ "uri": uri })
            }
            Self::GetPrompt { name, arguments } => {
                json!({ "name": name, "arguments": arguments.to_value() })
            }
            Self::Complete { reference, argument, context } => {
                let mut parameters = json!({ "ref": reference.to_value(), "argument": argument.to_value() });
                if let Some(context) = context {
                    parameters["context"] = context.to_value();
                }
                parameters
            }
        };
        Json::from(parameters)
    }
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::CallTool,
        Self::ListResources,
        Self::ReadResource,
        Self::Subscribe,
        Self::GetPrompt,
        Self::Complete,
        Self::Sample,
        Self::Elicit,
        Self::ListRoots,
    ];

    /// The word of it in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CallTool => "call_tool",
            Self::ListResources => "list_resources",
            Self::ReadResource => "read_resource",
            Self::Subscribe => "subscribe",
            Self::GetPrompt => "get_prompt",
            Self::Complete => "complete",
            Self::Sample => "sample",
            Self::Elicit => "elicit",
            Self::ListRoots => "list_roots",
        }
    }

    /// The MCP method.
    pub fn method(self) -> &'static str {
        match self {
            Self::CallTool => "tools/call",
            Self::ListResources => "resources/list",
            Self::ReadResource => "resources/read",
            Self::Subscribe => "resources/subscribe",
            Self::GetPrompt => "prompts/get",
            Self::Complete => "completion/complete",
            Self::Sample => "sampling/createMessage",
            Self::Elicit => "elicitation/create",
            Self::ListRoots => "roots/list",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Operation {
    /// What kind it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::CallTool(_) => Kind::CallTool,
            Self::Request(request) => match &request.what {
                Requested::ListResources => Kind::ListResources,
                Requested::ReadResource { .. } => Kind::ReadResource,
                Requested::Subscribe { .. } | Requested::Unsubscribe { .. } => Kind::Subscribe,
                Requested::GetPrompt { .. } => Kind::GetPrompt,
                Requested::Complete { .. } => Kind::Complete,
            },
            Self::Asked(asked) => match asked.what {
                AskedFor::Sample => Kind::Sample,
                AskedFor::Elicit => Kind::Elicit,
                AskedFor::ListRoots => Kind::ListRoots,
            },
        }
    }

    /// The upstream that the operation goes to or comes from.
    pub fn upstream(&self) -> &UpstreamName {
        match self {
            Self::CallTool(call) => &call.upstream,
            Self::Request(request) => &request.upstream,
            Self::Asked(asked) => &asked.upstream,
        }
    }

    /// The namespace of that upstream in scripts.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::CallTool(call) => &call.namespace,
            Self::Request(request) => &request.namespace,
            Self::Asked(asked) => &asked.namespace,
        }
    }

    /// The upstream's own name of the tool, if it is a tool call.
    pub fn tool(&self) -> Option<&ToolName> {
        match self {
            Self::CallTool(call) => Some(&call.tool),
            Self::Request(_) | Self::Asked(_) => None,
        }
    }

    /// The name of what is used: the tool's or the prompt's, else empty.
    pub fn name(&self) -> &str {
        match self {
            Self::CallTool(call) => call.tool.as_str(),
            Self::Request(Request { what: Requested::GetPrompt { name, .. }, .. }) => name,
            Self::Request(_) | Self::Asked(_) => "",
        }
    }

    /// The resource that it is about, if it is about one.
    pub fn uri(&self) -> Option<&str> {
        match self {
            Self::Request(Request {
                what:
                    Requested::ReadResource { uri }
                    | Requested::Subscribe { uri }
                    | Requested::Unsubscribe { uri },
                ..
            }) => Some(uri),
            Self::CallTool(_) | Self::Request(_) | Self::Asked(_) => None,
        }
    }

    /// What it carries: the arguments of a tool or a prompt, what is completed, what an upstream asks.
    pub fn arguments(&self) -> Option<&Json> {
        match self {
            Self::CallTool(call) => Some(&call.arguments),
            Self::Request(request) => match &request.what {
                Requested::GetPrompt { arguments, .. } => Some(arguments),
                Requested::Complete { argument, .. } => Some(argument),
                Requested::ListResources
                | Requested::ReadResource { .. }
                | Requested::Subscribe { .. }
                | Requested::Unsubscribe { .. } => None,
            },
            Self::Asked(asked) => Some(&asked.parameters),
        }
    }
}
