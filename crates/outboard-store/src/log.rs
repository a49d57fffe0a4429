//! A log beside the database, of each owner one: a write makes durable what a call waits for, and the database is brought up
//! to it later. Whoever takes runs over fences the log before reading it, and its owner looks for the fence after each write:
//! either it sees the fence and makes no call, or the other one sees the record. The owner's row says up to which record
//! they are in the database, so each is brought in once, whoever does it.

use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{Ordering, fence},
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
    fence: PathBuf,
    length: u64,
    /// There may be a part of a record at its end, behind which nothing would be read.
    torn: bool,
}

impl Log {
    /// Begins the log of an owner.
    pub(crate) fn create(folder: &Path, owner: &str) -> io::Result<Self> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(file(folder, owner))?;
        Ok(Self { file, fence: fence_file(folder, owner), length: 0, torn: false })
    }

    /// Writes records, all or nothing. Whether they count says [`is_fenced`](Self::is_fenced) afterwards.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if self.torn {
            self.cut(self.length)?;
        }
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
        self.file.write_all(&bytes).inspect_err(|_| self.torn = true)?;
        self.length += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Whether somebody has fenced the log since it was begun anew.
    pub(crate) fn is_fenced(&self) -> bool {
        // What was written is there before this looks.
        fence(Ordering::SeqCst);
        self.fence.try_exists().unwrap_or(true)
    }

    /// Takes the fence away: this owner has seen it.
    pub(crate) fn unfence(&self) -> io::Result<()> {
        match fs::remove_file(&self.fence) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Empties the log, all of which is in the database.
    pub(crate) fn empty(&mut self) -> io::Result<()> {
        if self.length > 0 || self.torn { self.cut(0) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        (self.length, self.torn) = (length, false);
        Ok(())
    }
}

/// Fences the log of another owner and reads it. Nothing that its owner writes afterwards counts for it.
pub(crate) fn take_over(folder: &Path, owner: &str) -> io::Result<Vec<Record>> {
    // Also where there is no log yet: its owner may be about to begin it.
    File::create(fence_file(folder, owner))?;
    fence(Ordering::SeqCst);
    look(folder, owner)
}

/// Reads the log of an owner that may be writing it.
pub(crate) fn look(folder: &Path, owner: &str) -> io::Result<Vec<Record>> {
    let log = match File::open(file(folder, owner)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    log.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(records(&bytes))
}

/// The records up to the first that is not whole: it was being written when its owner was killed, and no call rests on it.
fn records(mut bytes: &[u8]) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some((record, rest)) = split(bytes) {
        records.push(record);
        bytes = rest;
    }
    records
}

fn split(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (sum, rest) = rest.split_first_chunk()?;
    let (body, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let whole = crc32fast::hash(body) == u32::from_le_bytes(*sum);
    let record = whole.then(|| serde_json::from_slice(body).ok()).flatten()?;
    Some((record, rest))
}

/// The owners whose logs hold something.
pub(crate) fn owners(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let owner = |entry: fs::DirEntry| {
        let name = entry.file_name();
        let owner = name.to_str()?.strip_prefix("owner-")?.strip_suffix(".log")?;
        (entry.metadata().ok()?.len() > 0).then(|| owner.to_owned())
    };
    entries.filter_map(Result::ok).filter_map(owner).collect()
}

/// Removes the log of an owner that is gone.
pub(crate) fn remove(folder: &Path, owner: &str) {
    for file in [file(folder, owner), fence_file(folder, owner)] {
        // Most owners leave none.
        let _ = fs::remove_file(file);
    }
}

fn file(folder: &Path, owner: &str) -> PathBuf {
    folder.join(format!("owner-{owner}.log"))
}

fn fence_file(folder: &Path, owner: &str) -> PathBuf {
    folder.join(format!("owner-{owner}.fence"))
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
        assert!(owners(folder.path()).is_empty());
        log.append(&[record(1), record(2)]).unwrap();
        log.append(&[record(3)]).unwrap();
        assert_eq!(owners(folder.path()), ["a"]);
        assert_eq!(take_over(folder.path(), "a").unwrap(), [record(1), record(2), record(3)]);
        log.empty().unwrap();
        log.append(&[record(4)]).unwrap();
        assert_eq!(take_over(folder.path(), "a").unwrap(), [record(4)]);
        remove(folder.path(), "a");
        assert_eq!(look(folder.path(), "a").unwrap(), []);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn nothing_is_written_behind_what_could_not_be_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "a").unwrap();
        log.append(&[record(1)]).unwrap();
        let full = File::options().write(true).open("/dev/full").unwrap();
        let whole = std::mem::replace(&mut log.file, full);
        assert!(log.append(&[record(2)]).is_err());
        assert!(log.append(&[record(2)]).is_err() && log.torn, "nor can it be cut");
        log.file = whole;
        log.file.write_all(b"a part of it").unwrap();
        log.append(&[record(2)]).unwrap();
        assert_eq!(look(folder.path(), "a").unwrap(), [record(1), record(2)]);
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
    fn a_record_that_is_not_whole_ends_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut log = Log::create(folder.path(), "a").unwrap();
        log.append(&[record(1)]).unwrap();
        let first = usize::try_from(log.length).unwrap();
        log.append(&[record(2)]).unwrap();
        let path = file(folder.path(), "a");
        let whole = fs::read(&path).unwrap();
        for length in 0..whole.len() {
            let expected = if length < first { vec![] } else { vec![record(1)] };
            assert_eq!(records(&whole[..length]), expected, "{length}");
        }
        for at in first..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(records(&damaged), [record(1)], "{at}");
        }
    }
}
