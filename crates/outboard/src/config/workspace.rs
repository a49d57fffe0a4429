//! Whether there are workspaces and what they may use, as the user's own file says it under `workspace`.
//! It makes none.

use std::path::PathBuf;

use clap::ValueEnum;
use outboard_jail::{Protection, order::Limits};
use serde_json::{Map, Value};

use super::{Wrong, settings::Reader, wrong::shown};

/// What keeps a workspace in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Wall {
    /// A jail of this machine's kernel; takes Linux and nothing else
    #[default]
    Jail,
    /// A container of Podman or Docker, of the image that the setting `workspace.image` names
    Container,
    /// A sandbox of Daytona's, by its API, as the setting `workspace.daytona` says; untested against the service
    Daytona,
}

impl Wall {
    /// As the setting `runtime` names it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Jail => "jail",
            Self::Container => "container",
            Self::Daytona => "daytona",
        }
    }
}

/// Whose remote sandboxes are used, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DaytonaSettings {
    /// Where the API is.
    pub(crate) url: String,
    /// The variable that holds the key.
    pub(crate) key_env: String,
    /// What sandboxes are made of, by the service's name for it; its own choice without.
    pub(crate) snapshot: Option<String>,
    /// The region; the service's own choice without.
    pub(crate) target: Option<String>,
}

impl Default for DaytonaSettings {
    fn default() -> Self {
        let (url, key_env) = ("https://app.daytona.io/api".to_owned(), "DAYTONA_API_KEY".to_owned());
        Self { url, key_env, snapshot: None, target: None }
    }
}

/// What workspaces are.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WorkspaceSettings {
    /// There are workspaces without being asked for at the start.
    pub(crate) on: bool,
    /// What keeps them in.
    pub(crate) wall: Wall,
    /// The engine of containers, with arguments that come before all others; empty for the one that there is.
    pub(crate) engine: Vec<String>,
    /// What containers are made of: an image's name, or the absolute path of a folder.
    pub(crate) image: Option<String>,
    /// Remote sandboxes.
    pub(crate) daytona: DaytonaSettings,
    /// What each may use.
    pub(crate) limits: Limits,
    /// Protections without which none is made, beside those that none is made without.
    pub(crate) require: Vec<Protection>,
    /// Folders of the host that are seen in it, read-only; their `bin` folders are on its path.
    pub(crate) show: Vec<PathBuf>,
}

const KEYS: [&str; 14] = [
    "on",
    "runtime",
    "engine",
    "image",
    "daytona",
    "memoryMegabytes",
    "diskMegabytes",
    "files",
    "processes",
    "openFiles",
    "cpuSeconds",
    "cpuPercent",
    "require",
    "show",
];

/// Reads `workspace`: whether there are any, or an object. What is wrong keeps its default and is told of.
pub(super) fn read(given: &Value, wrong: &mut Vec<Wrong>) -> WorkspaceSettings {
    match given {
        Value::Bool(on) => WorkspaceSettings { on: *on, ..WorkspaceSettings::default() },
        Value::Object(members) => read_members(members, wrong),
        other => {
            let hint = "for example: \"workspace\": true";
            wrong.push(Wrong::mistyped(&["workspace"], &shown(other), "true, false or an object", hint));
            WorkspaceSettings::default()
        }
    }
}

fn read_members(members: &Map<String, Value>, wrong: &mut Vec<Wrong>) -> WorkspaceSettings {
    for key in members.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        wrong.push(Wrong::unknown(&["workspace", key], "a setting", &KEYS));
    }
    let mut settings = WorkspaceSettings { on: true, ..WorkspaceSettings::default() };
    let mut reader = Reader { members, parent: Some("workspace"), wrong: std::mem::take(wrong) };
    let limits = &mut settings.limits;
    let (mut memory, mut disk) = (limits.memory >> 20, limits.disk >> 20);
    reader.number(&mut memory, "memoryMegabytes", 64..=1 << 20);
    reader.number(&mut disk, "diskMegabytes", 1..=1 << 20);
    (limits.memory, limits.disk) = (memory << 20, disk << 20);
    reader.number(&mut limits.files, "files", 100..=10_000_000);
    reader.number(&mut limits.processes, "processes", 16..=100_000);
    reader.number(&mut limits.open_files, "openFiles", 64..=1_000_000);
    reader.number(&mut limits.cpu_seconds, "cpuSeconds", 1..=604_800);
    reader.number(&mut limits.cpu_percent, "cpuPercent", 5..=100_000);
    match reader.given("on") {
        None => {}
        Some(Value::Bool(on)) => settings.on = *on,
        Some(_) => reader.out_of_range("on", "true or false", &"true"),
    }
    if let Some(runtime) = reader.given("runtime") {
        let known = |wall: &&Wall| runtime.as_str() == Some(wall.name());
        match Wall::value_variants().iter().find(known) {
            Some(wall) => settings.wall = *wall,
            None => reader.out_of_range("runtime", "\"jail\", \"container\" or \"daytona\"", &"\"jail\""),
        }
    }
    match reader.given("image").map(Value::as_str) {
        None => {}
        Some(Some(image)) if is_image(image) => settings.image = Some(image.to_owned()),
        Some(_) => {
            let expected =
                "the name of an image, or the absolute path of a folder that holds a root file system";
            reader.out_of_range("image", expected, &"none");
        }
    }
    match reader.given("daytona").map(daytona) {
        None => {}
        Some(Some(daytona)) => settings.daytona = daytona,
        Some(None) => {
            let expected = "an object with texts: `url`, `keyEnv`, `snapshot`, `target`";
            reader.out_of_range("daytona", expected, &"the service's own choices");
        }
    }
    let words = |key: &str, reader: &Reader<'_>| -> Option<Option<Vec<String>>> {
        let list = reader.given(key)?;
        let words = list.as_array().map(|list| list.iter().map(|word| word.as_str().map(str::to_owned)));
        Some(words.and_then(Iterator::collect))
    };
    let program = reader.given("engine").and_then(Value::as_str).map(|program| vec![program.to_owned()]);
    if let Some(engine) = program.map(Some).or_else(|| words("engine", &reader)) {
        match engine.filter(|words| words.first().is_some_and(|program| !program.is_empty())) {
            Some(engine) => settings.engine = engine,
            None => {
                let expected = "a program, or a list of a program and arguments, for example [\"podman\", \"--runtime\", \"runc\"]";
                reader.out_of_range("engine", expected, &"podman or docker");
            }
        }
    }
    if let Some(names) = words("require", &reader) {
        let known = names.and_then(|names| names.iter().map(|name| Protection::named(name)).collect());
        match known {
            Some(require) => settings.require = require,
            None => {
                let names: Vec<&str> = Protection::ALL.iter().map(|protection| protection.name()).collect();
                let expected = format!("a list of protections: {}", names.join(", "));
                reader.out_of_range("require", &expected, &"none");
            }
        }
    }
    if let Some(paths) = words("show", &reader) {
        let paths: Option<Vec<PathBuf>> = paths.map(|paths| paths.into_iter().map(PathBuf::from).collect());
        match paths.filter(|paths| paths.iter().all(|path| path.is_absolute())) {
            Some(show) => settings.show = show,
            None => reader.out_of_range("show", "a list of absolute paths", &"none"),
        }
    }
    *wrong = reader.wrong;
    settings
}

