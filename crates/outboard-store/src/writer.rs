//! The thread that writes: it takes all that waits, writes it in one transaction, and tells who waits.
//!
//! It opens the database when there is something to write, and again after a failure, so a database that was mended or
//! moved away is used without a restart. Between writes it renews leases and moves the log into the database.

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
    options::StoreOptions,
    pending::Pending,
    queue::{Batch, Queue},
    runs::{self, AppendProblem, Appended, Group},
};

/// Bytes that the log may grow by before it is moved into the database when nobody waits, and at the latest.
const LOG: usize = 4 << 20;
const LONGEST_LOG: usize = 64 << 20;
/// How often the writer looks by itself while runs are under way.
const LOOK: Duration = Duration::from_millis(100);

/// Something to be written.
pub(crate) enum Job {
    /// Events of a run.
    Append { lease: Lease, append: Append, done: oneshot::Sender<Result<(), StoreFailure>> },
    /// Anything else, in a transaction of its own.
    Work(Work),
    /// Tells when all before it is written or has failed.
    Mark(oneshot::Sender<Result<(), StoreFailure>>),
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

/// Runs that this process owns, by their fencing numbers.
pub(crate) type Owned = HashMap<RunId, u64>;

/// The appends of one run, in order.
struct Appends {
    lease: Lease,
    appends: Vec<(Append, oneshot::Sender<Result<(), StoreFailure>>)>,
}

/// What became of the appends of one run: of all, and those whose approvals do not count.
struct Verdict {
    all: Appended,
    spent: Vec<usize>,
}

/// The thread's state.
pub(crate) struct Writer {
    queue: Arc<Queue<Job>>,
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
    pub(crate) fn new(
        queue: Arc<Queue<Job>>,
        options: Arc<StoreOptions>,
        redactor: Arc<RwLock<Redactor>>,
    ) -> Self {
        Self {
            queue,
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

    /// Writes until the queue is closed.
    pub(crate) fn run(mut self) {
        loop {
            let Batch { work, last } = self.queue.next(if self.owned.is_empty() { RENEWAL } else { LOOK });
            if work.is_empty() {
                self.rest();
            } else {
                self.write(work);
            }
            self.renew();
            if last {
                return self.end();
            }
        }
    }

    fn write(&mut self, work: VecDeque<Job>) {
        let mut appends: Vec<Appends> = Vec::new();
        for job in work {
            match job {
                Job::Append { lease, append, done } => {
                    match appends.iter_mut().find(|known| known.lease == lease) {
                        Some(known) => known.appends.push((append, done)),
                        None => appends.push(Appends { lease, appends: vec![(append, done)] }),
                    }
                }
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
            Ok(verdicts) => {
                for (of_run, verdict) in appends.into_iter().zip(verdicts) {
                    self.stands(of_run, &verdict);
                }
            }
            Err(failure) if appends.len() > 1 && is_of_one_append(failure.trouble) => {
                appends.into_iter().for_each(|of_run| self.append(vec![of_run]));
            }
            Err(failure) => {
                self.failed(&failure);
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
            for (index, (append, _)) in appends.iter().enumerate() {
                if spend(&transaction, &lease.run, append).map_err(sql)? {
                    events.extend(append.events.iter().cloned());
                } else {
                    spent.push(index);
                }
            }
            let all = if events.is_empty() {
                Appended::Done
            } else {
                let mut redacted = false;
                for event in &mut events {
                    redacted |= redactor.redact(event);
                }
                let group = Group { lease, events, redacted };
                runs::append(&transaction, &mut self.packer, holder.no, &self.options, group, &mut bytes)
                    .map_err(|problem| match problem {
                        AppendProblem::Sql(error) => at.sql(&error),
                        AppendProblem::Json(error) => at.failure(StoreTrouble::Other, error.to_string()),
                    })?
            };
            verdicts.push(Verdict { all, spent });
        }
        transaction.commit().map_err(sql)?;
        self.log += bytes;
        Ok(verdicts)
    }

    /// Tells who waits for the appends of a run that were written or refused.
    fn stands(&mut self, of_run: Appends, verdict: &Verdict) {
        let Appends { lease, appends } = of_run;
        self.pending.forget(&lease.run);
        let refused =
            |trouble, reason: &str| StoreFailure { trouble, action: "written", reason: reason.to_owned() };
        let all = match verdict.all {
            Appended::Done => Ok(()),
            Appended::NotOwner => {
                Err(refused(StoreTrouble::NotOwner, "the run has ended, or another Outboard owns it"))
            }
            Appended::Taken => Err(refused(StoreTrouble::NotOwner, "a run of this name has begun before")),
        };
        let ends = appends.iter().any(|(append, _)| matches!(append.events.last(), Some(Event::Ended(_))));
        if ends || all.is_err() {
            self.owned.remove(&lease.run);
        } else {
            self.owned.insert(lease.run, lease.fence);
        }
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
        if self.log > LOG {
            self.checkpoint();
        }
    }

    fn checkpoint(&mut self) {
        let Some(connection) = &self.connection else { return };
        match connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
            Ok(()) => self.log = 0,
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
        if let (Some(connection), Some(holder)) = (&self.connection, &self.holder)
            && let Err(error) = holder.renew(connection)
        {
            tracing::warn!(%error, "the leases of runs are not renewed");
        }
        self.write_pending();
    }

    fn write_pending(&mut self) {
        for (run, fence) in self.pending.runs() {
            let nobody = oneshot::channel().0;
            let appends = vec![(Append::default(), nobody)];
            self.append(vec![Appends { lease: Lease { run, fence }, appends }]);
        }
    }

    fn end(mut self) {
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
