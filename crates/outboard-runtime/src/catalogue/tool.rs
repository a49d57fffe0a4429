//! A tool as its upstream describes it. All of it is the upstream's word: descriptions are
//! untrusted text and annotations are claims. Nothing here is checked against behaviour.

use std::sync::Arc;

use outboard_declare::schema::{says_nothing, wrapped_result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Beside, Schema};
use crate::ids::ToolName;

/// What one upstream offers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    /// The upstream's `instructions`, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// Its tools in its own order.
    pub tools: Vec<Arc<ToolDefinition>>,
    /// What it has beside tools.
    #[serde(default, skip_serializing_if = "Beside::is_empty")]
    pub beside: Beside,
}

/// One tool of an upstream (MCP `Tool`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolDefinition {
    /// The upstream's name of it.
    pub name: ToolName,
    /// A title for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// JSON Schema of the arguments; `None` if absent or not a schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_schema: Option<Schema>,
    /// JSON Schema of `structuredContent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Schema>,
    /// The upstream's claims about its behaviour.
    #[serde(default)]
    pub annotations: Annotations,
}

impl ToolDefinition {
    /// The schema of its arguments, made for this if need be.
    pub fn input(&self) -> Option<Arc<Value>> {
        self.input_schema.as_ref().map(Schema::value)
    }

    /// Whether its upstream says of its result more than that it is an object. A schema that is made on demand is taken
    /// for one that does.
    pub fn declares_result(&self) -> bool {
        self.output_schema.as_ref().is_some_and(|schema| {
            schema.at_hand().is_none_or(|schema| !says_nothing(wrapped_result(schema).unwrap_or(schema)))
        })
    }

    /// The schema of its structured content, likewise.
    pub fn output(&self) -> Option<Arc<Value>> {
        self.output_schema.as_ref().map(Schema::value)
    }
}

/// MCP `ToolAnnotations`: claims, absent ones being unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(missing_docs, reason = "the names are those of the MCP schema")]
pub struct Annotations {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
}
