//! Which project files a person has accepted, each by its path and the hash of its content.
//! A file that changed is a file that nobody accepted.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::private_file;

/// Version of the format of `trust.json`. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;

/// The accepted files of this user.
#[derive(Debug)]
pub(crate) struct Trust {
    path: PathBuf,
    stored: Stored,
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    format: u32,
    accepted: BTreeMap<PathBuf, String>,
}

/// What was accepted cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TrustProblem {
    #[error("read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("understand {}", path.display())]
    Content {
        path: PathBuf,
        #[source]
        source: serde_json::Error,
    },
    #[error("use {}: it has format {found}, this version knows {FORMAT}", path.display())]
    Newer { path: PathBuf, found: u32 },
    #[error("write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Trust {
    /// Where it is kept.
    pub(crate) fn file(state: &Path) -> PathBuf {
        state.join("trust.json")
    }

    /// Reads what was accepted; nothing if nothing ever was.
    pub(crate) fn load(state: &Path) -> Result<Self, TrustProblem> {
        let path = Self::file(state);
        let stored = match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|source| TrustProblem::Content { path: path.clone(), source })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Stored { format: FORMAT, accepted: BTreeMap::new() }
            }
            Err(source) => return Err(TrustProblem::Read { path, source }),
        };
        if stored.format > FORMAT {
            return Err(TrustProblem::Newer { path, found: stored.format });
        }
        Ok(Self { path, stored })
    }

    /// Whether this content of this file was accepted.
    pub(crate) fn accepts(&self, file: &Path, hash: &str) -> bool {
        self.stored.accepted.get(&resolved(file)).is_some_and(|accepted| accepted == hash)
    }

    /// Whether some content of this file was accepted.
    pub(crate) fn knows(&self, file: &Path) -> bool {
        self.stored.accepted.contains_key(&resolved(file))
    }

    /// Accepts this content of this file.
    pub(crate) fn accept(&mut self, file: &Path, hash: String) -> Result<(), TrustProblem> {
        self.stored.accepted.insert(resolved(file), hash);
        self.save()
    }

    /// Takes acceptance back. Tells whether there was any.
    pub(crate) fn revoke(&mut self, file: &Path) -> Result<bool, TrustProblem> {
        let was = self.stored.accepted.remove(&resolved(file)).is_some();
        self.save()?;
        Ok(was)
    }

    fn save(&self) -> Result<(), TrustProblem> {
        let failed = |source| TrustProblem::Write { path: self.path.clone(), source };
        let text = serde_json::to_vec_pretty(&self.stored).map_err(|error| failed(error.into()))?;
        private_file::write(&self.path, &text).map_err(failed)
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
