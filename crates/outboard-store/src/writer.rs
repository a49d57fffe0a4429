//! Writes what is taken from the queue, in one transaction as far as it goes, and tells who waits.
//!
//! It opens the database when there is something to write, and again after a failure, so a database that was mended or
//! moved away is used without a restart. Between writes it renews leases and moves the WAL into the database.
//! On which thread it writes is `writing`'s matter.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use outboard_runtime::{
    ids::RunId,
    journal::{Append, Event, Lease, Redactor, StoreFailure, StoreTrouble},
};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::{
    ahead::Ahead,
    approvals,
    chunk::Packer,
    connection,
    drain::Drain,
    failure::{At, is_of_one_append},
    holder::{self, Holder, NoHolder, RENEWAL, Watch},
    job::{After, Appends, Job, Own, Owned, Turn, Verdict, Work, Written},
    log::{self, Logged},
    options::{Durability, StoreOptions},
    pending::{self, Pending},
    runs::{self, Appended, Counts, Group, Standing},
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

    /// Logs appends, if they may be brought into the database later; else they are given back.
    pub(crate) fn go_logging(&mut self, appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        if self.may_log(&appends) { self.log(appends) } else { Err(appends) }
    }

    /// Lends what bringing the database up to the log takes; nothing where that is better done with all that belongs to it.
    /// Until it is [taken back](Self::take_back) only the log is written.
    pub(crate) fn lend(&mut self) -> Option<Drain> {
        if self.in_trouble || !self.pending.is_empty() || !self.is_in_place() {
            return None;
        }
        let holder = self.holder.as_ref()?;
        let connection = self.connection.take()?;
        let Some(lent) = self.ahead.lend() else {
            self.connection = Some(connection);
            return None;
        };
        self.is_draining = true;
        let uncounted =
            lent.records.iter().filter_map(|record| Some((record.run(), self.owned.get(record.run())?)));
        Some(Drain {
            uncounted: uncounted.map(|(run, own)| (run.clone(), own.uncounted)).collect(),
            connection,
            lent,
            packer: std::mem::take(&mut self.packer),
            holder: holder.no,
            options: Arc::clone(&self.options),
            wal: self.wal,
        })
    }

    /// Takes back what was lent, and does what is due.
    pub(crate) fn take_back(
        &mut self,
        drain: Drain,
        drained: Result<Option<Vec<(Lease, Verdict)>>, StoreFailure>,
    ) {
        let Drain { connection, lent, packer, wal, .. } = drain;
        (self.connection, self.is_draining) = (Some(connection), false);
        (self.packer, self.wal) = (packer, wal);
        match drained {
            Ok(Some(verdicts)) => {
                self.ahead.settle(&lent);
                verdicts.iter().for_each(|(lease, verdict)| self.is_drained(lease, verdict));
            }
            Ok(None) => {
                self.ahead.keep(lent);
                self.rest();
            }
            Err(failure) => {
                self.ahead.keep(lent);
                self.rested(Err(failure));
            }
        }
        self.renew();
    }

    /// What was logged of a run is in the database. More may be logged by now.
    fn is_drained(&mut self, lease: &Lease, verdict: &Verdict) {
        let uncounted = match verdict.all {
            Appended::Done(uncounted) if !verdict.ends => Some(uncounted),
            Appended::Done(_) => None,
            Appended::NotOwner | Appended::Taken => {
                tracing::error!(run = %lease.run, "what was logged of it has no place in the database");
                None
            }
        };
        match self.owned.get_mut(&lease.run).filter(|own| own.fence == lease.fence) {
            None => {}
            Some(own) => match uncounted {
                Some(uncounted) => own.uncounted = uncounted,
                None => drop(self.owned.remove(&lease.run)),
            },
        }
    }

    /// Whether all of this could as well be brought into the database later: of runs that are there and this process owns.
    fn may_log(&self, appends: &[Appends]) -> bool {
        let is_open = |lease: &Lease| {
            self.owned.get(&lease.run).is_some_and(|own| own.fence == lease.fence && !own.is_over)
        };
        let given_up = |lease: &Lease| self.pending.of(&lease.run, lease.fence).is_err();
        let simple = |append: &Append| {
            let begins = |event: &Event| matches!(event, Event::Opened(_) | Event::Resumed(_));
            append.spends.is_empty() && !append.events.iter().any(begins)
        };
        // Without a log nobody has fenced it.
        let events =
            appends.iter().flat_map(|of| &of.appends).map(|(append, _)| append.events.len()).sum::<usize>();
        (events > 0 || self.ahead.has_begun())
            && appends.iter().all(|Appends { lease, appends }| {
                is_open(lease) && !given_up(lease) && appends.iter().all(|(append, _)| simple(append))
            })
    }

    /// Logs appends. Where another process may not have seen them, or they may be there in part, they are given back empty:
    /// what becomes of them says the database, to which they are brought in any case.
    fn log(&mut self, mut appends: Vec<Appends>) -> Result<(), Vec<Appends>> {
        let Some(holder) = &self.holder else { return Err(appends) };
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        let (mut records, mut bytes) = (Vec::new(), 0);
        for Appends { lease, appends } in &mut appends {
            let taken = appends.iter_mut().flat_map(|(append, _)| std::mem::take(&mut append.events));
            let mut events: Vec<_> = taken.collect();
            let mut redacted = false;
            for event in &mut events {
                redacted |= redactor.redact(event);
                bytes += pending::weight(event);
            }
            if let (Some(Event::Ended(_)), Some(own)) = (events.last(), self.owned.get_mut(&lease.run)) {
                own.is_over = true;
            }
            if !events.is_empty() {
                records.push((lease.clone(), redacted, events));
            }
        }
        drop(redactor);
        let logged = self.ahead.log(&self.options.folder, &holder.id, records, bytes);
        if let Err(error) = &logged {
            tracing::debug!(%error, "the journal's log cannot be written");
        }
        if self.ahead.is_fenced() || logged.is_err() {
            return Err(appends);
        }
        for (_, done) in appends.into_iter().flat_map(|of_run| of_run.appends) {
            // Whoever does not wait any more need not be told.
            let _ = done.send(Ok(()));
        }
        Ok(())
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

    /// Writes appends to the database, after what was logged. What comes after an end is refused there, so the end has to be
    /// there before.
    fn write_down(&mut self, appends: &[Appends]) -> Result<Written, StoreFailure> {
        let is_over = |of: &Appends| self.owned.get(&of.lease.run).is_some_and(|own| own.is_over);
        if appends.iter().any(is_over) {
            self.drain()?;
        }
        self.transact(appends)
    }

    /// One transaction with what was logged and the appends of several runs.
    fn transact(&mut self, appends: &[Appends]) -> Result<Written, StoreFailure> {
        self.ready()?;
        let file = connection::file(&self.options.folder);
        let at = At { file: &file, action: "written" };
        let (Some(connection), Some(holder)) = (&mut self.connection, &self.holder) else {
            return Err(at.failure(StoreTrouble::Other, "it is not open"));
        };
        let sql = |error: rusqlite::Error| at.sql(&error);
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let is_fenced = self.ahead.is_fenced();
        // What begins a run has no place among what was logged, which may then wait for a pause.
        let is_apart = !is_fenced && begins_runs(appends, &self.owned);
        let drained = holder::drained(&transaction, holder.no).map_err(sql)?;
        let mut logged = if is_apart { Vec::new() } else { self.ahead.after(drained) };
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        let (mut bytes, now) = (0, runs::now());
        let mut write = |lease: &Lease, events: Vec<Event>, redacted: bool| {
            let ends = matches!(events.last(), Some(Event::Ended(_)));
            let uncounted = self.owned.get(&lease.run).map(|own| own.uncounted).unwrap_or_default();
            if events.is_empty() {
                // It may be that another has brought them in, and has taken the run over.
                return Ok(match runs::standing(&transaction, holder.no, lease).map_err(sql)? {
                    Standing::Ours => (Appended::Done(uncounted), false),
                    Standing::Over => (Appended::Done(Counts::default()), true),
                    Standing::Others => (Appended::NotOwner, false),
                });
            }
            let group = Group { lease, events, redacted, uncounted, now };
            runs::append(&transaction, &mut self.packer, holder.no, &self.options, group, &mut bytes)
                .map(|all| (all, ends))
                .map_err(|problem| at.append(problem))
        };
        let mut verdicts = Vec::with_capacity(appends.len());
        for Appends { lease, appends } in appends {
            let Ok(left) = self.pending.of(&lease.run, lease.fence) else {
                let reason = "too much of this run could not be written: its record is given up";
                return Err(at.failure(StoreTrouble::Other, reason));
            };
            let (mut new, mut spent) = (left.to_vec(), Vec::new());
            for (index, (append, _)) in appends.iter().enumerate() {
                if spend(&transaction, &lease.run, append).map_err(sql)? {
                    new.extend(append.events.iter().cloned());
                } else {
                    spent.push(index);
                }
            }
            let before = logged.iter().position(|logged| logged.lease == *lease);
            let (mut events, mut redacted) = before
                .map(|at| logged.swap_remove(at))
                .map_or_else(Default::default, |of| (of.events, of.redacted));
            // From what was logged it is taken out already.
            for event in &mut new {
                redacted |= redactor.redact(event);
            }
            events.extend(new);
            let (all, ends) = write(lease, events, redacted)?;
            verdicts.push(Verdict { all, spent, ends });
        }
        let mut others = Vec::with_capacity(logged.len());
        for Logged { lease, events, redacted } in logged {
            let (all, ends) = write(&lease, events, redacted)?;
            others.push((lease, Verdict { all, spent: Vec::new(), ends }));
        }
        let mut lost = Vec::new();
        if is_fenced {
            for (run, own) in &self.owned {
                let lease = Lease { run: run.clone(), fence: own.fence };
                if runs::standing(&transaction, holder.no, &lease).map_err(sql)? != Standing::Ours {
                    lost.push(lease.run);
                }
            }
            self.ahead.unfence().map_err(|error| at.log(&error))?;
        }
        // Also where nothing was logged: what is logged next must not seem to follow on what was there before.
        let number = self.ahead.next(drained);
        if !is_apart {
            holder::set_drained(&transaction, holder.no, number).map_err(sql)?;
        }
        transaction.commit().map_err(sql)?;
        self.wal += bytes;
        if !is_apart {
            self.ahead.forget(number);
        }
        self.in_trouble = false;
        Ok(Written { verdicts, others, lost })
    }

    fn stand(&mut self, appends: Vec<Appends>, written: Written) {
        let Written { verdicts, others, lost } = written;
        for run in lost {
            self.owned.remove(&run);
        }
        for (lease, verdict) in others {
            if matches!(verdict.all, Appended::NotOwner | Appended::Taken) {
                tracing::error!(run = %lease.run, "what was logged of it has no place in the database");
            }
            self.stands(Appends { lease, appends: Vec::new() }, &verdict);
        }
        for (of_run, verdict) in appends.into_iter().zip(verdicts) {
            self.stands(of_run, &verdict);
        }
    }

    /// Tells who waits for the appends of a run that were written or refused.
    fn stands(&mut self, of_run: Appends, verdict: &Verdict) {
        let Appends { lease, appends } = of_run;
        if !appends.is_empty() {
            self.pending.forget(&lease.run);
        }
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
            Ok(uncounted) if !verdict.ends => {
                let own = Own { uncounted: *uncounted, ..Own::of(lease.fence) };
                self.owned.insert(lease.run, own);
            }
            // One that was taken over again by this process is not that lease's.
            Ok(_) | Err(_) if self.owned.get(&lease.run).is_some_and(|own| own.fence == lease.fence) => {
                self.owned.remove(&lease.run);
            }
            Ok(_) | Err(_) => {}
        }
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

    /// What is done when nothing waits.
    fn rest(&mut self) {
        self.look();
        // Nobody waits for that, so it waits for nobody. What is logged is safe.
        let drained = connection::impatient(|| self.drain());
        self.rested(drained);
        if let Err(error) = connection::impatient(|| self.count()) {
            tracing::debug!(%error, "lists of runs are behind");
        }
        if self.wal > WAL {
            self.checkpoint();
        }
    }

    /// What became of bringing the database up to the log when nobody waits for it.
    fn rested(&mut self, drained: Result<(), StoreFailure>) {
        match drained {
            Ok(()) => {}
            Err(failure) if failure.trouble == StoreTrouble::Locked => {
                tracing::debug!(%failure, "the database is behind the log");
            }
            Err(failure) => self.failed(&failure),
        }
    }

    /// Brings what was written of each run into its row.
    fn count(&mut self) -> rusqlite::Result<()> {
        let (Some(connection), Some(holder)) = (&mut self.connection, &self.holder) else { return Ok(()) };
        let mut behind =
            self.owned.iter_mut().filter(|(_, own)| own.uncounted != Counts::default()).peekable();
        if behind.peek().is_none() {
            return Ok(());
        }
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let behind: Vec<_> = behind.collect();
        for (run, own) in &behind {
            runs::count(&transaction, holder.no, run, own.uncounted, runs::now())?;
        }
        transaction.commit()?;
        behind.into_iter().for_each(|(_, own)| own.uncounted = Counts::default());
        Ok(())
    }

    fn checkpoint(&mut self) {
        let Some(connection) = &self.connection else { return };
        match connection::checkpoint(connection) {
            Ok(()) => {
                self.wal = 0;
                // The first commit after it waits for the disk, and is to be nobody's who waits.
                self.beat();
            }
            Err(error) => tracing::debug!(%error, "the WAL stays as it is"),
        }
    }

    /// Renews leases, and tries again what could not be written.
    fn renew(&mut self) {
        if self.wal > LONGEST_WAL {
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
        let nothing = |(run, fence)| {
            let nobody = oneshot::channel().0;
            Appends { lease: Lease { run, fence }, appends: vec![(Append::default(), nobody)] }
        };
        self.append(self.pending.runs().into_iter().map(nothing).collect());
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

/// Whether each of these runs is new to this process and begins here, so that nothing of it can have been logged.
fn begins_runs(appends: &[Appends], owned: &Owned) -> bool {
    let begins = |append: &Append| matches!(append.events.first(), Some(Event::Opened(_)));
    let is_new = |of: &Appends| {
        !owned.contains_key(&of.lease.run) && of.appends.first().is_some_and(|(append, _)| begins(append))
    };
    !appends.is_empty() && appends.iter().all(is_new)
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
