//! Writes what is taken from the queue, in one transaction as far as it goes, and tells who waits.
//!
//! It opens the database when there is something to write, and again after a failure, so a database that was mended or
//! moved away is used without a restart. Between writes it renews leases and moves the log into the database.
//! On which thread it writes is `writing`'s matter.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use outboard_runtime::{
    ids::RunId,
    journal::{Append, Event, Lease, Redactor, StoreFailure, StoreTrouble},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{
    approvals,
    chunk::Packer,
    connection,
    failure::{At, is_of_one_append},
    holder::{Holder, NoHolder, RENEWAL, Watch},
    options::{Durability, StoreOptions},
    pending::{self, Pending},
    runs::{self, AppendProblem, Appended, Counts, Group},
};

/// Bytes that the log may grow by before it is moved into the database when nobody waits, and at the latest.
const LOG: usize = 4 << 20;
const LONGEST_LOG: usize = 64 << 20;
/// How often the writer looks by itself while runs are under way.
const LOOK: Duration = Duration::from_millis(100);

/// Something to be written.
pub(crate) enum Job {
    /// Events of a run, and the bytes of what they hold.
    Append { lease: Lease, append: Append, bytes: usize, done: Done },
    /// Anything else, in a transaction of its own.
    Work(Work),
    /// Tells when all before it is written or has failed.
    Mark(oneshot::Sender<Result<(), StoreFailure>>),
}

impl Job {
    pub(crate) fn append(lease: Lease, mut append: Append, done: Done) -> Self {
        let bytes = append.events.iter_mut().map(pending::weight).sum();
        Self::Append { lease, append, bytes, done }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Append { lease, .. } => {
                f.debug_struct("Append").field("lease", lease).finish_non_exhaustive()
            }
            Self::Work(_) => f.write_str("Work"),
            Self::Mark(_) => f.write_str("Mark"),
        }
    }
}

/// Writes, and says whom to tell when it is known whether that stands.
pub(crate) type Work = Box<dyn FnOnce(Result<&mut Turn<'_>, &StoreFailure>) -> Tell + Send>;
pub(crate) type Tell = Box<dyn FnOnce(Result<(), StoreFailure>) + Send>;

/// What work has to do with.
pub(crate) struct Turn<'a> {
    pub(crate) transaction: &'a Transaction<'a>,
    pub(crate) at: At<'a>,
    pub(crate) options: &'a StoreOptions,
    /// This process as an owner.
    pub(crate) holder: i64,
    pub(crate) watch: &'a mut Watch,
    /// The runs that this process owns.
    pub(crate) owned: &'a mut Owned,
}

/// Runs that this process owns.
pub(crate) type Owned = HashMap<RunId, Counts>;

/// The appends of one run, in order.
pub(crate) struct Appends {
    lease: Lease,
    appends: Vec<(Append, Done)>,
}

/// Where whoever waits for an append learns what became of it.
type Done = oneshot::Sender<Result<(), StoreFailure>>;

impl Appends {
    /// Those of all runs. Between the runs no order counts.
    pub(crate) fn of(work: VecDeque<Job>) -> Vec<Self> {
        let mut all = Vec::new();
        for job in work {
            if let Job::Append { lease, append, done, .. } = job {
                Self::add(&mut all, lease, append, done);
            }
        }
        all
    }

    fn add(all: &mut Vec<Self>, lease: Lease, append: Append, done: Done) {
        match all.iter_mut().find(|known| known.lease == lease) {
            Some(known) => known.appends.push((append, done)),
            None => all.push(Self { lease, appends: vec![(append, done)] }),
        }
    }

    /// As they were before.
    pub(crate) fn into_jobs(self) -> impl Iterator<Item = Job> {
        let Self { lease, appends } = self;
        appends.into_iter().map(move |(append, done)| Job::append(lease.clone(), append, done))
    }
}

/// What became of the appends of one run: of all, and those whose approvals do not count.
struct Verdict {
    all: Appended,
    spent: Vec<usize>,
    /// The run is over with them, or with what was left of it.
    ends: bool,
}

/// What writing takes.
pub(crate) struct Writer {
    options: Arc<StoreOptions>,
    redactor: Arc<RwLock<Redactor>>,
    connection: Option<Connection>,
    holder: Option<Holder>,
    watch: Watch,
    owned: Owned,
    pending: Pending,
    packer: Packer,
    log: usize,
    renewed: Instant,
}

