//! One `mcpServers` entry as clients write it: a command to start or a URL to reach.
//! Values are as written: variables are expanded later, so that nothing secret is kept here.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{FileKind, OpenApi, Usage, Wrong, foreign, openapi, usage, wrong::kind};

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
    /// An HTTP API, by its OpenAPI document.
    OpenApi(Box<OpenApi>),
}

/// Keys of an entry. Others are an error in Outboard's own files; in a shared file they belong to other clients.
const KEYS: [&str; 10] =
    ["command", "args", "env", "cwd", "url", "serverUrl", "headers", "type", "disabled", "openapi"];

/// The keys of an entry, which differ for an API.
fn keys(is_api: bool) -> Vec<&'static str> {
    let own = if is_api { &openapi::KEYS[..] } else { &KEYS[..] };
    own.iter().copied().chain(usage::KEYS).collect()
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

/// Keys that nobody here reads are refused with what stands for them here.
fn check_keys(members: &Map<String, Value>) -> Result<(), Wrong> {
    let known = keys(members.contains_key("openapi"));
    let Some(unknown) = members.keys().find(|key| !known.contains(&key.as_str())) else { return Ok(()) };
    let wrong = Wrong::unknown(&[unknown], "known here", &known);
    Err(match foreign::hint(unknown) {
        Some(hint) => Wrong { hint: hint.to_owned(), ..wrong },
        None => wrong,
    })
}

/// An entry of a project's file may not say how far it is to be trusted.
fn refuse_vouching(members: &Map<String, Value>) -> Result<(), Wrong> {
    let Some(key) = usage::OF_USER.into_iter().find(|key| members.contains_key(*key)) else { return Ok(()) };
    let what = format!("`{key}` may stand only in the user's own file");
    Err(Wrong::at(&[key], what, "take it out; a user who wants it configures the server in their own file"))
}

/// The members of an entry while they are read. A value is never shown: it may be a secret.
pub(super) struct Written<'a>(pub(super) &'a Map<String, Value>);

impl Written<'_> {
    pub(super) fn given(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Wrong> {
        self.given(key).map(|value| text(&[key], value)).transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Wrong> {
        match self.given(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => {
                values.iter().enumerate().map(|(at, value)| text(&[key, &at.to_string()], value)).collect()
            }
            Some(other) => {
                let hint = format!("for example: \"{key}\": [\"--flag\", \"value\"]");
                Err(Wrong::mistyped(&[key], kind(other), "a list of texts", hint))
            }
        }
    }

    pub(super) fn named(&self, key: &str) -> Result<BTreeMap<String, String>, Wrong> {
        match self.given(key) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(values)) => {
                values.iter().map(|(name, value)| Ok((name.clone(), text(&[key, name], value)?))).collect()
            }
            Some(other) => {
                let hint = format!("for example: \"{key}\": {{\"NAME\": \"value\"}}");
                Err(Wrong::mistyped(&[key], kind(other), "an object of texts", hint))
            }
        }
    }
}

fn text(place: &[&str], value: &Value) -> Result<String, Wrong> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => {
            Err(Wrong::mistyped(place, kind(value), "a text", "put it between double quotes"))
        }
        _ => Err(Wrong::mistyped(place, kind(value), "a text", "write a text between double quotes")),
    }
}

