//! Which project files a person has accepted, each by its path and the hash of its content.
//! A file that changed is a file that nobody accepted.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::state_file::{StateFile, StateProblem};

/// Version of the format of `trust.json`. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;

/// The accepted files of this user.
#[derive(Debug)]
pub(crate) struct Trust(StateFile<Stored>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Stored {
    accepted: BTreeMap<PathBuf, String>,
}

impl Trust {
    /// Where it is kept.
    pub(crate) fn file(state: &Path) -> PathBuf {
        state.join("trust.json")
    }

    /// Reads what was accepted; nothing if nothing ever was.
    pub(crate) fn load(state: &Path) -> Result<Self, StateProblem> {
        StateFile::load(&Self::file(state), FORMAT).map(Self)
    }

    /// Whether this content of this file was accepted.
    pub(crate) fn accepts(&self, file: &Path, hash: &str) -> bool {
        self.0.content.accepted.get(&resolved(file)).is_some_and(|accepted| accepted == hash)
    }

    /// Whether some content of this file was accepted.
    pub(crate) fn knows(&self, file: &Path) -> bool {
        self.0.content.accepted.contains_key(&resolved(file))
    }

    /// Accepts this content of this file.
    pub(crate) fn accept(&mut self, file: &Path, hash: String) -> Result<(), StateProblem> {
        self.0.content.accepted.insert(resolved(file), hash);
        self.0.save()
    }

    /// Takes acceptance back. Tells whether there was any.
    pub(crate) fn revoke(&mut self, file: &Path) -> Result<bool, StateProblem> {
        let was = self.0.content.accepted.remove(&resolved(file)).is_some();
        self.0.save()?;
        Ok(was)
    }
}

/// One name for one file, whatever links lead to it.
fn resolved(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acceptance_holds_for_exactly_one_content_and_can_be_taken_back() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("project.json");
        std::fs::write(&file, "{}").unwrap();
        let mut trust = Trust::load(state.path()).unwrap();
        assert!(!trust.accepts(&file, "aa") && !trust.knows(&file));
        trust.accept(&file, "aa".to_owned()).unwrap();
        let again = Trust::load(state.path()).unwrap();
        assert!(again.accepts(&file, "aa") && !again.accepts(&file, "bb") && again.knows(&file));
        assert!(trust.revoke(&file).unwrap() && !trust.revoke(&file).unwrap());
        assert!(!Trust::load(state.path()).unwrap().knows(&file));
    }

    #[test]
    fn a_newer_or_broken_store_is_an_error_and_not_an_empty_one() {
        let state = tempfile::tempdir().unwrap();
        for content in ["{\"format\":2,\"accepted\":{}}", "{", "[]"] {
            std::fs::write(state.path().join("trust.json"), content).unwrap();
            assert!(Trust::load(state.path()).is_err(), "{content}");
        }
    }
}
