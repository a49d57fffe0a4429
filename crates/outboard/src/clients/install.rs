//! Writes Outboard into a client's file and takes it back. A change is first only worked out, so that a person can
//! see it; it is written under the lock, and only if the file is still what was read.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

pub(crate) use super::record::Records;
use super::{
    Client, NAME, Program, Server, Surroundings, members,
    record::{Record, Splice},
};
use crate::{
    config::{
        Transport,
        edit::EditProblem,
        hash,
        store::{Lock, Original, Privacy, StoreProblem},
    },
    state_file::StateProblem,
};

/// A change of one client's file, worked out and not yet made.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) file: PathBuf,
    pub(crate) outcome: Outcome,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The client has Outboard under this name already, perhaps switched off elsewhere in its file.
    Already { name: String, off: bool },
    /// The client does not have it, so there is nothing to take back.
    Nothing,
    /// The file is to have this text; without a text it is to go.
    Write {
        original: Original,
        text: Option<String>,
        record: Option<Box<Record>>,
        directories: Vec<PathBuf>,
        /// Whether an entry of ours that stands there is renewed.
        renews: bool,
    },
}

/// Why Outboard cannot be put in or taken out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InstallProblem {
    #[error("find the file of {client} on this system")]
    NoFile { client: &'static str },
    #[error("use {}: `{NAME}` there is another server", file.display())]
    Taken { file: PathBuf },
    #[error("take Outboard out of {}: it stands there as `{name}`, which `outboard install` did not write", file.display())]
    NotOurs { file: PathBuf, name: String },
    #[error("use {}", file.display())]
    Edit {
        file: PathBuf,
        #[source]
        source: EditProblem,
    },
    #[error(transparent)]
    Store(#[from] StoreProblem),
    #[error(transparent)]
    Records(#[from] StateProblem),
}

/// A client's file as it is now.
struct State {
    client: &'static Client,
    file: PathBuf,
    original: Original,
    value: Value,
    section: &'static [&'static str],
    /// Outboard's own entries, by name.
    ours: Vec<Server>,
}

/// Works out how Outboard comes into the client.
pub(crate) fn install(
    client: &'static Client,
    surroundings: &Surroundings<'_>,
    executable: &Path,
    records: &Records,
) -> Result<Change, InstallProblem> {
    let state = State::read(client, surroundings, executable)?;
    let program = Program::this(executable, surroundings.variable, client.needs_absolute);
    let wanted = (client.entry)(&program);
    let already = state.ours.iter().find(|server| state.is_as(server, &wanted, executable));
    if let Some((name, off)) = already.map(|server| (server.name.clone(), server.disabled)) {
        return Ok(state.change(Outcome::Already { name, off }));
    }
    let here = state.member(NAME);
    let is_ours = state.ours.iter().any(|server| server.name == NAME);
    if here.is_some() && !is_ours {
        return Err(InstallProblem::Taken { file: state.file });
    }
    // An entry that was written before is taken back first, so that taking back always leads to the beginning.
    let recorded = records.get(&state.file).filter(|_| is_ours).cloned();
    let base = match &recorded {
        Some(record) => state.without(record)?,
        None => Some(state.original.text().to_owned()),
    };
    let base = base.unwrap_or_default();
    let value = state.parsed(&base)?;
    let before =
        members(&value, state.section).find(|(name, _)| *name == NAME).map(|(_, entry)| entry.clone());
    // What a person added to the entry stays in it.
    let wanted = merged(here.cloned(), wanted);
    let path = [state.section, &[NAME]].concat();
    let text = client.syntax.set(&base, &path, &wanted).map_err(|source| state.edit(source))?;
    let record = Record {
        client: client.id.to_owned(),
        name: NAME.to_owned(),
        created: recorded.as_ref().map_or(state.original.text.is_none(), |record| record.created),
        directories: recorded.map(|record| record.directories).unwrap_or_default(),
        made_section: at(&value, state.section).is_none(),
        before,
        splice: Splice::between(&base, &text),
        hash: hash(text.as_bytes()),
    };
    let outcome = Outcome::Write {
        original: state.original.clone(),
        text: Some(text),
        record: Some(Box::new(record)),
        directories: Vec::new(),
        renews: here.is_some(),
    };
    Ok(state.change(outcome))
}

/// Works out how Outboard goes from the client.
pub(crate) fn undo(
    client: &'static Client,
    surroundings: &Surroundings<'_>,
    executable: &Path,
    records: &Records,
) -> Result<Change, InstallProblem> {
    let state = State::read(client, surroundings, executable)?;
    let Some(first) = state.ours.first() else { return Ok(state.change(Outcome::Nothing)) };
    let record = records.get(&state.file).cloned();
    let named = record.as_ref().map_or(NAME, |record| &record.name);
    if !state.ours.iter().any(|server| server.name == named) {
        return Err(InstallProblem::NotOurs { file: state.file.clone(), name: first.name.clone() });
    }
    let text = match &record {
        Some(record) => state.without(record)?,
        None => Some(state.unset(&[state.section, &[NAME]].concat(), state.original.text())?),
    };
    let directories = record.map(|record| record.directories).unwrap_or_default();
    let original = state.original.clone();
    let outcome = Outcome::Write { original, text, record: None, directories, renews: false };
    Ok(state.change(outcome))
}

impl Change {
    /// Makes the change.
    pub(crate) fn apply(self, lock: &Lock, records: &mut Records) -> Result<(), InstallProblem> {
        let Outcome::Write { original, text, record, directories, .. } = self.outcome else { return Ok(()) };
        let Some(text) = text else {
            original.remove(lock, &directories)?;
            return Ok(records.set(&self.file, None)?);
        };
        let made = original.write(lock, &text, Privacy::Private)?;
        let record = record.map(|mut record| {
            record.directories.extend(made);
            *record
        });
        Ok(records.set(&self.file, record)?)
    }
}

impl State {
    fn read(
        client: &'static Client,
        surroundings: &Surroundings<'_>,
        executable: &Path,
    ) -> Result<Self, InstallProblem> {
        let default = client.file(surroundings).ok_or(InstallProblem::NoFile { client: client.title })?;
        let others =
            (client.files)(surroundings).into_iter().filter(|file| file.exists() && *file != default);
        // A client with several files may have Outboard in any of them.
        for file in others {
            let state = Self::of(client, surroundings, executable, file)?;
            if !state.ours.is_empty() {
                return Ok(state);
            }
        }
        Self::of(client, surroundings, executable, default)
    }

    fn of(
        client: &'static Client,
        surroundings: &Surroundings<'_>,
        executable: &Path,
        file: PathBuf,
    ) -> Result<Self, InstallProblem> {
        let (original, value) = client.read(&file)?;
        let mut ours = (client.servers)(&value, surroundings);
        ours.retain(|server| server.project.is_none() && server.is_outboard(Some(executable)));
        let section = (client.section)(&value);
        Ok(Self { client, file, original, value, section, ours })
    }

    fn change(self, outcome: Outcome) -> Change {
        Change { file: self.file, outcome }
    }

    fn edit(&self, source: EditProblem) -> InstallProblem {
        InstallProblem::Edit { file: self.file.clone(), source }
    }

    fn parsed(&self, text: &str) -> Result<Value, InstallProblem> {
        self.client.syntax.read(text).map_err(|source| self.edit(source))
    }

    fn unset(&self, path: &[&str], text: &str) -> Result<String, InstallProblem> {
        self.client.syntax.unset(text, path).map_err(|source| self.edit(source))
    }

    fn member(&self, name: &str) -> Option<&Value> {
        at(&self.value, self.section)?.get(name)
    }

    /// Whether an entry of ours starts this program and has everything that it should have.
    fn is_as(&self, server: &Server, wanted: &Value, executable: &Path) -> bool {
        let Some(written) = self.member(&server.name) else { return false };
        if server.name == NAME && has_all(written, wanted) {
            return true;
        }
        // Under another name only the program counts.
        let Ok(entry) = server.parsed() else { return false };
        let Transport::Stdio { command, .. } = &entry.transport else { return false };
        server.name != NAME
            && (command == NAME
                || std::fs::canonicalize(command).ok() == std::fs::canonicalize(executable).ok())
    }

    /// The text without what a record tells of: exactly, or without the entry alone if the file was edited since.
    /// None if the file is to go.
    fn without(&self, record: &Record) -> Result<Option<String>, InstallProblem> {
        let text = self.original.text();
        if let Some(exact) = record.exactly_undone(text) {
            return Ok(if record.created { None } else { Some(exact) });
        }
        let path = [self.section, &[record.name.as_str()]].concat();
        if let Some(before) = &record.before {
            return self.client.syntax.set(text, &path, before).map(Some).map_err(|source| self.edit(source));
        }
        let mut text = self.unset(&path, text)?;
        let mut value = self.parsed(&text)?;
        if record.made_section
            && at(&value, self.section).and_then(Value::as_object).is_some_and(Map::is_empty)
        {
            text = self.unset(self.section, &text)?;
            value = self.parsed(&text)?;
        }
        let is_empty = value.as_object().is_some_and(Map::is_empty) && !text.contains(['#', '/']);
        Ok(if record.created && is_empty { None } else { Some(text) })
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// Whether a written value has every member of the wanted one, with the same values.
fn has_all(written: &Value, wanted: &Value) -> bool {
    match (written, wanted) {
        (Value::Object(written), Value::Object(wanted)) => wanted.iter().all(|(key, value)| {
            // A list or object without content may as well be left out.
            let empty =
                value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
            written.get(key).map_or(empty, |here| has_all(here, value))
        }),
        _ => written == wanted,
    }
}

fn merged(written: Option<Value>, wanted: Value) -> Value {
    match (written, wanted) {
        (Some(Value::Object(mut written)), Value::Object(wanted)) => {
            for (key, value) in wanted {
                let here = written.remove(&key);
                written.insert(key, merged(here, value));
            }
            Value::Object(written)
        }
        (_, wanted) => wanted,
    }
}
