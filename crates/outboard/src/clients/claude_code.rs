//! Claude Code. Servers of the user stand in `.claude.json` under `mcpServers`, those of one project under
//! `projects.<directory>.mcpServers`. Its project file `.mcp.json` Outboard reads itself.
// Form and scopes: https://code.claude.com/docs/en/mcp; CLAUDE_CONFIG_DIR: https://code.claude.com/docs/en/settings

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Client, Program, Server, convert,
    draft::{self, Draft},
    members,
    terms::{Terms, Unit},
};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "claude-code",
    title: "Claude Code",
    syntax: Syntax::Json,
    files: |surroundings| {
        vec![
            surroundings
                .named("CLAUDE_CONFIG_DIR")
                .unwrap_or_else(|| surroundings.home.clone())
                .join(".claude.json"),
        ]
    },
    section: |_| &["mcpServers"],
    entry: |program| json!({"type": "stdio", "command": program.command, "args": Program::args(), "env": program.env}),
    servers: |value, surroundings| {
        let read = |(name, value): (&String, &Value)| server(name, value);
        let mut servers: Vec<_> = members(value, &["mcpServers"]).map(read).collect();
        let project = surroundings.directory.display().to_string();
        servers.extend(members(value, &["projects", &project, "mcpServers"]).map(read).map(|mut server| {
            server.project = Some(project.clone());
            server
        }));
        servers
    },
    removal: |name, project, _: &Path| match project {
        Some(project) => format!("cd {project} && claude mcp remove --scope local {name}"),
        None => format!("claude mcp remove --scope user {name}"),
    },
    afterwards: "sessions that are running take it up when they are started again",
    variables: None,
    needs_absolute: false,
};

/// Milliseconds below which the client ignores its `timeout`.
const LEAST: f64 = 1_000.0;

fn server(name: &str, value: &Value) -> Server {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::same);
    let disabled = draft.raw("disabled").and_then(Value::as_bool) == Some(true);
    let entry = draft::shared_entry(&mut draft);
    let is_ignored = draft.raw("timeout").and_then(Value::as_f64).is_some_and(|millis| millis < LEAST);
    let timeout = match is_ignored {
        true => {
            draft.note("`timeout` is not taken over: below 1000 it is ignored there too");
            None
        }
        false => draft.time("timeout", Unit::Milliseconds),
    };
    let entry = entry.map(|entry| Terms { timeout, ..Terms::default() }.on(entry));
    draft.finish(name, disabled, entry, &[])
}
