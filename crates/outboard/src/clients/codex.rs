//! Codex: tables `mcp_servers.<name>` in `config.toml`. It has no variables in texts; other keys name the variables
//! that a server gets, and become `${VAR}` here.
// Form: https://developers.openai.com/codex/mcp; CODEX_HOME: https://github.com/openai/codex/blob/main/docs/config.md

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
    id: "codex",
    title: "Codex",
    syntax: Syntax::Toml,
    files: |surroundings| {
        let home = surroundings.named("CODEX_HOME").unwrap_or_else(|| surroundings.home.join(".codex"));
        vec![home.join("config.toml")]
    },
    section: |_| &["mcp_servers"],
    entry: |program| {
        let mut entry = json!({"command": program.command, "args": Program::args()});
        if !program.env.is_empty() {
            entry["env"] = program.env.clone().into();
        }
        entry
    },
    servers: |value, _| members(value, &["mcp_servers"]).map(|(name, value)| server(name, value)).collect(),
    removal: |name, _, _: &Path| format!("codex mcp remove {name}"),
    afterwards: "sessions that are running take it up when they are started again",
    variables: Some("under `env_vars`"),
    needs_absolute: false,
};

fn server(name: &str, value: &Value) -> Server {
    let empty = Map::new();
    let mut draft = Draft::new(value.as_object().unwrap_or(&empty), convert::plain);
    let disabled = draft.raw("enabled").and_then(Value::as_bool) == Some(false);
    let entry = entry(&mut draft).and_then(|entry| Ok(terms(&mut draft)?.on(entry)));
    draft.finish(name, disabled, entry, &["name"])
}

fn terms(draft: &mut Draft<'_>) -> Result<Terms, String> {
    Ok(Terms {
        allow: draft.names("enabled_tools")?,
        deny: draft.names("disabled_tools")?.unwrap_or_default(),
        timeout: draft.time("tool_timeout_sec", Unit::Seconds),
    })
}

fn entry(draft: &mut Draft<'_>) -> Result<Value, String> {
    if let Some(command) = draft.text("command")? {
        let mut env = draft.texts("env")?;
        for variable in draft.raw("env_vars").and_then(Value::as_array).into_iter().flatten() {
            // A name, or a table with the name in it.
            let name = variable.as_str().or_else(|| variable.get("name").and_then(Value::as_str));
            let Some(name) = name else { return Err("`env_vars` must name variables".to_owned()) };
            env.entry(name).or_insert_with(|| Value::from(format!("${{{name}}}")));
        }
        return Ok(draft::stdio(&command, draft.list("args")?, env, draft.text("cwd")?));
    }
    let Some(url) = draft.text("url")? else { return Err("it has neither `command` nor `url`".to_owned()) };
    let mut headers = draft.texts("http_headers")?;
    for (header, variable) in draft.texts("env_http_headers")? {
        let variable = variable.as_str().unwrap_or_default();
        headers.insert(header, Value::from(format!("${{{variable}}}")));
    }
    if let Some(variable) = draft.text("bearer_token_env_var")? {
        headers.insert("Authorization".to_owned(), Value::from(format!("Bearer ${{{variable}}}")));
    }
    Ok(draft::http(&url, headers))
}
