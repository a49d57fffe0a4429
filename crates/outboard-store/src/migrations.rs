//! The tables, as steps from one version of the database to the next. A step that was released never changes.
//!
//! The version stands in `user_version`. An older database is brought forward in one transaction; a newer one is refused
//! and left alone, so an older Outboard neither reads nor writes what it does not understand.

use rusqlite::{Connection, TransactionBehavior};

/// Each step brings the database from the version of its index to the next.
const STEPS: &[&str] = &[
    include_str!("migrations/1.sql"),
    include_str!("migrations/2.sql"),
    include_str!("migrations/3.sql"),
    include_str!("migrations/4.sql"),
];

/// Says how far this version can read.
pub(crate) const VERSION: usize = STEPS.len();

/// A database cannot be brought to the present version.
#[derive(Debug)]
pub(crate) enum MigrationProblem {
    /// It is newer.
    Newer(usize),
    /// A step failed.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for MigrationProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Brings the database to the present version.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), MigrationProblem> {
    if check(connection)? == VERSION {
        return Ok(());
    }
    // Another process may have done it meanwhile: the version is read again under the lock.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in &STEPS[check(&transaction)?..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", i64::try_from(VERSION).unwrap_or(i64::MAX))?;
    Ok(transaction.commit()?)
}

/// The version of the database; one that is newer than ours is refused.
pub(crate) fn check(connection: &Connection) -> Result<usize, MigrationProblem> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > VERSION { Err(MigrationProblem::Newer(version)) } else { Ok(version) }
}
