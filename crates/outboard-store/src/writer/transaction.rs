//! One transaction of the database: what was logged, what comes after it, and what became of each run. Then those who wait
//! are told. When there is one is not decided here.

use std::sync::PoisonError;

use outboard_runtime::{
    ids::RunId,
    journal::{Append, Event, Lease, StoreFailure, StoreTrouble},
};
use rusqlite::{Transaction, TransactionBehavior};

use super::Writer;
use crate::{
    approvals, connection,
    failure::At,
    holder,
    job::{Appends, Own, Owned, Verdict, Written},
    log::Logged,
    runs::{self, Appended, Counts, Group, Standing},
};

impl Writer {
    /// Writes appends to the database, after what was logged. What comes after an end is refused there, so the end has to be
    /// there before.
    pub(super) fn write_down(&mut self, appends: &[Appends]) -> Result<Written, StoreFailure> {
        let is_over = |of: &Appends| self.owned.get(&of.lease.run).is_some_and(|own| own.is_over);
        if appends.iter().any(is_over) {
            self.drain()?;
        }
        self.transact(appends)
    }

    /// One transaction with what was logged and the appends of several runs.
    pub(super) fn transact(&mut self, appends: &[Appends]) -> Result<Written, StoreFailure> {
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

    pub(super) fn stand(&mut self, appends: Vec<Appends>, written: Written) {
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
    pub(super) fn stands(&mut self, of_run: Appends, verdict: &Verdict) {
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
