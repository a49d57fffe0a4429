//! From SQLite's errors to what a person is told: what kind of trouble it is, and what to do about it.
//! It knows no paths but the database's.

use std::{io, path::Path};

use outboard_runtime::journal::{StoreFailure, StoreTrouble};
use rusqlite::{Error, ErrorCode};

use crate::{
    migrations::{MigrationProblem, VERSION},
    runs::AppendProblem,
};

/// Where things go wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) file: &'a Path,
    /// `written` or `read`.
    pub(crate) action: &'static str,
}

impl At<'_> {
    pub(crate) fn failure(self, trouble: StoreTrouble, reason: impl Into<String>) -> StoreFailure {
        StoreFailure { trouble, action: self.action, reason: reason.into() }
    }

    pub(crate) fn sql(self, error: &Error) -> StoreFailure {
        let file = self.file.display();
        let (trouble, reason) = match code(error) {
            Some(ErrorCode::DiskFull) => (
                StoreTrouble::Full,
                format!("there is no room for {file}: make room, or `outboard runs prune`"),
            ),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => (
                StoreTrouble::Locked,
                format!("another process holds {file} and does not let go: end it, and try again"),
            ),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
                StoreTrouble::Damaged,
                format!(
                    "{file} is damaged ({error}): move it away, with {file}-wal and {file}-shm, to begin a new one"
                ),
            ),
            Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
                (StoreTrouble::Other, format!("{file} cannot be opened ({error}): look at its permissions"))
            }
            _ => (StoreTrouble::Other, format!("{file}: {error}")),
        };
        self.failure(trouble, reason)
    }

    pub(crate) fn migration(self, problem: &MigrationProblem) -> StoreFailure {
        match problem {
            MigrationProblem::Newer(version) => self.failure(
                StoreTrouble::Newer,
                format!(
                    "{} has format {version}, this Outboard knows up to {VERSION}: use the newer Outboard that wrote it",
                    self.file.display()
                ),
            ),
            MigrationProblem::Sql(error) => self.sql(error),
        }
    }

    pub(crate) fn io(self, error: &io::Error) -> StoreFailure {
        self.failure(trouble_of(error), format!("{}: {error}", self.file.display()))
    }

    /// A failure that names its own file.
    pub(crate) fn log(self, error: &io::Error) -> StoreFailure {
        self.failure(trouble_of(error), error.to_string())
    }

    pub(crate) fn append(self, problem: AppendProblem) -> StoreFailure {
        match problem {
            AppendProblem::Sql(error) => self.sql(&error),
            AppendProblem::Json(error) => self.failure(StoreTrouble::Other, error.to_string()),
        }
    }

    pub(crate) fn damaged(self, what: &str) -> StoreFailure {
        self.failure(StoreTrouble::Damaged, format!("{} is damaged: {what}", self.file.display()))
    }
}

fn trouble_of(error: &io::Error) -> StoreTrouble {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreTrouble::Full,
        _ => StoreTrouble::Other,
    }
}

fn code(error: &Error) -> Option<ErrorCode> {
    error.sqlite_error_code()
}

/// Whether the same would work for other appends: the fault lies not in the disk or the database.
pub(crate) fn is_of_one_append(trouble: StoreTrouble) -> bool {
    matches!(trouble, StoreTrouble::Other)
}
