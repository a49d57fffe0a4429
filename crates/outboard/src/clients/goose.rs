//! goose: `extensions` in its `config.yaml`. Secrets that it keeps in the system's keyring are named in `env_keys`;
//! they become variables here. Extensions that are part of goose are not servers.
// Form: https://block.github.io/goose/docs/getting-started/using-extensions; places and GOOSE_PATH_ROOT:
// https://block.github.io/goose/docs/guides/config-files

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Client, NAME, Os, Program, Server, convert,
    draft::{self, Draft},
    members,
    terms::{Terms, Unit},
};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "goose",
    title: "goose",
    syntax: Syntax::Yaml,
    files: |surroundings| {
        let folder = match (surroundings.named("GOOSE_PATH_ROOT"), surroundings.os) {
            (Some(root), _) => root.join("config"),
            (None, Os::Windows) => surroundings.app_data().join("Block").join("goose").join("config"),
            (None, _) => surroundings.xdg_config().join("goose"),
        };
        vec![folder.join("config.yaml")]
    },
    section: |_| &["extensions"],
    entry: |program| {
        json!({
            "enabled": true,
            "type": "stdio",
            "name": NAME,
            "description": "Runs scripts against your MCP tools",
            "cmd": program.command,
            "args": Program::args(),
            "envs": program.env,
            "env_keys": [],
            "timeout": 300,
        })
    },
    servers: |value, _| {
        members(value, &["extensions"]).filter_map(|(name, value)| server(name, value)).collect()
    },
    removal: |name, _, _: &Path| format!("goose configure, Remove Extension, {name}"),
    afterwards: "sessions that are running take it up when they are started again",
    variables: None,
    needs_absolute: false,
};

/// The server of an extension; none for one that is part of goose.
fn server(name: &str, value: &Value) -> Option<Server> {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::dollar);
    let kind = draft.raw("type").and_then(Value::as_str).unwrap_or_default();
    if matches!(kind, "builtin" | "platform" | "frontend" | "inline_python") {
        return None;
    }
    let disabled = draft.raw("enabled").and_then(Value::as_bool) == Some(false);
    let entry = entry(&mut draft, kind).and_then(|entry| Ok(terms(&mut draft)?.on(entry)));
    let ignored = ["name", "display_name", "description", "bundled"];
    Some(draft.finish(name, disabled, entry, &ignored))
}

/// An empty list there means all tools.
fn terms(draft: &mut Draft<'_>) -> Result<Terms, String> {
    Ok(Terms {
        allow: draft.names("available_tools")?.filter(|names| !names.is_empty()),
        deny: Vec::new(),
        timeout: draft.time("timeout", Unit::Seconds),
    })
}

fn entry(draft: &mut Draft<'_>, kind: &str) -> Result<Value, String> {
    let mut env = draft.texts("envs")?;
    for name in draft.list("env_keys")? {
        draft.note(format!(
            "goose keeps `{name}` in its keyring; here it is the variable `{name}`, which must be set where Outboard is started"
        ));
        env.insert(name.clone(), Value::from(format!("${{{name}}}")));
    }
    match kind {
        "stdio" => {
            let command = draft.text("cmd")?.ok_or("it has no `cmd`")?;
            Ok(draft::stdio(&command, draft.list("args")?, env, draft.text("cwd")?))
        }
        "streamable_http" => {
            let url = draft.text("uri")?.ok_or("it has no `uri`")?;
            Ok(draft::http(&url, draft.texts("headers")?))
        }
        "sse" => Err(draft::SSE.to_owned()),
        other => Err(format!("its type `{other}` is not known here")),
    }
}
