//! Cursor: `mcpServers` in `~/.cursor/mcp.json`. Texts may hold an editor's variables.
//! A project's `.cursor/mcp.json` is not read: it is the project's, not the user's.
// Form, place and variables: https://cursor.com/docs/mcp

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Client, Program, convert,
    draft::{self, Draft},
    members,
};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "cursor",
    title: "Cursor",
    syntax: Syntax::Jsonc,
    files: |surroundings| vec![surroundings.home.join(".cursor").join("mcp.json")],
    section: |_| &["mcpServers"],
    entry: |program| {
        let mut entry = json!({"command": program.command, "args": Program::args()});
        if !program.env.is_empty() {
            entry["env"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| members(value, &["mcpServers"]).map(|(name, value)| server(name, value)).collect(),
    removal: |name, _, file: &Path| format!("delete `{name}` under `mcpServers` in {}", file.display()),
    afterwards: "Cursor shows it under Settings, MCP, where it can be switched on",
    variables: None,
    needs_absolute: false,
};

/// A server in the form that the editors share.
pub(super) fn server(name: &str, value: &Value) -> super::Server {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::editor);
    let disabled = draft.raw("disabled").and_then(Value::as_bool) == Some(true);
    let entry = draft::shared_entry(&mut draft);
    if let Some(file) = draft.raw("envFile").and_then(Value::as_str) {
        draft.note(format!("it also gets the variables of {file}; set them where Outboard is started"));
    }
    draft.finish(name, disabled, entry, &["gallery", "version"])
}
