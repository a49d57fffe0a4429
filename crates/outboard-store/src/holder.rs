//! This process as an owner of runs, and whether another one is still there.
//!
//! An owner holds the lock of a file of its own, which the system lets go when its process ends, and renews its leases by
//! counting up. A lease has expired when its owner's lock is free, or when nothing was counted for [`LEASE`] by the watch
//! of whoever looks. The date plays no part, so neither setting the clock nor a sleeping machine expires a lease.

use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::{job::After, log, options::StoreOptions};

/// Without a renewal for so long a lease has expired.
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// Between two renewals.
pub(crate) const RENEWAL: Duration = Duration::from_secs(5);

/// This process as an owner of runs.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) no: i64,
    /// Names its files.
    pub(crate) id: String,
    folder: PathBuf,
    /// Held until the process ends.
    _lock: File,
}

/// Why there is no holder.
#[derive(Debug)]
pub(crate) enum NoHolder {
    Io(io::Error),
    Sql(rusqlite::Error),
}

impl Holder {
    /// Enters this process among the owners.
    pub(crate) fn enter(connection: &Connection, folder: &Path) -> Result<Self, NoHolder> {
        let id = random_name().map_err(NoHolder::Io)?;
        let file = lock_file(folder, &id);
        let lock = locked(&file).map_err(NoHolder::Io)?;
        let mut insert = connection
            .prepare_cached("INSERT INTO owners (id, beat) VALUES (?1, 0) RETURNING no")
            .map_err(NoHolder::Sql)?;
        let entered = insert.query_row([&id], |row| row.get(0));
        match entered {
            Ok(no) => Ok(Self { no, id, folder: folder.to_owned(), _lock: lock }),
            Err(error) => {
                // Nobody knows the file.
                let _ = fs::remove_file(&file);
                Err(NoHolder::Sql(error))
            }
        }
    }

    /// Whether this database knows it.
    pub(crate) fn is_known(&self, connection: &Connection) -> rusqlite::Result<bool> {
        connection.prepare("SELECT 1 FROM owners WHERE no = ?1 AND id = ?2")?.exists((self.no, &self.id))
    }

    /// Renews the leases of all runs that it owns.
    pub(crate) fn renew(&self, connection: &Connection) -> rusqlite::Result<()> {
        renew(connection, self.no)
    }

    /// Takes this process out of the owners, with what it asked; runs that it still owns have nobody then.
    pub(crate) fn leave(self, connection: &Connection) {
        // Its number is given anew: whoever gets it would seem to have asked them.
        if connection.execute("DELETE FROM questions WHERE holder = ?1", [self.no]).is_err() {
            return;
        }
        let left = connection.execute(
            "DELETE FROM owners WHERE no = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE holder = ?1)",
            [self.no],
        );
        if matches!(left, Ok(1)) {
            // Somebody else's look at it may have removed them already.
            log::remove(&self.folder, &self.id);
        }
    }
}

/// Renews the leases of all runs of an owner. One that owned nothing did not count meanwhile, so whoever looked at it
/// before would take its next run for given up: it counts in the step that gives it a run.
pub(crate) fn renew(connection: &Connection, no: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE owners SET beat = beat + 1 WHERE no = ?1")?.execute([no])?;
    Ok(())
}

/// What is known of other owners from looking at them, by name: the number of one that is gone is given anew.
#[derive(Debug, Default)]
pub(crate) struct Watch(HashMap<String, (i64, Instant)>);

impl Watch {
    /// Whether the leases of this owner have expired.
    pub(crate) fn expired(
        &mut self,
        connection: &Connection,
        options: &StoreOptions,
        no: i64,
    ) -> rusqlite::Result<bool> {
        self.expired_at(Instant::now(), connection, options, no)
    }

    fn expired_at(
        &mut self,
        now: Instant,
        connection: &Connection,
        options: &StoreOptions,
        no: i64,
    ) -> rusqlite::Result<bool> {
        let known: Option<(String, i64)> = connection
            .prepare_cached("SELECT id, beat FROM owners WHERE no = ?1")?
            .query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, beat)) = known else { return Ok(true) };
        if is_free(&lock_file(&options.folder, &id)) {
            self.0.remove(&id);
            return Ok(true);
        }
        let (seen, since) = self.0.entry(id).or_insert((beat, now));
        if *seen != beat {
            (*seen, *since) = (beat, now);
        }
        Ok(now.duration_since(*since) > options.lease)
    }
}

/// Whether the process of this owner has ended. One that owns no runs counts nothing, so its lock alone says it.
pub(crate) fn has_ended(connection: &Connection, folder: &Path, no: i64) -> rusqlite::Result<bool> {
    let id: Option<String> = connection
        .prepare_cached("SELECT id FROM owners WHERE no = ?1")?
        .query_row([no], |row| row.get(0))
        .optional()?;
    Ok(id.is_none_or(|id| is_free(&lock_file(folder, &id))))
}

/// Whether the process of an owner has ended.
pub(crate) fn is_gone(folder: &Path, id: &str) -> bool {
    is_free(&lock_file(folder, id))
}

