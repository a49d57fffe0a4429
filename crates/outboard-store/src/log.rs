//! A log beside the database, of each owner one: a write makes durable what a call waits for, and the database is brought up
//! to it later. Whoever takes runs over fences the log before reading it, and its owner looks for the fence after each write:
//! either it sees the fence and makes no call, or the other one sees the record. The owner's row says up to which record
//! they are in the database, so each is brought in once, whoever does it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{Ordering, fence},
    },
    time::{Duration, UNIX_EPOCH},
};

use outboard_runtime::{
    ids::RunId,
    journal::{Event, Lease},
};
use serde::{Deserialize, Serialize};

/// Length and checksum of what follows.
const HEAD: usize = 8;
/// Bytes of a log that is read: its owner keeps it far below.
const LONGEST: u64 = 1 << 30;
/// Bytes of a log that goes on although it could be emptied.
const SHORT: u64 = 8 << 20;
/// So long after it was made a file may be one of an owner that is beginning.
const YOUNG: Duration = Duration::from_secs(60);

/// Events of one run, as they were appended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Grows by one with each record of an owner.
    pub(crate) no: i64,
    run: RunId,
    fence: u64,
    /// Something was taken out of the events.
    redacted: bool,
    events: Vec<Event>,
}

/// What was logged of one run.
#[derive(Debug)]
pub(crate) struct Logged {
    pub(crate) lease: Lease,
    pub(crate) events: Vec<Event>,
    pub(crate) redacted: bool,
}

impl Record {
    pub(crate) fn new(no: i64, lease: &Lease, redacted: bool, events: Vec<Event>) -> Self {
        Self { no, run: lease.run.clone(), fence: lease.fence, redacted, events }
    }

    pub(crate) fn run(&self) -> &RunId {
        &self.run
    }
}

/// The records after the last that is in the database. After a loss of power the database may be older than the log: with
/// a hole between them, nothing of the log counts.
pub(crate) fn after(drained: i64, records: &[Record]) -> impl Iterator<Item = &Record> {
    let new = records.iter().filter(move |record| record.no > drained);
    new.zip(drained + 1..).take_while(|(record, no)| record.no == *no).map(|(record, _)| record)
}

/// What records hold of each run.
pub(crate) fn by_run<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<Logged> {
    let mut all: Vec<Logged> = Vec::new();
    for Record { run, fence, redacted, events, .. } in records {
        let events = events.iter().cloned();
        match all.iter_mut().find(|known| known.lease.run == *run && known.lease.fence == *fence) {
            Some(known) => {
                known.events.extend(events);
                known.redacted |= redacted;
            }
            None => {
                let lease = Lease { run: run.clone(), fence: *fence };
                all.push(Logged { lease, events: events.collect(), redacted: *redacted });
            }
        }
    }
    all
}

/// The log of this process.
#[derive(Debug)]
pub(crate) struct Log {
    file: File,
    fence: Fence,
    length: u64,
}

/// What a log holds.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) records: Vec<Record>,
    /// Something behind them is not as it was written.
    pub(crate) is_damaged: bool,
}

impl Log {
    /// Begins the log of an owner.
    pub(crate) fn create(folder: &Path, owner: &str) -> io::Result<Self> {
        let path = path(folder, owner, LOG);
        let file = of_this_user().create_new(true).open(&path).map_err(|error| of(&path, &error))?;
        Ok(Self { file, fence: Fence::of(folder, owner)?, length: 0 })
    }

    /// Writes records. After a failure some of them may be there all the same. Whether they count says
    /// [`is_fenced`](Self::is_fenced) afterwards.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(256);
        for record in records {
            let at = bytes.len();
            bytes.extend_from_slice(&[0; HEAD]);
            serde_json::to_writer(&mut bytes, record)?;
            let body = &bytes[at + HEAD..];
            let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
            let sum = crc32fast::hash(body);
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
            bytes[at + 4..at + HEAD].copy_from_slice(&sum.to_le_bytes());
        }
        self.file.write_all(&bytes)?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Whether somebody has put a fence there that was not taken away.
    pub(crate) fn is_fenced(&self) -> bool {
        self.fence.is_up()
    }

    /// What says whether it is fenced.
    pub(crate) fn fence(&self) -> Fence {
        self.fence.clone()
    }

    /// Takes the fence away.
    pub(crate) fn unfence(&self) -> io::Result<()> {
        self.fence.0.set_len(0)
    }

    /// Empties the log, all of which is in the database.
    pub(crate) fn empty(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.length = 0;
        Ok(())
    }

    /// Whether it may go on although it could be emptied.
    pub(crate) fn is_short(&self) -> bool {
        self.length < SHORT
    }

    /// Whether nothing was written since it was emptied.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }
}

/// A file that is a fence while there is something in it. It stays as long as its owner, which looks before each call, and
/// so need not find it each time.
#[derive(Clone, Debug)]
pub(crate) struct Fence(Arc<File>);

