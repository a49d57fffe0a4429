//! Writes what is taken from the queue, in one transaction as far as it goes, and tells who waits.
//!
//! It opens the database when there is something to write, and again after a failure, so a database that was mended or
//! moved away is used without a restart. Between writes it renews leases and moves the WAL into the database.
//! On which thread it writes is `writing`'s matter.

mod lending;
mod logging;
mod resting;
mod transaction;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use outboard_runtime::journal::{Redactor, StoreFailure, StoreTrouble};
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    ahead::Ahead,
    chunk::Packer,
    connection,
    failure::{At, is_of_one_append},
    holder::{Holder, NoHolder, RENEWAL, Watch},
    job::{After, Appends, Job, Own, Owned, Turn, Work},
    log,
    options::{Durability, StoreOptions},
    pending::Pending,
};

/// Bytes that SQLite's log may grow by before it is moved into the database when nobody waits, and at the latest.
pub(crate) const WAL: usize = 4 << 20;
const LONGEST_WAL: usize = 64 << 20;
/// How often the writer looks by itself while runs are under way.
pub(crate) const LOOK: Duration = Duration::from_millis(100);
/// How long a look at which file the database is holds. What was logged just before one is put in its place is lost with it.
const LOOKED: Duration = Duration::from_millis(10);

/// What writing takes.
pub(crate) struct Writer {
    options: Arc<StoreOptions>,
    redactor: Arc<RwLock<Redactor>>,
    connection: Option<Connection>,
    /// The connection is lent out, to bring the database up to the log.
    is_draining: bool,
    /// Of the file that is open.
    identity: Option<(u64, u64)>,
    /// When it was last seen to be the database.
    looked: Instant,
    holder: Option<Holder>,
    watch: Arc<Mutex<Watch>>,
    owned: Owned,
    pending: Pending,
    ahead: Ahead,
    packer: Packer,
    /// Bytes of SQLite's write-ahead log.
    wal: usize,
    renewed: Instant,
    /// What was written last with patience failed.
    in_trouble: bool,
}

impl Writer {
    pub(crate) fn new(
        options: Arc<StoreOptions>,
        redactor: Arc<RwLock<Redactor>>,
        watch: Arc<Mutex<Watch>>,
    ) -> Self {
        Self {
            options,
            redactor,
            connection: None,
            is_draining: false,
            identity: None,
            looked: Instant::now(),
            holder: None,
            watch,
            owned: Owned::new(),
            pending: Pending::default(),
            ahead: Ahead::default(),
            packer: Packer::default(),
            wal: 0,
            renewed: Instant::now(),
            in_trouble: false,
        }
    }

    /// After how long it has something to do by itself.
    pub(crate) fn rests(&self) -> Duration {
        if self.owned.is_empty() { RENEWAL } else { LOOK }
    }

    /// Whether lists show a run as under way that is over.
    pub(crate) fn has_logged_end(&self) -> bool {
        self.owned.values().any(|own| own.is_over)
    }

    /// Whether the log has been ahead of the database for longer than lists may be behind.
    pub(crate) fn is_behind(&self) -> bool {
        self.ahead.has_been_ahead() > LOOK
    }

    /// Has the log be ahead for so long.
    #[cfg(test)]
    pub(crate) fn age(&mut self, by: Duration) {
        self.ahead.age(by);
    }

    /// Writes this, and does what is due.
    pub(crate) fn go(&mut self, work: VecDeque<Job>) {
        if work.is_empty() {
            self.rest();
        } else {
            self.write(work);
        }
        self.renew();
    }

    /// Whether a little could be written at once: nothing has to be opened, and a commit does not wait for the disk.
    pub(crate) fn is_quick(&mut self) -> bool {
        self.options.durability == Durability::Crash
            && (self.connection.is_some() || self.is_draining)
            && self.holder.is_some()
            && self.pending.is_empty()
            && self.ahead.has_room()
            && !self.in_trouble
            // What is logged belongs to this database.
            && (self.looked.elapsed() < LOOKED || self.is_in_place())
    }

    /// Whether the file that is open is the database still.
    fn is_in_place(&mut self) -> bool {
        let is_same = self.identity == connection::identity(&self.options.folder);
        if is_same {
            self.looked = Instant::now();
        }
        is_same
    }

    /// Writes appends without waiting for others who write: to the log where that will do, else to the database. What cannot
    /// be written so is given back: that it fails, and why, is told by [`go`](Self::go).
    pub(crate) fn go_at_once(&mut self, appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        let Err(appends) = self.go_logging(appends) else { return Ok(()) };
        if self.is_draining {
            return Err(appends);
        }
        match connection::impatient(|| self.write_down(&appends)) {
            Ok(written) => {
                self.stand(appends, written);
                Ok(())
            }
            Err(_) => Err(appends),
        }
    }

    fn write(&mut self, work: VecDeque<Job>) {
        let mut appends: Vec<Appends> = Vec::new();
        for job in work {
            match job {
                Job::Append { lease, append, done, .. } => Appends::add(&mut appends, lease, append, done),
                Job::Work(work) => {
                    self.append(std::mem::take(&mut appends));
                    self.work(work);
                }
                Job::Mark(tell) => {
                    self.append(std::mem::take(&mut appends));
                    if let Err(failure) = self.drain() {
                        self.failed(&failure);
                    }
                    // Whoever does not wait any more need not be told.
                    let _ = tell.send(Ok(()));
                }
            }
        }
        self.append(appends);
    }

