//! opencode: `mcp` in its global `opencode.json` or `.jsonc`. Programs are one list, `{env:VAR}` is a variable.
//! Version 2 also has the servers one level further down, in `mcp.servers`; both forms are read and kept.
// Form: https://opencode.ai/docs/mcp-servers; places and variables: https://opencode.ai/docs/config;
// the newer form: https://opencode.ai/docs/migrate-v1

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{
    Client, Server, convert,
    draft::{self, Draft},
    members,
    terms::{Terms, literal},
};
use crate::config::edit::Syntax;

pub(super) const CLIENT: Client = Client {
    id: "opencode",
    title: "opencode",
    syntax: Syntax::Jsonc,
    files: |surroundings| {
        let folder = surroundings
            .named("OPENCODE_CONFIG_DIR")
            .unwrap_or_else(|| surroundings.xdg_config().join("opencode"));
        // A file that the variable names is merged over the global ones.
        surroundings
            .named("OPENCODE_CONFIG")
            .into_iter()
            .chain(["opencode.json", "opencode.jsonc", "config.json"].map(|name| folder.join(name)))
            .collect()
    },
    section: |value| if has_newer_form(value) { &["mcp", "servers"] } else { &["mcp"] },
    entry: |program| {
        let mut entry = json!({"type": "local", "command": [program.command, "serve"], "enabled": true});
        if !program.env.is_empty() {
            entry["environment"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| {
        let newer = has_newer_form(value);
        let plain =
            members(value, &["mcp"]).filter(|(name, _)| !newer || (*name != "servers" && *name != "timeout"));
        let nested = members(value, &["mcp", "servers"]).filter(|_| newer);
        plain.chain(nested).map(|(name, entry)| server(name, entry, value)).collect()
    },
    removal: |name, _, file: &Path| format!("delete `{name}` under `mcp` in {}", file.display()),
    afterwards: "sessions that are running take it up when they are started again",
    variables: None,
    needs_absolute: false,
};

/// Whether `mcp.servers` holds servers and is not itself a server of that name.
fn has_newer_form(value: &Value) -> bool {
    let servers = value.get("mcp").and_then(|mcp| mcp.get("servers"));
    servers
        .and_then(Value::as_object)
        .is_some_and(|servers| !servers.get("type").is_some_and(Value::is_string))
}

fn server(name: &str, value: &Value, file: &Value) -> Server {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::braces);
    let disabled = draft.raw("enabled").and_then(Value::as_bool) == Some(false)
        || draft.raw("disabled").and_then(Value::as_bool) == Some(true);
    let deny = hidden(name, file);
    let all = deny.iter().any(|pattern| pattern == "*");
    let entry = entry(&mut draft).map(|entry| Terms { deny, ..Terms::default() }.on(entry));
    if all {
        draft.note("the file's `tools` hide all of its tools there, so they are hidden here too");
    }
    draft.finish(name, disabled, entry, &[])
}

/// Patterns of the server's tools that the file switches off: its `tools` names them with the server's name before
/// them. Only `*` and `?` are special there.
fn hidden(name: &str, file: &Value) -> Vec<String> {
    let prefix: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "_-".contains(c) { c } else { '_' }).collect();
    let off = members(file, &["tools"]).filter(|(_, on)| **on == Value::Bool(false));
    let rest = off.filter_map(|(pattern, _)| match pattern.strip_prefix(&prefix)? {
        "" | "*" | "_*" => Some("*".to_owned()),
        rest => Some(literal(rest.strip_prefix('_')?).replace("\\*", "*").replace("\\?", "?")),
    });
    rest.collect()
}

fn entry(draft: &mut Draft<'_>) -> Result<Value, String> {
    match draft.raw("type").and_then(Value::as_str) {
        Some("local") => {
            let mut words = draft.list("command")?.into_iter();
            let command = words.next().ok_or("its `command` is empty")?;
            Ok(draft::stdio(&command, words.collect(), draft.texts("environment")?, draft.text("cwd")?))
        }
        Some("remote") => {
            let url = draft.text("url")?.ok_or("it has no `url`")?;
            Ok(draft::http(&url, draft.texts("headers")?))
        }
        Some(other) => Err(format!("its type `{other}` is not known here")),
        None => Err("it has no `type`".to_owned()),
    }
}