impl Fence {
    fn of(folder: &Path, owner: &str) -> io::Result<Self> {
        let path = path(folder, owner, FENCE);
        let mut options = of_this_user();
        // Others may have put one up before the owner begins its log.
        let opened = options.read(true).create(true).truncate(false).open(&path);
        opened.map(|file| Self(Arc::new(file))).map_err(|error| of(&path, &error))
    }

    /// Whether it is up. One that cannot be told is.
    pub(crate) fn is_up(&self) -> bool {
        // What was written is there before this looks.
        fence(Ordering::SeqCst);
        !matches!(self.0.read_at(&mut [0], 0), Ok(0))
    }
}

/// Fences the log of another owner and reads it. Nothing that its owner writes afterwards counts for it.
pub(crate) fn take_over(folder: &Path, owner: &str) -> io::Result<Contents> {
    // Also where there is no log yet: its owner may be about to begin it.
    Fence::of(folder, owner)?.0.write_all_at(b"!", 0)?;
    fence(Ordering::SeqCst);
    look(folder, owner)
}

/// Reads the log of an owner that may be writing it.
///
/// # Errors
/// When it cannot be read, or holds what only a later version understands.
pub(crate) fn look(folder: &Path, owner: &str) -> io::Result<Contents> {
    let path = path(folder, owner, LOG);
    let mut bytes = Vec::new();
    match File::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => {
            let read = opened.and_then(|log| log.take(LONGEST).read_to_end(&mut bytes));
            read.map_err(|error| of(&path, &error))?;
        }
    }
    contents(&bytes).map_err(|error| {
        let what =
            format!("it holds what this version does not know ({error}): use the Outboard that wrote it");
        of(&path, &io::Error::new(io::ErrorKind::InvalidData, what))
    })
}

/// The records. The last may be a part: it was being written when its owner was killed, and no call rests on it. After a
/// loss of power there may be anything at the end.
fn contents(mut bytes: &[u8]) -> Result<Contents, serde_json::Error> {
    let mut records = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk() {
        let Some((sum, rest)) = rest.split_first_chunk() else { break };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((body, rest)) = rest.split_at_checked(length) else { break };
        if body.is_empty() || crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Ok(Contents { records, is_damaged: true });
        }
        records.push(serde_json::from_slice(body)?);
        bytes = rest;
    }
    Ok(Contents { records, is_damaged: false })
}

/// The owners whose logs hold something.
pub(crate) fn owners(folder: &Path) -> Vec<String> {
    of_files(folder, |facts, end| end == LOG && facts.len() > 0)
}

/// The owners that have had files for a while and nothing in them. One that is just beginning has made its lock and not
/// taken it yet.
pub(crate) fn empty(folder: &Path) -> Vec<String> {
    let is_young =
        |facts: &fs::Metadata| facts.modified().is_ok_and(|then| then.elapsed().is_ok_and(|age| age < YOUNG));
    let mut old = of_files(folder, |_, end| [LOG, FENCE, LOCK].contains(&end));
    let others = of_files(folder, |facts, end| end == LOG && facts.len() > 0 || is_young(facts));
    old.sort_unstable();
    old.dedup();
    old.retain(|owner| !others.contains(owner));
    old
}

/// The owners that have a file of which `is_meant` says so, by what is known of it and what it ends in.
fn of_files(folder: &Path, is_meant: impl Fn(&fs::Metadata, &str) -> bool) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let owner = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let (owner, end) = name.to_str()?.strip_prefix("owner-")?.rsplit_once('.')?;
        is_meant(&entry.metadata().ok()?, end).then(|| owner.to_owned())
    };
    entries.filter_map(Result::ok).filter_map(owner).collect()
}