impl Entry {
    /// Reads an entry; what is wrong with it fits after the server's name.
    pub(crate) fn parse(value: &Value, file: FileKind) -> Result<Self, Wrong> {
        let Value::Object(members) = value else {
            let hint = "for example: {\"command\": \"npx\", \"args\": [\"-y\", \"some-server\"]}";
            return Err(Wrong::at(&[], format!("is {}; it must be an object", kind(value)), hint));
        };
        if file != FileKind::Shared {
            check_keys(members)?;
        }
        let usage = match file {
            FileKind::Shared => Usage::default(),
            FileKind::User => Usage::parse(members)?,
            FileKind::Project => {
                refuse_vouching(members)?;
                Usage::parse(members)?
            }
        };
        if file != FileKind::Shared && members.contains_key("openapi") {
            let transport = Transport::OpenApi(Box::new(OpenApi::parse(members, file)?));
            return Ok(Self { transport, usage });
        }
        let written = Written(members);
        let url = match written.text("url")? {
            Some(url) => Some(url),
            None => written.text("serverUrl")?,
        };
        let is_sse = written.text("type")?.as_deref() == Some("sse");
        let transport = match (written.text("command")?, url) {
            (Some(_), Some(_)) => {
                let what = "has both `command` and `url`; it must have one of them";
                return Err(Wrong::at(&[], what, "keep `command` for a program, `url` for Streamable HTTP"));
            }
            (None, None) => {
                let hint = "write \"command\" for a program, \"url\" for Streamable HTTP, or \"openapi\" for an HTTP API";
                return Err(Wrong::at(&[], "has neither `command` nor `url`", hint));
            }
            (Some(command), None) if command.trim().is_empty() => {
                return Err(Wrong::at(&["command"], "`command` is empty", "write the program to start"));
            }
            (Some(command), None) => Transport::Stdio {
                command,
                args: written.texts("args")?,
                env: written.named("env")?,
                cwd: written.text("cwd")?,
            },
            (None, Some(_)) if is_sse => {
                let what = "has `type: sse`, the transport of 2024, which is not spoken";
                let hint =
                    "most such servers have a Streamable HTTP URL too: use that with \"type\": \"http\"";
                return Err(Wrong::at(&["type"], what, hint));
            }
            (None, Some(url)) => Transport::Http { url, headers: written.named("headers")? },
        };
        Ok(Self { transport, usage })
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
            Transport::OpenApi(api) => api.texts(),
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
        for entry in [json!({"command": "x", "trust": true}), json!({"command": "x", "labels": ["private"]})]
        {
            assert!(Entry::parse(&entry, FileKind::User).is_ok());
            let wrong = Entry::parse(&entry, FileKind::Project).unwrap_err();
            assert!(wrong.what.ends_with("may stand only in the user's own file"), "{wrong}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_key_with_what_to_do() {
        for (entry, what, hint) in [
            (
                json!({"command": true}),
                "`command` is true or false; it must be a text",
                "between double quotes",
            ),
            (json!({"command": ["npx"]}), "`command` is a list; it must be a text", "write a text"),
            (json!({"command": "x", "args": "y"}), "`args` is a text; it must be a list of texts", "--flag"),
            (json!({"command": "x", "args": ["y", 7]}), "`args.1` is a number; it must be a text", "quotes"),
            (
                json!({"command": "x", "env": {"PORT": 80}}),
                "`env.PORT` is a number; it must be a text",
                "quotes",
            ),
            (
                json!({"url": "x", "headers": []}),
                "`headers` is a list; it must be an object of texts",
                "NAME",
            ),
            (json!({"comand": "x"}), "`comand` is not known here", "did you mean `command`?"),
            (json!({"command": "x", "zzz": 1}), "`zzz` is not known here", "there are: command, "),
            (json!({"url": "x", "oauth": {}}), "`oauth` is not known here", "does not sign in by OAuth yet"),
            (json!({"command": "x", "alwaysLoad": true}), "`alwaysLoad` is not known here", "leave it out"),
            (json!({"command": "x", "excludeTools": ["y"]}), "`excludeTools` is not", "\"tools\": {\"deny\""),
            (json!({}), "has neither `command` nor `url`", "write \"command\""),
            (json!({"command": "x", "url": "y"}), "has both `command` and `url`", "keep `command`"),
            (json!({"type": "sse", "url": "y"}), "has `type: sse`", "Streamable HTTP URL"),
            (json!(7), "is a number; it must be an object", "for example: "),
            (json!({"command": "x", "timeout": -1}), "`timeout` is -1; it must be a number from", "seconds"),
        ] {
            let wrong = Entry::parse(&entry, FileKind::User).unwrap_err();
            assert!(wrong.what.starts_with(what) && wrong.hint.contains(hint), "{entry}: {wrong:?}");
        }
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
