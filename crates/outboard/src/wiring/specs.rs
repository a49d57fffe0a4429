//! From a configured entry to what the upstream crate starts: variables expanded, environment made.
//! A problem names the file, the server and the key.

use std::{collections::BTreeMap, path::Path};

use outboard_openapi::{Credential, Pattern, Reach, Source};
use outboard_upstream::Transport;
use url::Url;

use super::{environment, upstreams::Way};
use crate::config::{self, Configured, OpenApi, expand};

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How the upstream is reached, or why it cannot be.
pub(super) fn way(configured: &Configured, variable: Variable<'_>) -> Result<Way, String> {
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
    let address = |key: &str, text: &str| {
        let shown = config::secrets::masked_text(text);
        let url = Url::parse(&value(key, text)?)
            .map_err(|error| problem(&format!(".{key}"), &format_args!("`{shown}` is no URL: {error}")))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            _ => Err(problem(
                &format!(".{key}"),
                &format_args!("`{shown}` must begin with http:// or https://"),
            )),
        }
    };
    Ok(Way::Mcp(match &entry.transport {
        config::Transport::OpenApi(api) => {
            let directory = configured.file.parent().unwrap_or(Path::new("."));
            return reach(api, directory, &value, &address).map(|reach| Way::Api(Box::new(reach)));
        }
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
            let url = address("url", url)?;
            Transport::Http { url, headers: values("headers", headers)?.into_iter().collect() }
        }
    }))
}

/// How an API is reached.
fn reach(
    api: &OpenApi,
    directory: &Path,
    value: &dyn Fn(&str, &str) -> Result<String, String>,
    address: &dyn Fn(&str, &str) -> Result<Url, String>,
) -> Result<Reach, String> {
    let is_address = ["http://", "https://"].iter().any(|scheme| api.document.starts_with(scheme));
    let document = match is_address {
        true => Source::Address(address("openapi", &api.document)?),
        // A relative path is meant from the file that names it.
        false => Source::File(directory.join(value("openapi", &api.document)?)),
    };
    let base = api.base.as_ref().map(|base| address("baseUrl", base)).transpose()?;
    let servers = api.servers.iter().enumerate().map(|(at, url)| address(&format!("servers[{at}]"), url));
    let headers =
        api.headers.iter().map(|(name, text)| Ok((name.clone(), value(&format!("headers.{name}"), text)?)));
    let credential = |(name, credential): (&String, &config::Credential)| {
        let key = |member: &str| format!("auth.{name}{member}");
        let credential = match credential {
            config::Credential::Text(text) => Credential::Text(value(&key(""), text)?),
            config::Credential::Client { id, secret, scopes, token_url } => Credential::Client {
                id: value(&key(".clientId"), id)?,
                secret: value(&key(".clientSecret"), secret)?,
                scopes: scopes.clone(),
                token_url: token_url.as_ref().map(|url| address(&key(".tokenUrl"), url)).transpose()?,
            },
        };
        Ok::<_, String>((name.clone(), credential))
    };
    let annotations = api.annotations.iter().map(|(pattern, claims)| Ok((Pattern::new(pattern)?, *claims)));
    Ok(Reach {
        document,
        base,
        servers: servers.collect::<Result<_, _>>()?,
        headers: headers.collect::<Result<_, String>>()?,
        credentials: api.auth.iter().map(credential).collect::<Result<_, _>>()?,
        tags: api.tags.clone(),
        annotations: annotations.collect::<Result<_, String>>()?,
        private: api.private,
    })
}
