//! One configuration file: JSON with `mcpServers`, and in Outboard's own files settings beside it. Comments and trailing
//! commas may stand in it. Problems name the file, the line, the key and what to do. Values are not expanded here.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::{
    Entry, Settings, Wrong,
    edit::{EditProblem, MARK, Syntax},
    settings,
};

/// How Outboard's own files are written: as people write them, comments and trailing commas included.
pub(crate) const OWN_SYNTAX: Syntax = Syntax::Jsonc;

/// Bytes of a configuration file at most: a project's is a stranger's, and is read before anyone has accepted it.
const LARGEST: u64 = 1 << 20;

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
    pub(crate) entries: BTreeMap<String, Result<Entry, Wrong>>,
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
        source: EditProblem,
    },
    #[error("read {}: it is not text in UTF-8", path.display())]
    NoText { path: PathBuf },
    #[error("use {}: it has more than {} MiB", path.display(), LARGEST >> 20)]
    TooLarge { path: PathBuf },
    #[error("use {}: {}{wrong}{}", path.display(), in_line(wrong.line), and_more(*more))]
    Setting { path: PathBuf, wrong: Wrong, more: usize },
}

/// `line 3: `, or nothing.
pub(crate) fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("line {line}: "))
}

fn and_more(more: usize) -> String {
    if more == 0 { String::new() } else { format!(" (and {more} more)") }
}

/// A file of which a part is wrong.
pub(crate) struct Examined {
    /// What it says all the same: settings that are wrong have their defaults.
    pub(crate) file: ConfigFile,
    /// What is wrong with its settings, each on its own.
    pub(crate) problems: Vec<FileProblem>,
}

impl ConfigFile {
    /// Reads a file of this kind.
    pub(crate) fn read(path: &Path, kind: FileKind) -> Result<Self, FileProblem> {
        let Examined { file, problems } = Self::examine(path, kind)?;
        let more_of_them = problems.len().saturating_sub(1);
        match problems.into_iter().next() {
            None => Ok(file),
            Some(FileProblem::Setting { path, wrong, .. }) => {
                Err(FileProblem::Setting { path, wrong, more: more_of_them })
            }
            Some(other) => Err(other),
        }
    }

