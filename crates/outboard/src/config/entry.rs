//! One `mcpServers` entry as clients write it: a command to start or a URL to reach.
//! Values are as written: variables are expanded later, so that nothing secret is kept here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FileKind, Usage, usage};

/// One upstream as configured. It is serialised to tell entries apart by what they reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) transport: Transport,
    /// No part of what is reached: another usage is still the same upstream.
    #[serde(skip)]
    pub(crate) usage: Usage,
}

/// How an upstream is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// A child process that speaks over its standard input and output.
    Stdio { command: String, args: Vec<String>, env: BTreeMap<String, String>, cwd: Option<String> },
    /// Streamable HTTP.
    Http { url: String, headers: BTreeMap<String, String> },
}

#[derive(Deserialize)]
struct Written {
    command: Option<String>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    cwd: Option<String>,
    #[serde(alias = "serverUrl")]
    url: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// Keys of an entry. Others are an error in Outboard's own files; in a shared file they belong to other clients.
const KEYS: [&str; 9] = ["command", "args", "env", "cwd", "url", "serverUrl", "headers", "type", "disabled"];

fn keys() -> impl Iterator<Item = &'static str> {
    KEYS.into_iter().chain(usage::KEYS)
}

/// Programs that start another one named in their arguments.
const LAUNCHERS: [&str; 11] =
    ["npx", "bunx", "pnpm", "pnpx", "yarn", "uvx", "uv", "env", "nice", "mise", "cargo"];

/// Whether a new upstream may have this name; the text of a problem fits after the name.
pub(crate) fn valid_name(name: &str) -> Result<(), &'static str> {
    let plain = |c: char| c.is_alphanumeric() || "-_. ".contains(c);
    match name {
        "" => Err("is empty"),
        _ if name.chars().count() > 64 => Err("has more than 64 characters"),
        _ if !name.starts_with(char::is_alphanumeric) => Err("must begin with a letter or digit"),
        _ if !name.chars().all(plain) => Err("may have letters, digits, `-`, `_`, `.` and spaces only"),
        _ => Ok(()),
    }
}

impl Entry {
    /// Reads an entry; the text of a problem fits after the server's name.
    pub(crate) fn parse(value: &Value, kind: FileKind) -> Result<Self, String> {
        let Value::Object(members) = value else { return Err("must be an object".to_owned()) };
        if kind != FileKind::Shared
            && let Some(unknown) = members.keys().find(|key| !keys().any(|known| known == key.as_str()))
        {
            let known: Vec<&str> = keys().collect();
            return Err(format!("`{unknown}` is not known here; there are: {}", known.join(", ")));
        }
        let usage = match kind {
            FileKind::Shared => Usage::default(),
            FileKind::User | FileKind::Project => Usage::parse(members)?,
        };
        let written: Written = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        match (written.command, written.url) {
            (Some(_), Some(_)) => Err("has both `command` and `url`; it must have one of them".to_owned()),
            (None, None) => Err("has neither `command` nor `url`".to_owned()),
            (Some(command), None) if command.trim().is_empty() => Err("`command` is empty".to_owned()),
            (Some(command), None) => Ok(Self {
                transport: Transport::Stdio {
                    command,
                    args: written.args,
                    env: written.env,
                    cwd: written.cwd,
                },
                usage,
            }),
            (None, Some(_)) if written.kind.as_deref() == Some("sse") => {
                Err("`type: sse` (the transport of 2024) is not spoken; use the server's Streamable HTTP URL"
                    .to_owned())
            }
            (None, Some(url)) => {
                Ok(Self { transport: Transport::Http { url, headers: written.headers }, usage })
            }
        }
    }

    /// Whether the entry is switched off where it is written.
    pub(crate) fn is_disabled(value: &Value) -> bool {
        value.get("disabled").and_then(Value::as_bool) == Some(true)
    }

    /// Whether the entry serves Outboard itself, by name or as this very program, directly or through a launcher.
    pub(crate) fn is_outboard(&self, this_program: Option<&std::path::Path>) -> bool {
        let Transport::Stdio { command, args, .. } = &self.transport else { return false };
        let file = |text: &str| {
            let file = text.rsplit(['/', '\\']).next().unwrap_or(text);
            file.strip_suffix(".exe").unwrap_or(file).to_owned()
        };
        // A launcher starts the first of its arguments that is neither a switch nor a variable nor its own verb.
        let launched = LAUNCHERS.contains(&file(command).as_str()).then(|| {
            args.iter().find(|arg| {
                !arg.starts_with('-')
                    && !arg.contains('=')
                    && !["run", "exec", "dlx", "x"].contains(&arg.as_str())
            })
        });
        let program = launched.flatten().unwrap_or(command);
        let is_this =
            this_program.is_some_and(|this| std::fs::canonicalize(program).ok().as_deref() == Some(this));
        args.iter().any(|arg| arg == "serve") && (file(program) == "outboard" || is_this)
    }

    /// Every text of the entry with its key, for expansion and for showing to a person.
    pub(crate) fn texts(&self) -> Vec<(String, &str)> {
        match &self.transport {
            Transport::Stdio { command, args, env, cwd } => {
                let mut texts = vec![("command".to_owned(), command.as_str())];
                texts.extend(args.iter().enumerate().map(|(at, arg)| (format!("args[{at}]"), arg.as_str())));
                texts.extend(env.iter().map(|(name, value)| (format!("env.{name}"), value.as_str())));
                texts.extend(cwd.iter().map(|cwd| ("cwd".to_owned(), cwd.as_str())));
                texts
            }
            Transport::Http { url, headers } => {
                let mut texts = vec![("url".to_owned(), url.as_str())];
                texts.extend(headers.iter().map(|(name, value)| (format!("headers.{name}"), value.as_str())));
                texts
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usage_is_no_part_of_what_is_reached() {
        let bare = json!({"command": "x", "args": ["a"]});
        let mut used = bare.clone();
        used["tools"] = json!({"deny": ["b*"]});
        used["timeout"] = json!(5);
        used["concurrency"] = json!(1);
        used["eager"] = json!(true);
        let text = |entry: &Value, kind| serde_json::to_string(&Entry::parse(entry, kind).unwrap()).unwrap();
        let expected = r#"{"transport":{"stdio":{"command":"x","args":["a"],"env":{},"cwd":null}}}"#;
        assert_eq!([text(&bare, FileKind::User), text(&used, FileKind::User)], [expected, expected]);
    }

    #[test]
    fn in_a_shared_file_the_keys_are_other_clients() {
        let entry =
            json!({"command": "x", "timeout": 60_000, "tools": ["*"], "eager": "?", "concurrency": null});
        assert_eq!(Entry::parse(&entry, FileKind::Shared).unwrap().usage, Usage::default());
        assert!(Entry::parse(&entry, FileKind::Project).is_err());
    }

    #[test]
    fn outboard_is_known_by_the_program_that_is_started() {
        for (command, args, expected) in [
            ("outboard", &["serve"][..], true),
            ("/opt/bin/outboard", &["serve", "--x"], true),
            ("outboard.exe", &["serve"], true),
            ("npx", &["-y", "outboard", "serve"], true),
            ("env", &["A=1", "outboard", "serve"], true),
            ("outboard", &["demo-upstream"], false),
            ("docs-server", &["serve", "--root", "/code/outboard"], false),
            ("npx", &["-y", "some-server", "outboard", "serve"], false),
        ] {
            let entry = Entry::parse(&json!({"command": command, "args": args}), FileKind::User).unwrap();
            assert_eq!(entry.is_outboard(None), expected, "{command} {args:?}");
        }
    }
}
