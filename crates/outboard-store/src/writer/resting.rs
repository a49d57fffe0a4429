//! What is done when nothing waits: the database is brought up to the log, rows of runs are counted up, leases renewed, and
//! the WAL moved into the database.

use std::time::Instant;

use outboard_runtime::journal::{Append, Lease, StoreFailure, StoreTrouble};
use rusqlite::TransactionBehavior;
use tokio::sync::oneshot;

use super::{LONGEST_WAL, WAL, Writer};
use crate::{
    connection,
    holder::RENEWAL,
    job::Appends,
    runs::{self, Counts},
};

impl Writer {
    /// What is done when nothing waits.
    pub(super) fn rest(&mut self) {
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
    pub(super) fn rested(&mut self, drained: Result<(), StoreFailure>) {
        match drained {
            Ok(()) => {}
            Err(failure) if failure.trouble == StoreTrouble::Locked => {
                tracing::debug!(%failure, "the database is behind the log");
            }
            Err(failure) => self.failed(&failure),
        }
    }

    /// Brings what was written of each run into its row.
    pub(super) fn count(&mut self) -> rusqlite::Result<()> {
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

    pub(super) fn checkpoint(&mut self) {
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
    pub(super) fn renew(&mut self) {
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

    pub(super) fn beat(&self) {
        if let (Some(connection), Some(holder)) = (&self.connection, &self.holder)
            && let Err(error) = holder.renew(connection)
        {
            tracing::warn!(%error, "the leases of runs are not renewed");
        }
    }

    pub(super) fn write_pending(&mut self) {
        let nothing = |(run, fence)| {
            let nobody = oneshot::channel().0;
            Appends { lease: Lease { run, fence }, appends: vec![(Append::default(), nobody)] }
        };
        self.append(self.pending.runs().into_iter().map(nothing).collect());
    }
}