    /// Reads a file of this kind, and what can be used of it if some settings are wrong.
    pub(crate) fn examine(path: &Path, kind: FileKind) -> Result<Examined, FileProblem> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
            .map_err(|source| FileProblem::Read { path: path.to_owned(), source })?;
        if bytes.len() as u64 > LARGEST {
            return Err(FileProblem::TooLarge { path: path.to_owned() });
        }
        Self::parse(path, kind, &bytes)
    }

    /// Whether a file of this kind could be used if it held this text.
    pub(crate) fn check(path: &Path, kind: FileKind, text: &str) -> Result<(), FileProblem> {
        let examined = Self::parse(path, kind, text.as_bytes())?;
        examined.problems.into_iter().next().map_or(Ok(()), Err)
    }

    fn parse(path: &Path, kind: FileKind, bytes: &[u8]) -> Result<Examined, FileProblem> {
        let text = std::str::from_utf8(bytes).map_err(|_| FileProblem::NoText { path: path.to_owned() })?;
        let text = text.strip_prefix(MARK).unwrap_or(text);
        let bad = |source| FileProblem::Syntax { path: path.to_owned(), source };
        let value = OWN_SYNTAX.read(text).map_err(bad)?;
        let lines = OWN_SYNTAX.lines(text);
        let problem = |wrong: Wrong| {
            let line = lines.of(&wrong.place);
            FileProblem::Setting { path: path.to_owned(), wrong: Wrong { line, ..wrong }, more: 0 }
        };
        let Value::Object(members) = value else {
            let hint = "for example: {\"mcpServers\": {}}";
            return Err(problem(Wrong::at(&[], "it must hold a JSON object with `mcpServers`", hint)));
        };
        let (in_servers, elsewhere): (Vec<_>, Vec<_>) =
            lines.repeated().into_iter().partition(|(path, _)| path.len() > 1 && path[0] == SERVERS);
        if let Some((path, lines)) = elsewhere.iter().find(|(path, _)| path.len() == 1) {
            return Err(problem(Wrong::repeated(path, lines)));
        }
        let (settings, mut wrong) = match kind {
            FileKind::Shared => (Settings::default(), Vec::new()),
            FileKind::Project => (Settings::default(), not_for_projects(&members)),
            FileKind::User => settings::read(&members),
        };
        wrong.extend(elsewhere.iter().map(|(path, lines)| Wrong::repeated(path, lines)));
        let mut entries = match members.get(SERVERS) {
            None | Some(Value::Null) => BTreeMap::new(),
            Some(Value::Object(servers)) => entries(servers, kind),
            Some(other) => {
                let hint = "for example: {\"mcpServers\": {\"name\": {\"command\": \"npx\"}}}";
                let expected = "an object of named servers";
                return Err(problem(Wrong::mistyped(&[SERVERS], super::wrong::kind(other), expected, hint)));
            }
        };
        for (path, lines) in in_servers {
            // One that is switched off costs nobody anything, unless its name is in doubt.
            if path.len() == 2 || entries.contains_key(&path[1]) {
                let wrong = Wrong { place: path[2..].to_vec(), ..Wrong::repeated(path, lines) };
                entries.insert(path[1].clone(), Err(wrong));
            }
        }
        for (name, entry) in &mut entries {
            if let Err(wrong) = entry {
                let server = [SERVERS.to_owned(), name.clone()];
                wrong.line = lines.of(&[&server[..], &wrong.place].concat());
            }
        }
        let problems = wrong.into_iter().map(problem).collect();
        let file = Self { path: path.to_owned(), kind, hash: hash(bytes), entries, settings };
        Ok(Examined { file, problems })
    }
}

/// The member that holds the servers.
const SERVERS: &str = "mcpServers";

fn entries(servers: &Map<String, Value>, kind: FileKind) -> BTreeMap<String, Result<Entry, Wrong>> {
    let on = servers.iter().filter(|(_, value)| !Entry::is_disabled(value));
    on.map(|(name, value)| (name.clone(), Entry::parse(value, kind))).collect()
}

fn not_for_projects(members: &Map<String, Value>) -> Vec<Wrong> {
    let settings = members.keys().filter(|key| !["$schema", SERVERS].contains(&key.as_str()));
    settings
        .map(|key| {
            let what = format!(
                "`{key}` may stand only in the user's own file: a project's file names upstreams and nothing else"
            );
            Wrong::at(&[key], what, "take it out of the project's file")
        })
        .collect()
}

/// SHA-256 in lower-case hexadecimal.
pub(crate) fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_file_costs_little_whatever_it_holds() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(".mcp.json");
        let many = |member: &dyn Fn(usize) -> String| {
            format!("{{\"mcpServers\": {{{}}}}}", (0..40_000).map(member).collect::<Vec<_>>().join(",\n"))
        };
        for (content, says) in [
            ("[".repeat(1_000_000), Some("depth")),
            (format!("{{\"a\":{}", "{\"a\":".repeat(100_000)), Some("depth")),
            (" ".repeat(1_100_000), Some("more than 1 MiB")),
            (many(&|number| format!("\"s{number}\": 1")), None),
            (many(&|_| "\"s\": {\"command\": \"x\"}".to_owned()), Some("")),
        ] {
            std::fs::write(&path, content).unwrap();
            match (ConfigFile::read(&path, FileKind::Shared), says) {
                (Err(problem), Some(says)) => {
                    let told = crate::report::chain(&problem);
                    assert!(told.contains(says), "{told}");
                }
                (Ok(file), None) => assert!(file.entries.values().all(Result::is_err)),
                (Ok(file), Some("")) => assert_eq!(file.entries.len(), 1),
                (read, says) => panic!("{says:?}: {:?}", read.map(|file| file.entries.len())),
            }
        }
    }
}