/// When something was last written to a log, in milliseconds since 1970.
pub(crate) fn written(folder: &Path, owner: &str) -> Option<i64> {
    let changed = fs::metadata(path(folder, owner, LOG)).and_then(|facts| facts.modified()).ok()?;
    i64::try_from(changed.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

/// Empties the log of an owner that is gone, all of which is in the database. What cannot be read of it is kept aside.
pub(crate) fn settle(folder: &Path, owner: &str) {
    let log = path(folder, owner, LOG);
    let settled = match look(folder, owner) {
        Ok(Contents { is_damaged: true, .. }) => fs::rename(&log, path(folder, owner, "damaged")),
        _ => OpenOptions::new().write(true).open(&log).and_then(|log| log.set_len(0)),
    };
    if let Err(error) = settled.or_else(unless_absent) {
        tracing::debug!(%error, owner, "the log of another Outboard stays");
    }
}

/// Removes the files of an owner that is gone and has nothing in them. Its lock goes last: without it nobody would come
/// back for the others.
pub(crate) fn remove(folder: &Path, owner: &str) {
    for end in [LOG, FENCE, LOCK] {
        if let Err(error) = fs::remove_file(path(folder, owner, end)).or_else(unless_absent) {
            tracing::debug!(%error, owner, "a file of an Outboard that has gone stays");
        }
    }
}

const LOG: &str = "log";
const FENCE: &str = "fence";
const LOCK: &str = "lock";

fn path(folder: &Path, owner: &str, end: &str) -> PathBuf {
    folder.join(format!("owner-{owner}.{end}"))
}

fn of_this_user() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

fn unless_absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use outboard_runtime::{journal::Ending, json::Json};

    use super::*;

    fn record(no: i64) -> Record {
        let ended = Event::Ended(Ending::Value(Some(Json::string(&"x".repeat(100)))));
        Record::new(no, &Lease::first("r1".into()), no % 2 == 0, vec![ended])
    }

    #[test]
    fn what_was_written_is_read_until_it_is_emptied() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "a").unwrap();
        assert!(owners(folder.path()).is_empty() && log.is_empty());
        log.append(&[record(1), record(2)]).unwrap();
        log.append(&[record(3)]).unwrap();
        assert_eq!(owners(folder.path()), ["a"]);
        assert_eq!(take_over(folder.path(), "a").unwrap().records, [record(1), record(2), record(3)]);
        log.empty().unwrap();
        log.append(&[record(4)]).unwrap();
        assert_eq!(take_over(folder.path(), "a").unwrap().records, [record(4)]);
        settle(folder.path(), "a");
        assert!(owners(folder.path()).is_empty());
        remove(folder.path(), "a");
        assert_eq!(look(folder.path(), "a").unwrap().records, []);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn files_of_owners_that_are_not_just_beginning_and_left_nothing_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let old = std::time::SystemTime::now() - 2 * YOUNG;
        for (owner, end, words, is_old) in [
            ("a", LOCK, "", true),
            ("a", LOG, "", true),
            ("b", LOG, "x", true),
            ("c", LOCK, "", false),
            ("d", FENCE, "", true),
            ("d", LOCK, "", false),
        ] {
            let path = path(folder.path(), owner, end);
            fs::write(&path, words).unwrap();
            if is_old {
                File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
            }
        }
        fs::write(folder.path().join("journal.db"), "").unwrap();
        assert_eq!(
            (empty(folder.path()), owners(folder.path())),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
    }

    #[test]
    fn whoever_reads_it_is_seen_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "a").unwrap();
        log.append(&[record(1)]).unwrap();
        assert!(!log.is_fenced());
        take_over(folder.path(), "a").unwrap();
        assert!(log.is_fenced());
        log.unfence().unwrap();
        assert!(!log.is_fenced());
        log.unfence().unwrap();
    }

    #[test]
    fn a_part_of_a_record_ends_the_log_and_a_damaged_one_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "a").unwrap();
        log.append(&[record(1)]).unwrap();
        let first = usize::try_from(log.length).unwrap();
        log.append(&[record(2)]).unwrap();
        let path = path(folder.path(), "a", LOG);
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            let read = contents(&whole[..length]).unwrap();
            let expected = if length < first { vec![] } else { vec![record(1)] };
            assert_eq!((read.records, read.is_damaged), (expected, false), "{length}");
        }
        for at in first..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            let read = contents(&damaged).unwrap();
            // A length that leads beyond the end looks like a part.
            assert_eq!((read.records, read.is_damaged), (vec![record(1)], read.is_damaged), "{at}");
            assert!(read.is_damaged || at < first + 4, "{at}");
        }
        let empty = [&whole[..first], &[0; 64]].concat();
        assert!(contents(&empty).unwrap().is_damaged);
        fs::write(&path, &empty).unwrap();
        settle(folder.path(), "a");
        assert_eq!(fs::read(self::path(folder.path(), "a", "damaged")).unwrap(), empty);
    }

    #[test]
    fn what_a_later_version_wrote_is_an_error_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let body = br#"{"no":1,"run":"r1","fence":1,"redacted":false,"events":[{"later":1}]}"#;
        let length = u32::try_from(body.len()).unwrap();
        let bytes = [&length.to_le_bytes()[..], &crc32fast::hash(body).to_le_bytes(), body].concat();
        fs::write(path(folder.path(), "a", LOG), &bytes).unwrap();
        let error = take_over(folder.path(), "a").unwrap_err().to_string();
        assert!(error.contains("owner-a.log: it holds what this version does not know"), "{error}");
    }

    #[test]
    #[cfg(unix)]
    fn its_files_are_this_users_alone() {
        let folder = tempfile::tempdir().unwrap();
        let _log = Log::create(folder.path(), "a").unwrap();
        take_over(folder.path(), "a").unwrap();
        for end in [LOG, FENCE] {
            let mode = fs::metadata(path(folder.path(), "a", end)).unwrap().permissions();
            assert_eq!(std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777, 0o600, "{end}");
        }
    }
}