/// The number of the last record of an owner's log that is in the database.
pub(crate) fn drained(connection: &Connection, no: i64) -> rusqlite::Result<i64> {
    let mut select = connection.prepare_cached("SELECT drained FROM owners WHERE no = ?1")?;
    Ok(select.query_row([no], |row| row.get(0)).optional()?.unwrap_or(0))
}

/// From now on the records up to this number are in the database.
pub(crate) fn set_drained(connection: &Connection, no: i64, record: i64) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE owners SET drained = ?2 WHERE no = ?1")?.execute([no, record])?;
    Ok(())
}

/// Removes an owner that is gone and owns nothing any more, with what it asked; `Some`, if its files are to go once that
/// stands. One that is only slow keeps its number: it may own runs again.
pub(crate) fn bury(transaction: &Transaction<'_>, folder: &Path, no: i64) -> rusqlite::Result<Option<After>> {
    let idle: Option<String> = transaction
        .prepare_cached(
            "SELECT id FROM owners WHERE no = ?1 AND NOT EXISTS (SELECT 1 FROM runs WHERE holder = ?1)",
        )?
        .query_row([no], |row| row.get(0))
        .optional()?;
    let Some(id) = idle.filter(|id| is_gone(folder, id)) else { return Ok(None) };
    transaction.execute("DELETE FROM owners WHERE no = ?1", [no])?;
    transaction.execute("DELETE FROM questions WHERE holder = ?1", [no])?;
    Ok(Some(After::Remove(id)))
}

/// The same for all: those that owned nothing when they were killed are nobody's to take over.
pub(crate) fn bury_all(transaction: &Transaction<'_>, folder: &Path) -> rusqlite::Result<Vec<After>> {
    let mut select = transaction.prepare_cached("SELECT no FROM owners")?;
    let all = select.query_map([], |row| row.get::<_, i64>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    all.into_iter().filter_map(|no| bury(transaction, folder, no).transpose()).collect()
}

/// Files of owners that are not known any more and left nothing: they were killed while they went.
pub(crate) fn nobodys(transaction: &Transaction<'_>, folder: &Path) -> rusqlite::Result<Vec<After>> {
    let mut known = transaction.prepare_cached("SELECT 1 FROM owners WHERE id = ?1")?;
    let mut nobodys = Vec::new();
    for id in log::empty(folder) {
        if is_gone(folder, &id) && !known.exists([&id])? {
            nobodys.push(After::Remove(id));
        }
    }
    Ok(nobodys)
}

fn lock_file(folder: &Path, id: &str) -> PathBuf {
    folder.join(format!("owner-{id}.lock"))
}

fn locked(file: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(file)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::Error(error) => error,
        TryLockError::WouldBlock => io::ErrorKind::WouldBlock.into(),
    })?;
    Ok(lock)
}

/// Whether nobody holds the lock. One that cannot be told counts as held.
fn is_free(file: &Path) -> bool {
    match File::options().write(true).open(file) {
        Ok(lock) => lock.try_lock().is_ok(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

fn random_name() -> io::Result<String> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations;

    #[test]
    fn a_lease_expires_when_nothing_is_counted_for_so_long_and_at_once_when_its_owner_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut connection).unwrap();
        let holder = Holder::enter(&connection, folder.path()).unwrap();
        let options = StoreOptions::new(folder.path());
        let (no, started, mut watch) = (holder.no, Instant::now(), Watch::default());
        let mut expired = |connection: &Connection, after: Duration| {
            watch.expired_at(started + after, connection, &options, no).unwrap()
        };
        // What counts is how long somebody watched, not how long ago it was entered.
        assert!(!expired(&connection, LEASE * 10));
        assert!(!expired(&connection, LEASE * 11));
        holder.renew(&connection).unwrap();
        assert!(!expired(&connection, LEASE * 12));
        assert!(!expired(&connection, LEASE * 13));
        assert!(expired(&connection, LEASE * 13 + RENEWAL));
        // It was only slow.
        holder.renew(&connection).unwrap();
        assert!(!expired(&connection, LEASE * 14));
        drop(holder);
        assert!(expired(&connection, LEASE * 14));
    }

    #[test]
    fn owners_that_are_gone_and_own_nothing_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = Connection::open_in_memory().unwrap();
        migrations::migrate(&mut connection).unwrap();
        let here = Holder::enter(&connection, folder.path()).unwrap();
        let gone = Holder::enter(&connection, folder.path()).unwrap();
        let (id, file) = (gone.id.clone(), lock_file(folder.path(), &gone.id));
        drop(gone);
        assert!(file.exists(), "it was killed");
        let transaction = connection.transaction().unwrap();
        let after = bury_all(&transaction, folder.path()).unwrap();
        assert!(matches!(&after[..], [After::Remove(of)] if *of == id) && file.exists());
        transaction.commit().unwrap();
        log::remove(folder.path(), &id);
        let left: i64 = connection.query_row("SELECT count(*) FROM owners", [], |row| row.get(0)).unwrap();
        assert!(here.is_known(&connection).unwrap() && left == 1 && !file.exists());
    }
}
