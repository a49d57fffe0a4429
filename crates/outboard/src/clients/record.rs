//! What `install` did to which file, so that it can be taken back exactly. Kept in the state directory, for this user
//! alone. Losing it costs exactness: the entry can still be taken out.

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    config::hash,
    state_file::{StateFile, StateProblem},
};

/// Version of the format of `installs.json`. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;

/// What was done to one file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) client: String,
    /// The name under which Outboard was written.
    pub(super) name: String,
    /// Whether there was no file before.
    pub(super) created: bool,
    /// Directories that had to be made for it, outermost first.
    pub(super) directories: Vec<PathBuf>,
    /// Whether the object that holds the servers had to be made.
    pub(super) made_section: bool,
    /// The entry of this name that stood there before.
    pub(super) before: Option<Value>,
    pub(super) splice: Splice,
    /// SHA-256 of the file as it was written.
    pub(super) hash: String,
}

/// The difference between two texts: one stretch of bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Splice {
    at: usize,
    removed: String,
    inserted: String,
}

/// The records of this user.
#[derive(Debug)]
pub(crate) struct Records(StateFile<Stored>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    installs: BTreeMap<PathBuf, Record>,
}

impl Records {
    /// Reads the records of this state directory; none if there never were any.
    pub(crate) fn load(state: &Path) -> Result<Self, StateProblem> {
        StateFile::load(&state.join("installs.json"), FORMAT).map(Self)
    }

    pub(super) fn get(&self, file: &Path) -> Option<&Record> {
        self.0.content.installs.get(file)
    }

    /// Replaces what is recorded of a file.
    pub(super) fn set(&mut self, file: &Path, record: Option<Record>) -> Result<(), StateProblem> {
        match record {
            Some(record) => self.0.content.installs.insert(file.to_owned(), record),
            None => self.0.content.installs.remove(file),
        };
        self.0.save()
    }
}

impl Record {
    /// The text before what was done, if the file is still as it was written.
    pub(super) fn exactly_undone(&self, text: &str) -> Option<String> {
        (hash(text.as_bytes()) == self.hash).then(|| self.splice.undone(text)).flatten()
    }
}

impl Splice {
    /// What changed from one text to the other.
    pub(super) fn between(old: &str, new: &str) -> Self {
        let start = common(old.chars(), new.chars());
        let end = common(old[start..].chars().rev(), new[start..].chars().rev());
        Self {
            at: start,
            removed: old[start..old.len() - end].to_owned(),
            inserted: new[start..new.len() - end].to_owned(),
        }
    }

    fn undone(&self, text: &str) -> Option<String> {
        let place: Range<usize> = self.at..self.at.checked_add(self.inserted.len())?;
        (text.get(place.clone())? == self.inserted)
            .then(|| format!("{}{}{}", &text[..place.start], self.removed, &text[place.end..]))
    }
}

/// The bytes of the characters that both begin with.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_splice_is_undone_to_the_byte() {
        for (old, new) in
            [("", "x"), ("aa", "aaa"), ("{}", "{ü}"), ("aüb", "aöb"), ("abc", ""), ("same", "same")]
        {
            let splice = Splice::between(old, new);
            assert_eq!(splice.undone(new).as_deref(), Some(old), "{old} {new}");
        }
    }

    #[test]
    fn a_newer_or_broken_record_is_an_error_and_stays() {
        let state = tempfile::tempdir().unwrap();
        for content in ["{\"format\":2,\"installs\":{}}", "{", "[]"] {
            std::fs::write(state.path().join("installs.json"), content).unwrap();
            assert!(Records::load(state.path()).is_err(), "{content}");
        }
    }
}
