//! Gemini CLI: `mcpServers` in `~/.gemini/settings.json`, JSON with comments. `$VAR` and `${VAR}` are variables.
//! Servers may be switched off by name in `mcp.excluded`, or by not being in `mcp.allowed`.
// Form: https://geminicli.com/docs/tools/mcp-server; place: https://geminicli.com/docs/reference/configuration

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
    id: "gemini",
    title: "Gemini CLI",
    syntax: Syntax::JsonWithComments,
    files: |surroundings| {
        let home = surroundings.named("GEMINI_CLI_HOME").unwrap_or_else(|| surroundings.home.clone());
        vec![home.join(".gemini").join("settings.json")]
    },
    section: |_| &["mcpServers"],
    entry: |program| {
        let mut entry = json!({"command": program.command, "args": Program::args()});
        if !program.env.is_empty() {
            entry["env"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| {
        members(value, &["mcpServers"]).map(|(name, entry)| server(name, entry, value)).collect()
    },
    removal: |name, _, _: &Path| format!("gemini mcp remove --scope user {name}"),
    afterwards: "it is there in folders that you trust; sessions that are running take it up when they are started again",
    variables: Some(r#"under `env`, as "VAR": "$VAR""#),
    needs_absolute: false,
};

fn server(name: &str, value: &Value, file: &Value) -> Server {
    let list = |key: &str| file.get("mcp").and_then(|mcp| mcp.get(key)).and_then(Value::as_array);
    let names = |list: &Vec<Value>| list.iter().any(|listed| listed == name);
    let disabled = list("excluded").is_some_and(names) || list("allowed").is_some_and(|list| !names(list));
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::dollar);
    let entry = entry(&mut draft);
    let entry = entry.and_then(|entry| Ok(terms(&mut draft)?.on(entry)));
    draft.finish(name, disabled, entry, &["description"])
}

/// Names may be followed by what the client allows of their arguments.
fn terms(draft: &mut Draft<'_>) -> Result<Terms, String> {
    let bare = |names: Vec<String>| -> Vec<String> {
        names.iter().map(|name| name.split('(').next().unwrap_or(name).trim().to_owned()).collect()
    };
    Ok(Terms {
        allow: draft.names("includeTools")?.map(bare),
        deny: draft.names("excludeTools")?.unwrap_or_default(),
        timeout: draft.time("timeout", Unit::Milliseconds),
    })
}

fn entry(draft: &mut Draft<'_>) -> Result<Value, String> {
    match draft.text("httpUrl")? {
        Some(url) => Ok(draft::http(&url, draft.texts("headers")?)),
        None => draft::shared_entry(draft),
    }
}
