//! From a configured entry to what the upstream crate starts: variables expanded, environment made.
//! A problem names the file, the server and the key.

use std::{collections::BTreeMap, path::Path};

use outboard_upstream::Transport;

use super::environment;
use crate::config::{self, Configured, expand};

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How the upstream is reached, or why it cannot be.
pub(super) fn transport(configured: &Configured, variable: Variable<'_>) -> Result<Transport, String> {
    let problem = |key: &str, what: &dyn std::fmt::Display| {
        format!("{}: mcpServers.{}{key}: {what}", configured.file.display(), configured.name)
    };
    let wrong = |wrong: &config::Wrong| {
        let (file, name) = (configured.file.display(), &configured.name);
        format!("{file}: {}mcpServers.{name}: {wrong}; {}", config::in_line(wrong.line), wrong.hint)
    };
    let entry = configured.entry.as_ref().map_err(wrong)?;
    let value = |key: &str, text: &str| {
        expand(text, variable).map_err(|unset| {
            problem(
                &format!(".{key}"),
                &format_args!("{unset}; set it, or write ${{{}:-default}}", unset.name),
            )
        })
    };
    let values = |key: &str, texts: &BTreeMap<String, String>| {
        let expanded =
            texts.iter().map(|(name, text)| Ok((name.clone(), value(&format!("{key}.{name}"), text)?)));
        expanded.collect::<Result<BTreeMap<String, String>, String>>()
    };
    Ok(match &entry.transport {
        config::Transport::Stdio { command, args, env, cwd } => Transport::Stdio {
            command: value("command", command)?,
            args: args
                .iter()
                .enumerate()
                .map(|(at, arg)| value(&format!("args[{at}]"), arg))
                .collect::<Result<_, _>>()?,
            env: environment::of_child(values("env", env)?, variable),
            cwd: match cwd {
                // A relative directory is meant from the file that names it.
                Some(cwd) => {
                    let base = configured.file.parent().unwrap_or(Path::new("."));
                    Some(base.join(value("cwd", cwd)?))
                }
                None => None,
            },
        },
        config::Transport::Http { url, headers } => {
            let shown = config::secrets::masked_text(url);
            let expanded = value("url", url)?;
            let url = url::Url::parse(&expanded)
                .map_err(|error| problem(".url", &format_args!("`{shown}` is no URL: {error}")))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(problem(".url", &format_args!("`{shown}` must begin with http:// or https://")));
            }
            Transport::Http { url, headers: values("headers", headers)?.into_iter().collect() }
        }
    })
}
