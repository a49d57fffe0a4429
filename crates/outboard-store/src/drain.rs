//! Brings the database up to the log while calls go on being logged: what that takes is lent out of the writer, so whoever
//! waits for the log need not wait for the database. Nobody else of this process writes to the database meanwhile.

use std::{collections::HashMap, sync::Arc};

use outboard_runtime::{
    ids::RunId,
    journal::{Event, Lease, StoreFailure},
};
use rusqlite::{Connection, TransactionBehavior};

use crate::{
    ahead::Lent,
    chunk::Packer,
    connection,
    failure::At,
    holder,
    job::Verdict,
    log::{self, Logged},
    options::StoreOptions,
    runs::{self, Appended, Counts, Group},
    writer::WAL,
};

/// What bringing the database up to the log takes.
pub(crate) struct Drain {
    pub(crate) connection: Connection,
    pub(crate) lent: Lent,
    pub(crate) packer: Packer,
    /// What was written of these runs and is not counted in their rows yet.
    pub(crate) uncounted: HashMap<RunId, Counts>,
    /// This process as an owner.
    pub(crate) holder: i64,
    pub(crate) options: Arc<StoreOptions>,
    /// Bytes of SQLite's write-ahead log.
    pub(crate) wal: usize,
}

impl Drain {
    /// Brings the records in, in one transaction, without waiting for others that write: what became of each run. `None` if
    /// another process has fenced the log: what is to become of them then is the writer's to say.
    pub(crate) fn run(&mut self) -> Result<Option<Vec<(Lease, Verdict)>>, StoreFailure> {
        let verdicts = connection::impatient(|| self.transact())?;
        if verdicts.is_some() && self.wal > WAL {
            self.checkpoint();
        }
        Ok(verdicts)
    }

    fn transact(&mut self) -> Result<Option<Vec<(Lease, Verdict)>>, StoreFailure> {
        let (options, holder) = (&*self.options, self.holder);
        let file = connection::file(&options.folder);
        let at = At { file: &file, action: "written" };
        let sql = |error: rusqlite::Error| at.sql(&error);
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        // Nobody can put a fence up during a transaction.
        if self.lent.fence.is_up() {
            return Ok(None);
        }
        let drained = holder::drained(&transaction, holder).map_err(sql)?;
        let (mut bytes, now) = (0, runs::now());
        let mut verdicts = Vec::new();
        for Logged { lease, events, redacted } in log::by_run(log::after(drained, &self.lent.records)) {
            let ends = matches!(events.last(), Some(Event::Ended(_)));
            let uncounted = self.uncounted.get(&lease.run).copied().unwrap_or_default();
            let group = Group { lease: &lease, events, redacted, uncounted, now };
            let appended = runs::append(&transaction, &mut self.packer, holder, options, group, &mut bytes);
            let mut all = appended.map_err(|problem| at.append(problem))?;
            if let Appended::Done(uncounted) = &mut all
                && *uncounted != Counts::default()
            {
                runs::count(&transaction, holder, &lease.run, std::mem::take(uncounted), now).map_err(sql)?;
            }
            verdicts.push((lease, Verdict { all, spent: Vec::new(), ends }));
        }
        holder::set_drained(&transaction, holder, self.lent.last.max(drained)).map_err(sql)?;
        transaction.commit().map_err(sql)?;
        self.wal += bytes;
        Ok(Some(verdicts))
    }

    fn checkpoint(&mut self) {
        // The first commit after it waits for the disk, and is to be nobody's who waits.
        match connection::checkpoint(&self.connection)
            .and_then(|()| holder::renew(&self.connection, self.holder))
        {
            Ok(()) => self.wal = 0,
            Err(error) => tracing::debug!(%error, "the WAL stays as it is"),
        }
    }
}
