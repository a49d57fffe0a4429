//! Opens the database: for writing with its tables brought up to date, or for reading alone.
//! The file is this user's alone.

use std::{
    cell::Cell,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use outboard_runtime::journal::StoreFailure;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{
    failure::At,
    migrations,
    options::{Durability, StoreOptions},
};

/// The database of a folder.
pub(crate) fn file(folder: &Path) -> PathBuf {
    folder.join("journal.db")
}

/// Which file the database is: another one may have been put in its place.
pub(crate) fn identity(folder: &Path) -> Option<(u64, u64)> {
    let facts = fs::metadata(file(folder)).ok()?;
    use std::os::unix::fs::MetadataExt as _;
    Some((facts.dev(), facts.ino()))
}

/// Waits until the disk has what was written to the WAL. SQLite holds no locks on that file, which closing it would lose.
pub(crate) fn sync_wal(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder.join("journal.db-wal")) {
        Ok(wal) => wal.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves the WAL into the database as far as nobody reads there.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
}

/// Opens the database for writing, and makes it if it is not there.
pub(crate) fn open(options: &StoreOptions) -> Result<Connection, StoreFailure> {
    let file = file(&options.folder);
    let at = At { file: &file, action: "written" };
    make(&file).map_err(|error| at.io(&error))?;
    let sql = |error: rusqlite::Error| at.sql(&error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&file, flags).map_err(sql)?;
    patience(&mut connection, options.patience).map_err(sql)?;
    prepare(&connection, options).map_err(sql)?;
    migrations::migrate(&mut connection).map_err(|problem| at.migration(&problem))?;
    Ok(connection)
}

/// Opens the database for reading; `None` if there is none.
pub(crate) fn open_to_read(options: &StoreOptions) -> Result<Option<Connection>, StoreFailure> {
    let file = file(&options.folder);
    let at = At { file: &file, action: "read" };
    // One that is there and empty is about to be made.
    if !fs::metadata(&file).is_ok_and(|facts| facts.len() > 0) {
        return Ok(None);
    }
    // Reading a database with a write-ahead log takes the right to write its index.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&file, flags).map_err(|error| at.sql(&error))?;
    connection.busy_timeout(options.patience).map_err(|error| at.sql(&error))?;
    let query_only = connection.pragma_update(None, "query_only", true);
    query_only.map_err(|error| at.sql(&error))?;
    match migrations::check(&connection).map_err(|problem| at.migration(&problem))? {
        migrations::VERSION => Ok(Some(connection)),
        // An older one is brought forward by whoever writes first.
        _ => open(options).map(Some),
    }
}

fn prepare(connection: &Connection, options: &StoreOptions) -> rusqlite::Result<()> {
    connection.pragma_update(None, "auto_vacuum", "incremental")?;
    log_ahead(connection, options.patience)?;
    let synchronous = match options.durability {
        // The log is synced before it is moved into the database, so that a loss of power leaves it whole; a commit
        // hands it to the system and does not wait for the disk.
        Durability::Crash => "normal",
        Durability::Power => "full",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // The log is moved into the database when nobody waits.
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    if let Some(pages) = options.most_pages {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    connection.set_prepared_statement_cache_capacity(32);
    Ok(())
}

/// Has changes written ahead of the database. Of several who ask for that of a new database at once SQLite refuses all but one
/// without waiting, because each reads it already, so the waiting is done here.
fn log_ahead(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "wal") {
            Err(rusqlite::Error::SqliteFailure(failure, _))
                if failure.code == ErrorCode::DatabaseBusy
                    && !IMPATIENT.get()
                    && began.elapsed() < patience =>
            {
                std::thread::park_timeout(Duration::from_millis(1));
            }
            other => return other,
        }
    }
}

thread_local! {
    /// This thread waits for nobody.
    static IMPATIENT: Cell<bool> = const { Cell::new(false) };
}

/// Does something without waiting for others that write: where one writes it fails.
pub(crate) fn impatient<T>(work: impl FnOnce() -> T) -> T {
    struct Patient;
    impl Drop for Patient {
        fn drop(&mut self) {
            IMPATIENT.set(false);
        }
    }
    IMPATIENT.set(true);
    let _patient = Patient;
    work()
}

/// Waits for others that write, in steps that are short at first: they hold the database for microseconds.
fn patience(connection: &mut Connection, patience: Duration) -> rusqlite::Result<()> {
    let mut began = Instant::now();
    connection.busy_handler(Some(move |tries: i32| {
        if IMPATIENT.get() {
            return false;
        }
        if tries == 0 {
            began = Instant::now();
        }
        std::thread::park_timeout(Duration::from_micros(50 << tries.clamp(0, 8)));
        began.elapsed() < patience
    }))
}

/// Makes an empty file for this user alone, unless it is there.
fn make(file: &Path) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}
