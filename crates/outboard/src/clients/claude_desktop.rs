//! Claude Desktop: `mcpServers` in `claude_desktop_config.json`, programs only. It has no variables and starts its
//! servers without the shell's search path, so Outboard is named by its absolute path.
// Form and places: https://modelcontextprotocol.io/docs/develop/connect-local-servers

use std::path::Path;

use serde_json::json;

use super::{Client, Program, convert, draft, members};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "claude-desktop",
    title: "Claude Desktop",
    syntax: Syntax::Json,
    files: |surroundings| vec![surroundings.applications().join("Claude").join("claude_desktop_config.json")],
    section: |_| &["mcpServers"],
    entry: |program| {
        let mut entry = json!({"command": program.command, "args": Program::args()});
        if !program.env.is_empty() {
            entry["env"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| {
        members(value, &["mcpServers"])
            .map(|(name, value)| draft::shared(name, value, convert::plain, &[]))
            .collect()
    },
    removal: |name, _, file: &Path| format!("delete `{name}` under `mcpServers` in {}", file.display()),
    afterwards: "quit Claude Desktop and start it again",
    variables: Some("with their values under `env`"),
    needs_absolute: true,
};
