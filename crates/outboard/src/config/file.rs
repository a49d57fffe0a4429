//! One configuration file: JSON with `mcpServers`, and in Outboard's own files settings beside it.
//! Problems name the file, the place in it and what to do. Values are not expanded here.

use std::{
    collections::BTreeMap,
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use outboard_runtime::limits::Limits;
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Entry;

/// Whose file it is: that decides what it may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// The user's `outboard.json`: may say everything.
    User,
    /// A project's `outboard.json`: upstreams only, and only once a person has accepted it.
    Project,
    /// A project's `.mcp.json`, shared with other clients: likewise, and unknown keys are theirs.
    Shared,
}

/// A file as it was read.
#[derive(Debug)]
pub(crate) struct ConfigFile {
    pub(crate) path: PathBuf,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub(crate) hash: String,
    /// Its upstreams by name; one that cannot be read costs itself.
    pub(crate) entries: BTreeMap<String, Result<Entry, String>>,
    pub(crate) settings: Settings,
}

/// How Outboard behaves. Only the user's own file may say it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Settings {
    /// Tokens that the declarations of a small catalogue may take in `execute`'s description.
    pub(crate) declarations: usize,
    /// Tokens of a result when the model does not ask for another number.
    pub(crate) result_tokens: usize,
    /// Runs at once; further ones wait.
    #[serde(deserialize_with = "runs_at_once")]
    pub(crate) runs_at_once: usize,
    /// Limits of each run.
    #[serde(deserialize_with = "limits")]
    pub(crate) limits: Limits,
}

impl Default for Settings {
    fn default() -> Self {
        Self { declarations: 1_500, result_tokens: 6_000, runs_at_once: 64, limits: Limits::default() }
    }
}

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileProblem {
    #[error("read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("read {} as JSON", path.display())]
    Syntax {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("use {}: {what}", path.display())]
    Content { path: PathBuf, what: String },
}

const KEYS: [&str; 6] = ["mcpServers", "declarations", "resultTokens", "runsAtOnce", "limits", "$schema"];

/// Seconds in a week: longer than any run.
const LONGEST: f64 = 604_800.0;

/// The limits of a run as a person writes them; what is left out keeps its default.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct WrittenLimits {
    wall_seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    call_seconds: Option<f64>,
    memory_megabytes: Option<u64>,
    calls: Option<u32>,
    concurrent_calls: Option<u32>,
    console_bytes: Option<u64>,
    value_bytes: Option<u64>,
}

fn runs_at_once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    // Every run takes a slot of the sandbox's pool while it is under way.
    match usize::deserialize(deserializer)? {
        runs @ 1..=1_000 => Ok(runs),
        _ => Err(D::Error::custom("`runsAtOnce` must be from 1 to 1000")),
    }
}

fn limits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limits, D::Error> {
    let written = WrittenLimits::deserialize(deserializer)?;
    let mut limits = Limits::default();
    let seconds = |name: &str, value: Option<f64>, into: &mut Duration| {
        let Some(value) = value else { return Ok(()) };
        if !(0.001..=LONGEST).contains(&value) {
            return Err(D::Error::custom(format!("`limits.{name}` must be from 0.001 to {LONGEST} seconds")));
        }
        *into = Duration::from_secs_f64(value);
        Ok(())
    };
    seconds("wallSeconds", written.wall_seconds, &mut limits.wall)?;
    seconds("cpuSeconds", written.cpu_seconds, &mut limits.cpu)?;
    seconds("callSeconds", written.call_seconds, &mut limits.call)?;
    let within = |name: &str, value: u64, range: RangeInclusive<u64>| match range.contains(&value) {
        true => Ok(value),
        false => Err(D::Error::custom(format!(
            "`limits.{name}` must be from {} to {}",
            range.start(),
            range.end()
        ))),
    };
    if let Some(megabytes) = written.memory_megabytes {
        limits.memory = within("memoryMegabytes", megabytes, 16..=2_048)? << 20;
    }
    if let Some(calls) = written.calls {
        within("calls", calls.into(), 1..=u32::MAX.into())?;
        limits.calls = calls;
    }
    if let Some(calls) = written.concurrent_calls {
        within("concurrentCalls", calls.into(), 1..=100_000)?;
        limits.concurrent_calls = calls;
    }
    limits.console = written.console_bytes.unwrap_or(limits.console);
    limits.value = written.value_bytes.unwrap_or(limits.value);
    Ok(limits)
}

impl ConfigFile {
    /// Reads a file of this kind.
    pub(crate) fn read(path: &Path, kind: FileKind) -> Result<Self, FileProblem> {
        let bytes =
            std::fs::read(path).map_err(|source| FileProblem::Read { path: path.to_owned(), source })?;
        Self::parse(path, kind, &bytes)
    }

    fn parse(path: &Path, kind: FileKind, bytes: &[u8]) -> Result<Self, FileProblem> {
        let content = |what: String| FileProblem::Content { path: path.to_owned(), what };
        let bytes_without_mark = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let value: Value = serde_json::from_slice(bytes_without_mark)
            .map_err(|source| FileProblem::Syntax { path: path.to_owned(), source })?;
        let Value::Object(mut members) = value else {
            return Err(content("it must hold a JSON object with `mcpServers`".to_owned()));
        };
        let servers = match members.remove("mcpServers") {
            None => serde_json::Map::new(),
            Some(Value::Object(servers)) => servers,
            Some(_) => return Err(content("`mcpServers` must be an object of named servers".to_owned())),
        };
        let settings = match kind {
            FileKind::Shared => Settings::default(),
            FileKind::Project => match members.keys().find(|key| *key != "$schema") {
                None => Settings::default(),
                Some(key) => {
                    return Err(content(format!(
                        "`{key}` may stand only in the user's own file: a project's file names upstreams and nothing else"
                    )));
                }
            },
            FileKind::User => settings(members).map_err(content)?,
        };
        let entries = servers
            .into_iter()
            .filter(|(_, value)| !Entry::is_disabled(value))
            .map(|(name, value)| (name, Entry::parse(&value, kind)))
            .collect();
        Ok(Self { path: path.to_owned(), hash: hash(bytes), entries, settings })
    }
}

fn settings(members: serde_json::Map<String, Value>) -> Result<Settings, String> {
    if let Some(unknown) = members.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("`{unknown}` is not a setting; there are: {}", KEYS.join(", ")));
    }
    serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
