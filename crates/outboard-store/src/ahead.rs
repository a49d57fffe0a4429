//! By what the log of this process is ahead of the database: the records that were written there alone, in order.
//! It decides neither what is logged nor when the database is brought up to it.

use std::{
    io,
    path::Path,
    time::{Duration, Instant},
};

use outboard_runtime::journal::{Event, Lease};

use crate::log::{self, Log, Logged, Record};

/// How far the log may be ahead, in bytes and in time: beyond that whoever waits waits for the database.
const MOST: usize = 1 << 20;
const LONGEST: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Ahead {
    log: Option<Log>,
    records: Vec<Record>,
    bytes: usize,
    since: Option<Instant>,
    /// The number of the newest record, whether it is in the database or not.
    last: i64,
    /// No log can be begun.
    none: bool,
}

impl Ahead {
    /// Whether more may be logged before the database is brought up to it.
    pub(crate) fn has_room(&self) -> bool {
        let in_time = self.since.is_none_or(|since| since.elapsed() < LONGEST);
        !self.none && self.bytes < MOST && in_time
    }

    /// Whether there is something that is in the log alone.
    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Logs what was appended to several runs, all or nothing: lease, whether something was redacted, events.
    pub(crate) fn log(
        &mut self,
        folder: &Path,
        owner: &str,
        appended: Vec<(Lease, bool, Vec<Event>)>,
        bytes: usize,
    ) -> io::Result<()> {
        let log = match &mut self.log {
            Some(log) => log,
            none => none.insert(Log::create(folder, owner).inspect_err(|_| self.none = true)?),
        };
        let numbered = appended.into_iter().zip(self.last + 1..);
        let records: Vec<_> = numbered
            .map(|((lease, redacted, events), no)| Record::new(no, &lease, redacted, events))
            .collect();
        log.append(&records)?;
        self.last = records.last().map_or(self.last, |record| record.no);
        self.records.extend(records);
        self.bytes += bytes;
        self.since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Whether another process reads, or has read, the log to take runs over.
    pub(crate) fn is_fenced(&self) -> bool {
        self.log.as_ref().is_some_and(Log::is_fenced)
    }

    /// What was logged of each run after this number, which is the last in the database.
    pub(crate) fn after(&self, drained: i64) -> Vec<Logged> {
        log::by_run(log::after(drained, &self.records))
    }

    /// The number of the newest record.
    pub(crate) fn last(&self) -> i64 {
        self.last
    }

    /// Takes away the fence of another process, which is seen now.
    pub(crate) fn unfence(&self) -> io::Result<()> {
        self.log.as_ref().map_or(Ok(()), Log::unfence)
    }

    /// All of it is in the database.
    pub(crate) fn drained(&mut self) {
        self.records.clear();
        (self.bytes, self.since) = (0, None);
        // What is left in it is passed over by its number.
        if let Some(Err(error)) = self.log.as_mut().map(Log::empty) {
            tracing::debug!(%error, "the log beside the journal cannot be emptied");
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
