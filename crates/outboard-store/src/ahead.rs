//! By what the log of this process is ahead of the database: the records that were written there alone, in order.
//! It decides neither what is logged nor when the database is brought up to it.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use outboard_runtime::journal::{Event, Lease};

use crate::log::{self, Fence, Log, Logged, Record};

/// How far the log may be ahead, in bytes and in time: beyond that whoever waits waits for the database.
const MOST: usize = 1 << 20;
const LONGEST: Duration = Duration::from_secs(1);

/// Records that are being brought into the database while others are logged.
#[derive(Debug)]
pub(crate) struct Lent {
    pub(crate) records: Vec<Record>,
    /// The number of the last of them.
    pub(crate) last: i64,
    pub(crate) fence: Fence,
    bytes: usize,
    at: Instant,
}

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    log: Option<Log>,
    records: Vec<Record>,
    /// Of these and of what is lent.
    bytes: usize,
    since: Option<Instant>,
    /// The last number that was used: each record has one, and each transaction that writes events.
    last: i64,
    /// Another process has fenced the log, and what this one owns has not been looked up since.
    fenced: bool,
    /// The log may end in something that was told as not written: nothing may follow on it.
    closed: bool,
}

impl Ahead {
    /// Whether more may be logged before the database is brought up to it.
    pub(crate) fn has_room(&self) -> bool {
        let in_time = self.since.is_none_or(|since| since.elapsed() < LONGEST);
        !self.closed && self.bytes < MOST && in_time
    }

    /// For how long it has been ahead.
    pub(crate) fn has_been_ahead(&self) -> Duration {
        self.since.map(|since| since.elapsed()).unwrap_or_default()
    }

    /// Has it be ahead for so long.
    #[cfg(test)]
    pub(crate) fn age(&mut self, by: Duration) {
        self.since = self.since.and_then(|since| since.checked_sub(by));
    }

    /// Whether anything was ever logged.
    pub(crate) fn has_begun(&self) -> bool {
        self.log.is_some()
    }

    /// Whether there is nothing that is in the log alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Logs what was appended to several runs: lease, whether something was redacted, events.
    pub(crate) fn log(
        &mut self,
        folder: &Path,
        owner: &str,
        appended: Vec<(Lease, bool, Vec<Event>)>,
        bytes: usize,
    ) -> io::Result<()> {
        if appended.is_empty() {
            return Ok(());
        }
        let begun = match &mut self.log {
            Some(log) => Ok(log),
            none => Log::create(folder, owner).map(|log| none.insert(log)),
        };
        let numbered = appended.into_iter().zip(self.last + 1..);
        let records: Vec<_> = numbered
            .map(|((lease, redacted, events), no)| Record::new(no, &lease, redacted, events))
            .collect();
        let logged = begun.and_then(|log| log.append(&records));
        self.closed |= logged.is_err();
        // Some may be there after a failure too, so all of them are brought in.
        self.last = records.last().map_or(self.last, |record| record.no);
        self.records.extend(records);
        self.bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
        logged
    }

    /// Whether another process has read the log to take runs over, since this one last looked up what it owns.
    pub(crate) fn is_fenced(&mut self) -> bool {
        self.fenced |= self.log.as_ref().is_some_and(Log::is_fenced);
        self.fenced
    }

    /// What was logged of each run after this number, which is the last in the database.
    pub(crate) fn after(&self, drained: i64) -> Vec<Logged> {
        log::by_run(log::after(drained, &self.records))
    }

    /// The number of a transaction that writes events, where `drained` is the last in the database.
    pub(crate) fn next(&self, drained: i64) -> i64 {
        self.last.max(drained) + 1
    }

    /// Takes away the fence of another process: nobody can put another one there during a transaction. That it was there
    /// is known until that is [done](Self::forget).
    pub(crate) fn unfence(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), Log::unfence)
    }

    /// All of it is in the database, up to this number, and what this process owns was looked up.
    pub(crate) fn forget(&mut self, drained: i64) {
        self.records.clear();
        (self.bytes, self.since, self.last, self.fenced) = (0, None, self.last.max(drained), false);
        if self.log.as_ref().is_some_and(|log| self.closed || !log.is_empty()) {
            // What is left in it is passed over by its number, but nothing could follow on a part.
            let emptied = self.log.as_mut().map_or(Ok(()), Log::empty);
            self.closed &= emptied.is_err();
            if let Err(error) = emptied {
                tracing::debug!(%error, "the log beside the journal cannot be emptied");
            }
        } else {
            self.closed = false;
        }
    }

    /// Lends out what is in the log alone; nothing where only the database can say what is to become of it, or where the
    /// log is so long that it has to be emptied.
    pub(crate) fn lend(&mut self) -> Option<Lent> {
        let log = self.log.as_ref().filter(|log| log.is_short())?;
        let lends = !self.records.is_empty() && !self.fenced && !self.closed;
        lends.then(|| Lent {
            fence: log.fence(),
            records: std::mem::take(&mut self.records),
            last: self.last,
            bytes: self.bytes,
            at: Instant::now(),
        })
    }

    /// What was lent is not in the database.
    pub(crate) fn keep(&mut self, mut lent: Lent) {
        lent.records.append(&mut self.records);
        self.records = lent.records;
    }

    /// What was lent is in the database.
    pub(crate) fn settle(&mut self, lent: &Lent) {
        if self.records.is_empty() && !self.fenced {
            self.forget(lent.last);
        } else {
            self.bytes = self.bytes.saturating_sub(lent.bytes);
            self.since = Some(lent.at);
        }
    }

    /// Another owner begins: its log is another one.
    pub(crate) fn begin_anew(&mut self) {
        if !self.records.is_empty() {
            tracing::error!(records = self.records.len(), "the database of what was logged is gone");
        }
        *self = Self::default();
    }
}
