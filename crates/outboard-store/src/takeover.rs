//! What other owners logged and did not bring into the database themselves is brought in by whoever takes their runs over,
//! or looks after they have gone.

use std::path::Path;

use outboard_runtime::{
    ids::RunId,
    journal::{Event, StoreFailure},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::{
    chunk::{Packer, Unreadable},
    holder,
    job::Turn,
    log,
    runs::{self, Appended, Counts, Group},
    store::SqliteStore,
};

/// Brings in what this owner logged. What it logs afterwards does not count before it has looked at the database.
pub(crate) fn bring_in(turn: &Turn<'_>, owner: i64) -> Result<(), StoreFailure> {
    let (transaction, at, folder) = (turn.transaction, turn.at, &turn.options.folder);
    let sql = |error: rusqlite::Error| at.sql(&error);
    let Some(id) = id_of(transaction, owner).map_err(sql)? else { return Ok(()) };
    let records = log::take_over(folder, &id).map_err(|error| at.io(&error))?;
    let drained = holder::drained(transaction, owner).map_err(sql)?;
    let (mut packer, mut bytes) = (Packer::new(), 0);
    let Some(last) = log::after(drained, &records).last() else { return Ok(()) };
    for logged in log::by_run(log::after(drained, &records)) {
        let run = logged.lease.run.clone();
        let group = Group {
            lease: &logged.lease,
            events: logged.events,
            redacted: logged.redacted,
            uncounted: Counts::default(),
        };
        let appended = runs::append(transaction, &mut packer, owner, turn.options, group, &mut bytes);
        match appended.map_err(|problem| at.append(problem))? {
            Appended::Done(uncounted) => runs::count(transaction, owner, &run, uncounted).map_err(sql)?,
            Appended::NotOwner | Appended::Taken => tracing::debug!(%run, "logged after it was taken over"),
        }
    }
    holder::is_drained(transaction, owner, last.no).map_err(sql)
}

impl SqliteStore {
    /// Brings in what owners that are gone have logged. That it cannot be done now loses nothing: it is done when somebody
    /// looks again, or takes a run over.
    pub(crate) async fn gather(&self) {
        let folder = self.folder().to_owned();
        let gone = tokio::task::spawn_blocking(move || {
            let owners = log::owners(&folder).into_iter();
            owners.filter(|id| holder::is_gone(&folder, id)).collect::<Vec<_>>()
        });
        for id in gone.await.unwrap_or_default() {
            let done = self.write(move |turn| {
                let sql = |error: rusqlite::Error| turn.at.sql(&error);
                let Some(owner) = no_of(turn.transaction, &id).map_err(sql)? else { return Ok(()) };
                bring_in(turn, owner)?;
                holder::bury(turn.transaction, &turn.options.folder, owner).map_err(sql)
            });
            if let Err(error) = done.await {
                tracing::debug!(%error, "what another Outboard logged is not brought in yet");
            }
        }
    }
}

/// All events of a run, those that its owner has only logged among them.
pub(crate) fn read(connection: &Connection, folder: &Path, run: &RunId) -> Result<Vec<Event>, Unreadable> {
    loop {
        let owned = owner_of(connection, run)?;
        let mut events = runs::read(connection, run)?;
        let Some(Owner { id, drained, fence }) = &owned else { return Ok(events) };
        let records = log::look(folder, id).map_err(|error| Unreadable::Damaged(error.to_string()))?;
        let logged = log::by_run(log::after(*drained, &records)).into_iter();
        let of_run = logged.filter(|logged| logged.lease.run == *run && logged.lease.fence == *fence);
        events.extend(of_run.flat_map(|logged| logged.events));
        // Else what was logged came into the database meanwhile.
        if owner_of(connection, run)? == owned {
            return Ok(events);
        }
    }
}

/// Who may append to a run, and how far its log is in the database.
#[derive(PartialEq, Eq)]
struct Owner {
    id: String,
    drained: i64,
    fence: u64,
}

fn owner_of(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<Owner>> {
    let mut select = connection.prepare_cached(
        "SELECT holders.id, drained, fence FROM runs JOIN holders ON holder = holders.no WHERE runs.id = ?1",
    )?;
    let owner = select.query_row([run.as_str()], |row| {
        let fence = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        Ok(Owner { id: row.get(0)?, drained: row.get(1)?, fence })
    });
    owner.optional()
}

fn id_of(transaction: &Transaction<'_>, owner: i64) -> rusqlite::Result<Option<String>> {
    let mut select = transaction.prepare_cached("SELECT id FROM holders WHERE no = ?1")?;
    select.query_row([owner], |row| row.get(0)).optional()
}

fn no_of(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<Option<i64>> {
    let mut select = transaction.prepare_cached("SELECT no FROM holders WHERE id = ?1")?;
    select.query_row([id], |row| row.get(0)).optional()
}