impl Writer {
    pub(crate) fn new(options: Arc<StoreOptions>, redactor: Arc<RwLock<Redactor>>) -> Self {
        Self {
            options,
            redactor,
            connection: None,
            holder: None,
            watch: Watch::default(),
            owned: Owned::new(),
            pending: Pending::default(),
            packer: Packer::new(),
            log: 0,
            renewed: Instant::now(),
        }
    }

    /// After how long it has something to do by itself.
    pub(crate) fn rests(&self) -> Duration {
        if self.owned.is_empty() { RENEWAL } else { LOOK }
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
    pub(crate) fn is_quick(&self) -> bool {
        self.options.durability == Durability::Crash
            && self.connection.is_some()
            && self.holder.is_some()
            && self.pending.is_empty()
    }

    /// Writes appends without waiting for others who write. What cannot be written so is given back: that it fails, and
    /// why, is told by [`go`](Self::go).
    pub(crate) fn go_at_once(&mut self, appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        match connection::impatient(|| self.transact(&appends)) {
            Ok(verdicts) => {
                self.all_stand(appends, verdicts);
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
        match self.transact(&appends) {
            Ok(verdicts) => self.all_stand(appends, verdicts),
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

    /// One transaction with the appends of several runs.
    fn transact(&mut self, appends: &[Appends]) -> Result<Vec<Verdict>, StoreFailure> {
        self.ready()?;
        let file = connection::file(&self.options.folder);
        let at = At { file: &file, action: "written" };
        let (Some(connection), Some(holder)) = (&mut self.connection, &self.holder) else {
            return Err(at.failure(StoreTrouble::Other, "it is not open"));
        };
        let sql = |error: rusqlite::Error| at.sql(&error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        let (mut verdicts, mut bytes) = (Vec::with_capacity(appends.len()), 0);
        for Appends { lease, appends } in appends {
            let Ok(left) = self.pending.of(&lease.run, lease.fence) else {
                let reason = "too much of this run could not be written: its record is given up";
                return Err(at.failure(StoreTrouble::Other, reason));
            };
            let (mut events, mut spent) = (left.to_vec(), Vec::new());
            let uncounted = self.owned.get(&lease.run).copied().unwrap_or_default();
            for (index, (append, _)) in appends.iter().enumerate() {
                if spend(&transaction, &lease.run, append).map_err(sql)? {
                    events.extend(append.events.iter().cloned());
                } else {
                    spent.push(index);
                }
            }
            let ends = matches!(events.last(), Some(Event::Ended(_)));
            let all = if events.is_empty() {
                Appended::Done(uncounted)
            } else {
                let mut redacted = false;
                for event in &mut events {
                    redacted |= redactor.redact(event);
                }
                let group = Group { lease, events, redacted, uncounted };
                runs::append(&transaction, &mut self.packer, holder.no, &self.options, group, &mut bytes)
                    .map_err(|problem| match problem {
                        AppendProblem::Sql(error) => at.sql(&error),
                        AppendProblem::Json(error) => at.failure(StoreTrouble::Other, error.to_string()),
                    })?
            };
            verdicts.push(Verdict { all, spent, ends });
        }
        transaction.commit().map_err(sql)?;
        self.log += bytes;
        Ok(verdicts)
    }

    fn all_stand(&mut self, appends: Vec<Appends>, verdicts: Vec<Verdict>) {
        for (of_run, verdict) in appends.into_iter().zip(verdicts) {
            self.stands(of_run, &verdict);
        }
    }

    /// Tells who waits for the appends of a run that were written or refused.
    fn stands(&mut self, of_run: Appends, verdict: &Verdict) {
        let Appends { lease, appends } = of_run;
        self.pending.forget(&lease.run);
        let refused =
            |trouble, reason: &str| StoreFailure { trouble, action: "written", reason: reason.to_owned() };
        let all = match verdict.all {
            Appended::Done(uncounted) => Ok(uncounted),
            Appended::NotOwner => {
                Err(refused(StoreTrouble::NotOwner, "the run has ended, or another Outboard owns it"))
            }
            Appended::Taken => Err(refused(StoreTrouble::NotOwner, "a run of this name has begun before")),
        };
        match &all {
            Ok(uncounted) if !verdict.ends => self.owned.insert(lease.run, *uncounted),
            Ok(_) | Err(_) => self.owned.remove(&lease.run),
        };
        let all = all.map(drop);
        for (index, (_, done)) in appends.into_iter().enumerate() {
            let spent = || Err(refused(StoreTrouble::Spent, "the approval has no use left"));
            // Whoever does not wait any more need not be told.
            let _ = done.send(if verdict.spent.contains(&index) { spent() } else { all.clone() });
        }
    }

    fn put_back(&mut self, of_run: Appends, failure: &StoreFailure) {
        let Appends { lease, appends } = of_run;
        for (append, done) in appends {
            self.pending.add(&lease.run, lease.fence, append.events);
            let _ = done.send(Err(failure.clone()));
        }
    }

    fn work(&mut self, work: Work) {
        if let Err(failure) = self.ready() {
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
                let mut turn = Turn {
                    transaction: &transaction,
                    at,
                    options: &self.options,
                    holder: holder.no,
                    watch: &mut self.watch,
                    owned: &mut self.owned,
                };
                let tell = work(Ok(&mut turn));
                (tell, transaction.commit().map_err(|error| at.sql(&error)))
            }
        };
        if let Err(failure) = &done {
            self.failed(failure);
        }
        tell(done);
    }

    /// Opens the database and enters this process among the owners, unless that is done.
    fn ready(&mut self) -> Result<(), StoreFailure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            closed => {
                let connection = connection::open(&self.options)?;
                if let Some(holder) = &self.holder
                    && !holder.is_known(&connection)
                {
                    // The database is another one now.
                    self.holder = None;
                }
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
        if !matches!(failure.trouble, StoreTrouble::Full | StoreTrouble::Locked) {
            self.connection = None;
        }
    }

    /// What is done when nothing waits.
    fn rest(&mut self) {
        // Nobody waits for that, so it waits for nobody.
        if let Err(error) = connection::impatient(|| self.count()) {
            tracing::debug!(%error, "lists of runs are behind");
        }
        if self.log > LOG {
            self.checkpoint();
        }
    }

    /// Brings what was written of each run into its row.
    fn count(&mut self) -> rusqlite::Result<()> {
        let (Some(connection), Some(holder)) = (&mut self.connection, &self.holder) else { return Ok(()) };
        let mut behind = self.owned.iter_mut().filter(|(_, counts)| **counts != Counts::default()).peekable();
        if behind.peek().is_none() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let behind: Vec<_> = behind.collect();
        for (run, counts) in &behind {
            runs::count(&transaction, holder.no, run, **counts)?;
        }
        transaction.commit()?;
        behind.into_iter().for_each(|(_, counts)| *counts = Counts::default());
        Ok(())
    }

    fn checkpoint(&mut self) {
        let Some(connection) = &self.connection else { return };
        match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            Ok(()) => {
                self.log = 0;
                // The first commit after it waits for the disk, and is to be nobody's who waits.
                self.beat();
            }
            Err(error) => tracing::debug!(%error, "the journal's log stays as it is"),
        }
    }

    /// Renews leases, and tries again what could not be written.
    fn renew(&mut self) {
        if self.log > LONGEST_LOG {
            self.checkpoint();
        }
        if self.renewed.elapsed() < RENEWAL || self.owned.is_empty() && self.pending.is_empty() {
            return;
        }
        self.renewed = Instant::now();
        self.beat();
        self.write_pending();
    }

    fn beat(&self) {
        if let (Some(connection), Some(holder)) = (&self.connection, &self.holder)
            && let Err(error) = holder.renew(connection)
        {
            tracing::warn!(%error, "the leases of runs are not renewed");
        }
    }

    fn write_pending(&mut self) {
        for (run, fence) in self.pending.runs() {
            let nobody = oneshot::channel().0;
            let appends = vec![(Append::default(), nobody)];
            self.append(vec![Appends { lease: Lease { run, fence }, appends }]);
        }
    }

    /// Writes what is left, and lets go of what this process owns.
    pub(crate) fn end(&mut self) {
        self.write_pending();
        if let (Some(connection), Some(holder)) = (&self.connection, self.holder.take()) {
            holder.leave(connection);
        }
    }
}

/// Uses up the approvals of an append; all of them or none.
fn spend(transaction: &Transaction<'_>, run: &RunId, append: &Append) -> rusqlite::Result<bool> {
    if append.spends.is_empty() {
        return Ok(true);
    }
    transaction.execute_batch("SAVEPOINT spending")?;
    for spending in &append.spends {
        if !approvals::spend(transaction, run, spending)? {
            transaction.execute_batch("ROLLBACK TO spending; RELEASE spending")?;
            return Ok(false);
        }
    }
    transaction.execute_batch("RELEASE spending")?;
    Ok(true)
}