/// `daytona` as it is given; nothing if something in it is no text or has no meaning.
fn daytona(given: &Value) -> Option<DaytonaSettings> {
    let mut settings = DaytonaSettings::default();
    for (key, value) in given.as_object()? {
        let text = value.as_str().filter(|text| !text.is_empty())?.to_owned();
        match key.as_str() {
            "url" => settings.url = text,
            "keyEnv" => settings.key_env = text,
            "snapshot" => settings.snapshot = Some(text),
            "target" => settings.target = Some(text),
            _ => return None,
        }
    }
    Some(settings)
}

/// Whether this is one word that no engine takes for an option.
fn is_image(image: &str) -> bool {
    !image.is_empty()
        && !image.starts_with('-')
        && !image.contains(|c: char| c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(given: &Value) -> Result<WorkspaceSettings, String> {
        let mut wrong = Vec::new();
        let settings = read(given, &mut wrong);
        wrong.first().map_or(Ok(settings), |wrong| Err(wrong.what.clone()))
    }

    #[test]
    fn it_is_on_or_off_or_says_what_it_is() {
        assert!(check(&json!(true)).unwrap().on && !check(&json!(false)).unwrap().on);
        assert!(check(&json!({})).unwrap().on && !check(&json!({ "on": false })).unwrap().on);
        let given = json!({ "require": ["own-user", "memory"], "show": ["/opt/node"], "diskMegabytes": 64 });
        let settings = check(&given).unwrap();
        assert_eq!(settings.require, [Protection::OwnUser, Protection::Memory]);
        assert_eq!((settings.show, settings.limits.disk), (vec![PathBuf::from("/opt/node")], 64 << 20));
        assert_eq!((settings.wall, settings.image), (Wall::Jail, None));
        let given = json!({ "runtime": "container", "engine": "docker", "image": "debian:12" });
        let settings = check(&given).unwrap();
        assert_eq!((settings.wall, settings.engine), (Wall::Container, vec!["docker".to_owned()]));
        assert_eq!(settings.image.as_deref(), Some("debian:12"));
        let given = json!({ "runtime": "daytona", "daytona": { "keyEnv": "KEY", "snapshot": "small" } });
        let settings = check(&given).unwrap();
        assert_eq!((settings.wall, settings.daytona.key_env.as_str()), (Wall::Daytona, "KEY"));
        assert_eq!(settings.daytona.url, "https://app.daytona.io/api");
        for wrong in [json!(true), json!({ "key": "secret" }), json!({ "url": 7 }), json!({ "url": "" })] {
            assert!(check(&json!({ "daytona": wrong })).is_err(), "{wrong}");
        }
        let given = json!({ "engine": ["podman", "--runtime", "runc"] });
        assert_eq!(check(&given).unwrap().engine, ["podman", "--runtime", "runc"]);
        for (given, what) in [
            (
                json!({ "runtime": "vm" }),
                "`workspace.runtime` is \"vm\"; it must be \"jail\", \"container\" or \"daytona\"",
            ),
            (
                json!({ "image": "--privileged" }),
                "`workspace.image` is \"--privileged\"; it must be the name of an image, or the absolute path of a folder that holds a root file system",
            ),
            (
                json!({ "engine": [] }),
                "`workspace.engine` is a list; it must be a program, or a list of a program and arguments, for example [\"podman\", \"--runtime\", \"runc\"]",
            ),
            (json!("yes"), "`workspace` is \"yes\"; it must be true, false or an object"),
            (json!({ "wals": 1 }), "`workspace.wals` is not a setting"),
            (json!({ "show": ["bin"] }), "`workspace.show` is a list; it must be a list of absolute paths"),
            (json!({ "on": 1 }), "`workspace.on` is 1; it must be true or false"),
        ] {
            assert_eq!(check(&given), Err(what.to_owned()));
        }
        let wrong = check(&json!({ "require": ["walls"] })).unwrap_err();
        assert!(
            wrong.starts_with("`workspace.require` is a list; it must be a list of protections: "),
            "{wrong}"
        );
    }
}
