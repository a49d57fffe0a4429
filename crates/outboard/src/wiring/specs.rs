//! From a configured entry to what the upstream crate starts: variables expanded, environment made.
//! A problem names the file, the server and the key.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use outboard_oauth::{Client, Endpoint, Key, Store};
use outboard_openapi::{Credential, Login, Pattern, Reach, References, Source};
use outboard_upstream::Transport;
use url::Url;

use super::{environment, upstreams::Way};
use crate::config::{self, Configured, OpenApi, expand};

type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where what comes of sign-ins is kept.
pub(crate) fn sessions(state: &Path) -> Store {
    Store::at(state.join("tokens"))
}

/// How an API is reached, or why it cannot be, or that it is none.
pub(crate) fn reach_of(
    configured: &Configured,
    variable: Variable<'_>,
    sessions: &Store,
) -> Result<Option<Reach>, String> {
    way(configured, variable, sessions).map(|way| match way {
        Way::Api(reach) => Some(*reach),
        Way::Mcp(_) => None,
    })
}

/// How the upstream is reached, or why it cannot be.
pub(super) fn way(configured: &Configured, variable: Variable<'_>, sessions: &Store) -> Result<Way, String> {
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
            let read = Values { value: &value, address: &address };
            return reach(api, configured, &read, sessions).map(|reach| Way::Api(Box::new(reach)));
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

/// Texts of an entry by their keys, variables expanded.
struct Values<'a> {
    value: &'a dyn Fn(&str, &str) -> Result<String, String>,
    address: &'a dyn Fn(&str, &str) -> Result<Url, String>,
}

/// How an API is reached.
fn reach(
    api: &OpenApi,
    configured: &Configured,
    read: &Values<'_>,
    sessions: &Store,
) -> Result<Reach, String> {
    let Values { value, address } = read;
    let directory = configured.file.parent().unwrap_or(Path::new("."));
    let document = match is_address(&api.document) {
        true => Source::Address(address("openapi", &api.document)?),
        // A relative path is meant from the file that names it.
        false => Source::File(directory.join(value("openapi", &api.document)?)),
    };
    let base = api.base.as_ref().map(|base| address("baseUrl", base)).transpose()?;
    let servers = api.servers.iter().enumerate().map(|(at, url)| address(&format!("servers[{at}]"), url));
    let headers =
        api.headers.iter().map(|(name, text)| Ok((name.clone(), value(&format!("headers.{name}"), text)?)));
    let credentials = api.auth.iter().map(|(name, credential)| {
        let credential = match credential {
            config::Credential::Text(text) => Credential::Text(value(&format!("auth.{name}"), text)?),
            config::Credential::Client { id, secret, scopes, token_url } => Credential::Client {
                id: value(&format!("auth.{name}.clientId"), id)?,
                secret: value(&format!("auth.{name}.clientSecret"), secret)?,
                scopes: scopes.clone(),
                token_url: token_url
                    .as_ref()
                    .map(|url| address(&format!("auth.{name}.tokenUrl"), url))
                    .transpose()?,
            },
            config::Credential::Login(given) => {
                let key = Key::of(&api.login_key(&configured.file, name));
                Credential::Login(Box::new(login(given, configured, name, read, (sessions.clone(), key))?))
            }
        };
        Ok::<_, String>((name.clone(), credential))
    });
    let annotations = api.annotations.iter().map(|(pattern, claims)| Ok((Pattern::new(pattern)?, *claims)));
    Ok(Reach {
        document,
        base,
        servers: servers.collect::<Result<_, _>>()?,
        headers: headers.collect::<Result<_, String>>()?,
        credentials: credentials.collect::<Result<_, _>>()?,
        tags: api.tags.clone(),
        annotations: annotations.collect::<Result<_, String>>()?,
        private: api.private,
        references: references(api, directory, read)?,
    })
}

/// How a person signs in for this scheme.
fn login(
    given: &config::Login,
    configured: &Configured,
    scheme: &str,
    read: &Values<'_>,
    (store, key): (Store, Key),
) -> Result<Login, String> {
    let name = |member: &str| format!("auth.{scheme}.{member}");
    let text = |member: &str, text: &Option<String>| {
        text.as_ref().map(|text| (read.value)(&name(member), text)).transpose()
    };
    let endpoint = |member: &str, text: &Option<String>| {
        let Some(text) = text else { return Ok(None) };
        let url = (read.address)(&name(member), text)?;
        Endpoint::new(url).map(Some).map_err(|unfit| {
            format!("{}: mcpServers.{}.{}: {unfit}", configured.file.display(), configured.name, name(member))
        })
    };
    Ok(Login {
        upstream: configured.name.clone(),
        client: Client {
            id: (read.value)(&name("clientId"), &given.id)?,
            secret: text("clientSecret", &given.secret)?.filter(|secret| !secret.is_empty()),
        },
        scopes: given.scopes.clone(),
        authorization: endpoint("authorizationUrl", &given.authorization_url)?,
        token: endpoint("tokenUrl", &given.token_url)?,
        issuer: text("issuer", &given.issuer)?,
        store,
        key,
    })
}

/// Which documents may be read that the document refers to.
fn references(api: &OpenApi, directory: &Path, read: &Values<'_>) -> Result<References, String> {
    let Some(asked) = &api.references else { return Ok(References::Unread) };
    let (mut folders, mut origins): (Vec<PathBuf>, Vec<Url>) = (Vec::new(), Vec::new());
    for (at, text) in asked.also.iter().enumerate() {
        let key = format!("references[{at}]");
        match is_address(text) {
            true => origins.push((read.address)(&key, text)?),
            false => folders.push(directory.join((read.value)(&key, text)?)),
        }
    }
    Ok(References::Near { folders, origins })
}

fn is_address(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.starts_with(scheme))
}
