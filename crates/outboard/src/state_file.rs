//! A file of what Outboard remembers for this user: JSON with the version of its format, read and replaced whole.
//! A newer format is refused and never overwritten. What stands in it is its owner's matter.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::private_file;

/// One file with its content in memory.
#[derive(Debug)]
pub(crate) struct StateFile<T> {
    path: PathBuf,
    format: u32,
    pub(crate) content: T,
}

#[derive(Serialize)]
struct Stored<T> {
    format: u32,
    #[serde(flatten)]
    content: T,
}

/// What is read of a file first: a newer format may have another content.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

/// A file of state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StateProblem {
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
    #[error("use {}: it has format {found}, this version knows {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    #[error("write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl<T: Default + Serialize + DeserializeOwned> StateFile<T> {
    /// Reads the file, whose format is known up to `format`; the default content if it never was there. Members that `T`
    /// does not have are passed over and not held.
    pub(crate) fn load(path: &Path, format: u32) -> Result<Self, StateProblem> {
        let path = path.to_owned();
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path, format, content: T::default() });
            }
            Err(source) => return Err(StateProblem::Read { path, source }),
        };
        let wrong = |source| StateProblem::Content { path: path.clone(), source };
        let found = serde_json::from_slice::<Versioned>(&bytes).map_err(wrong)?.format;
        if found > format {
            return Err(StateProblem::Newer { path, found, known: format });
        }
        let content = serde_json::from_slice(&bytes).map_err(wrong)?;
        Ok(Self { path, format, content })
    }

    /// Replaces the file by the content.
    pub(crate) fn save(&self) -> Result<(), StateProblem> {
        let failed = |source| StateProblem::Write { path: self.path.clone(), source };
        let stored = Stored { format: self.format, content: &self.content };
        let text = serde_json::to_vec_pretty(&stored).map_err(|error| failed(error.into()))?;
        private_file::write(&self.path, &text).map_err(failed)
    }
}
