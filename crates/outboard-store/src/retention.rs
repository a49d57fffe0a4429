//! Removes what is kept of old runs: those that are over, by age and while the database is too large, and by age those
//! that nobody has taken up again. What runs under way hold is left alone. Owners that were killed go too, and what is known
//! of approvals that nothing can rest on any more.

use outboard_runtime::{ids::RunId, journal::StoreFailure};
use rusqlite::Connection;

use crate::{
    approvals,
    holder::{self, Watch},
    options::Retention,
    runs,
    store::SqliteStore,
};

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Runs.
    pub runs: usize,
    /// Bytes of the database before and after.
    pub before: u64,
    /// See [`before`](Self::before).
    pub after: u64,
}

/// Pages that are given back to the disk in one step.
const PAGES: i64 = 1_000;
/// Runs that are looked at in one step.
const STEP: usize = 50;

impl SqliteStore {
    /// Removes what is beyond the retention, in many small steps, so that nobody waits long.
    pub async fn prune(&self, retention: Retention) -> Result<Pruned, StoreFailure> {
        self.gather().await;
        let mut pruned = Pruned { before: self.bytes().await?, ..Pruned::default() };
        let oldest = runs::now() - i64::try_from(retention.age.as_millis()).unwrap_or(i64::MAX);
        loop {
            // One that is only slow may go on with its runs.
            let old = self.read_with(move |connection, _, options| {
                let gone = |no| holder::has_ended(connection, &options.folder, no);
                Ok(runs::older(connection, oldest, STEP, gone)?)
            });
            let old = old.await?.unwrap_or_default();
            if old.is_empty() {
                break;
            }
            match self.remove(old).await? {
                // They are not what they were a moment ago.
                0 => break,
                removed => pruned.runs += removed,
            }
        }
        while self.bytes().await? > retention.bytes {
            let oldest = self.read_with(|connection, _, _| Ok(runs::oldest_ended(connection, STEP)?)).await?;
            let oldest = oldest.unwrap_or_default();
            if oldest.is_empty() {
                break;
            }
            match self.remove_while_larger(oldest, retention.bytes).await? {
                0 => break,
                removed => pruned.runs += removed,
            }
        }
        if pruned.before > 0 {
            self.write(|turn| {
                let sql = |error: rusqlite::Error| turn.at.sql(&error);
                let buried = holder::bury_all(turn.transaction, &turn.options.folder).map_err(sql)?;
                turn.after.extend(buried);
                let left = holder::nobodys(turn.transaction, &turn.options.folder).map_err(sql)?;
                turn.after.extend(left);
                approvals::forget_used(turn.transaction).map_err(sql)
            })
            .await?;
        }
        pruned.after = self.bytes().await?;
        Ok(pruned)
    }

    /// Removes these runs.
    async fn remove(&self, runs: Vec<RunId>) -> Result<usize, StoreFailure> {
        let mut count = 0;
        for run in runs {
            let removed = self.write(move |turn| {
                let sql = |error: rusqlite::Error| turn.at.sql(&error);
                let has_ended = |no| holder::has_ended(turn.transaction, &turn.options.folder, no);
                // Somebody may have taken it up meanwhile.
                if !runs::is_idle(turn.transaction, &run, has_ended).map_err(sql)? {
                    return Ok(0);
                }
                runs::remove(turn.transaction, &run).map_err(sql)?;
                give_back(turn.transaction).map_err(sql)?;
                Ok(1)
            });
            count += removed.await?;
        }
        Ok(count)
    }

    async fn remove_while_larger(&self, runs: Vec<RunId>, bytes: u64) -> Result<usize, StoreFailure> {
        let mut count = 0;
        for run in runs {
            if self.bytes().await? <= bytes {
                break;
            }
            count += self.remove(vec![run]).await?;
        }
        Ok(count)
    }

    /// Bytes that the database holds, without room that is free in it.
    async fn bytes(&self) -> Result<u64, StoreFailure> {
        Ok(self.read_with(|connection, _: &mut Watch, _| Ok(bytes(connection)?)).await?.unwrap_or(0))
    }
}

fn bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let pages = number("page_count")? - number("freelist_count")?;
    Ok(u64::try_from(pages * number("page_size")?).unwrap_or(0))
}

/// Gives room that is free in the database back to the disk, some of it.
fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    let mut vacuum = connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
    let mut rows = vacuum.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
