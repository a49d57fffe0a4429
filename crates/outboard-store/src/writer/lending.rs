//! Lends out what bringing the database up to the log takes, and takes it back. Meanwhile the writer logs, and nothing else of
//! this process touches the database.

use std::sync::Arc;

use outboard_runtime::journal::{Lease, StoreFailure};

use super::Writer;
use crate::{drain::Drain, job::Verdict, runs::Appended};

impl Writer {
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
}
