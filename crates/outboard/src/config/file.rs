//! One configuration file: JSON with `mcpServers`, and in Outboard's own files settings beside it.
//! Problems name the file, the place in it and what to do. Values are not expanded here.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{Entry, Settings, settings};

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
    pub(crate) kind: FileKind,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub(crate) hash: String,
    /// Its upstreams by name; one that cannot be read costs itself.
    pub(crate) entries: BTreeMap<String, Result<Entry, String>>,
    pub(crate) settings: Settings,
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
            FileKind::User => settings::read(members).map_err(content)?,
        };
        let entries = servers
            .into_iter()
            .filter(|(_, value)| !Entry::is_disabled(value))
            .map(|(name, value)| (name, Entry::parse(&value, kind)))
            .collect();
        Ok(Self { path: path.to_owned(), kind, hash: hash(bytes), entries, settings })
    }
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