    /// Writes the appends of several runs together; where one of them is at fault, each on its own.
    fn append(&mut self, appends: Vec<Appends>) {
        if appends.is_empty() {
            return;
        }
        match self.write_down(&appends) {
            Ok(written) => self.stand(appends, written),
            Err(failure) if appends.len() > 1 && is_of_one_append(failure.trouble) => {
                appends.into_iter().for_each(|of_run| self.append(vec![of_run]));
            }
            Err(failure) => {
                let is_given_up = |of: &Appends| self.pending.of(&of.lease.run, of.lease.fence).is_err();
                // That a run is given up says nothing of the database.
                if !appends.iter().any(is_given_up) {
                    self.failed(&failure);
                }
                for of_run in appends {
                    self.put_back(of_run, &failure);
                }
            }
        }
    }

    /// Brings the database up to the log.
    fn drain(&mut self) -> Result<(), StoreFailure> {
        if !self.ahead.is_empty() {
            let written = self.transact(&[])?;
            self.stand(Vec::new(), written);
        }
        Ok(())
    }

    fn put_back(&mut self, of_run: Appends, failure: &StoreFailure) {
        let Appends { lease, appends } = of_run;
        for (append, done) in appends {
            self.pending.add(&lease.run, lease.fence, append.events);
            let _ = done.send(Err(failure.clone()));
        }
    }

    fn work(&mut self, work: Work) {
        // What work sees is up to date.
        if let Err(failure) = self.ready().and_then(|()| self.drain()) {
            self.failed(&failure);
            return work(Err(&failure))(Err(failure));
        }
        let file = connection::file(&self.options.folder);
        let at = At { file: &file, action: "written" };
        let (Some(connection), Some(holder)) = (&mut self.connection, &self.holder) else { return };
        let (tell, done) = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
            Err(error) => {
                let failure = at.sql(&error);
                (work(Err(&failure)), Err(failure))
            }
            Ok(transaction) => {
                let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
                let mut turn = Turn {
                    transaction: &transaction,
                    at,
                    options: &self.options,
                    holder: holder.no,
                    watch: &mut watch,
                    owned: &self.owned,
                    after: Vec::new(),
                };
                let tell = work(Ok(&mut turn));
                let after = turn.after;
                (tell, transaction.commit().map(|()| after).map_err(|error| at.sql(&error)))
            }
        };
        let done = done.map(|after| self.after(after));
        if let Err(failure) = &done {
            self.failed(failure);
        }
        tell(done);
    }

    fn after(&mut self, all: Vec<After>) {
        let folder = &self.options.folder;
        // The disk must not forget what was brought in while it knows that its log is gone.
        let goes = |after: &After| matches!(after, After::Settle(_) | After::Remove(_));
        let is_kept = !all.iter().any(goes) || connection::sync_wal(folder).is_ok();
        for after in all {
            match after {
                After::Own(lease) => drop(self.owned.insert(lease.run, Own::of(lease.fence))),
                After::Disown(lease) => drop(self.owned.remove(&lease.run)),
                After::Settle(owner) if is_kept => log::settle(folder, &owner),
                After::Remove(owner) if is_kept => log::remove(folder, &owner),
                // They are passed over by their numbers, and looked at again.
                After::Settle(_) | After::Remove(_) => {}
            }
        }
    }

    /// Closes a database that was moved away.
    fn look(&mut self) {
        if self.connection.is_some() && !self.is_in_place() {
            self.connection = None;
        }
    }

    /// Opens the database and enters this process among the owners, unless that is done.
    fn ready(&mut self) -> Result<(), StoreFailure> {
        self.look();
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => {
                let connection = connection::open(&self.options)?;
                if let Some(holder) = &self.holder {
                    let file = connection::file(&self.options.folder);
                    let at = At { file: &file, action: "written" };
                    if !holder.is_known(&connection).map_err(|error| at.sql(&error))? {
                        // The database is another one now, in which this process owns nothing.
                        self.holder = None;
                        self.owned.clear();
                        self.ahead.begin_anew();
                    }
                }
                self.identity = connection::identity(&self.options.folder);
                closed.insert(connection)
            }
        };
        if self.holder.is_none() {
            let file = connection::file(&self.options.folder);
            let at = At { file: &file, action: "written" };
            let entered = Holder::enter(connection, &self.options.folder);
            self.holder = Some(entered.map_err(|problem| match problem {
                NoHolder::Io(error) => at.io(&error),
                NoHolder::Sql(error) => at.sql(&error),
            })?);
        }
        Ok(())
    }

    /// After what is wrong with the database itself it is opened anew next time.
    fn failed(&mut self, failure: &StoreFailure) {
        tracing::warn!(%failure, "the journal cannot be written");
        self.in_trouble = true;
        if !matches!(failure.trouble, StoreTrouble::Full | StoreTrouble::Locked) {
            self.connection = None;
        }
    }

    /// Writes what is left, and lets go of what this process owns.
    pub(crate) fn end(&mut self) {
        self.write_pending();
        if let Err(failure) = self.drain() {
            // It stays in the log, which others bring in when this process has gone.
            self.failed(&failure);
            return;
        }
        if let (Some(connection), Some(holder)) = (&self.connection, self.holder.take()) {
            holder.leave(connection);
        }
    }
}
