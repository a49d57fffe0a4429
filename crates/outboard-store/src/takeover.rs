//! What other owners logged and did not bring into the database themselves is brought in by whoever takes their runs over,
//! or looks after they have gone; until then whoever reads a run reads it there.

use std::path::Path;

use outboard_runtime::{
    ids::RunId,
    journal::{Event, StoreFailure},
};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::{
    chunk::{Packer, Unreadable},
    holder,
    job::{After, Turn},
    log,
    runs::{self, Appended, Counts, Group},
    store::SqliteStore,
};

/// Brings in what this owner logged. What it logs afterwards does not count before it has looked at the database.
pub(crate) fn bring_in(turn: &mut Turn<'_>, owner: i64) -> Result<(), StoreFailure> {
    let (transaction, at, folder) = (turn.transaction, turn.at, &turn.options.folder);
    let sql = |error: rusqlite::Error| at.sql(&error);
    let Some(id) = id_of(transaction, owner).map_err(sql)? else { return Ok(()) };
    let log::Contents { records, is_damaged } =
        log::take_over(folder, &id).map_err(|error| at.log(&error))?;
    if is_damaged {
        tracing::error!(owner = id, "the end of what another Outboard has logged is damaged");
    }
    let drained = holder::drained(transaction, owner).map_err(sql)?;
    let (mut packer, mut bytes) = (Packer::default(), 0);
    let last = log::after(drained, &records).last().map_or(drained, |record| record.no);
    // What was written then does not become new by being brought in.
    let now = log::written(folder, &id).map_or_else(runs::now, |written| written.min(runs::now()));
    for logged in log::by_run(log::after(drained, &records)) {
        let (lease, run) = (&logged.lease, logged.lease.run.clone());
        let (events, redacted) = (logged.events, logged.redacted);
        let group = Group { lease, events, redacted, uncounted: Counts::default(), now };
        let appended = runs::append(transaction, &mut packer, owner, turn.options, group, &mut bytes);
        match appended.map_err(|problem| at.append(problem))? {
            Appended::Done(uncounted) => {
                runs::count(transaction, owner, &run, uncounted, now).map_err(sql)?;
            }
            Appended::NotOwner | Appended::Taken => tracing::debug!(%run, "logged after it was taken over"),
        }
    }
    if last > drained {
        holder::set_drained(transaction, owner, last).map_err(sql)?;
    }
    if holder::is_gone(folder, &id) {
        turn.after.push(After::Settle(id));
    }
    let buried = holder::bury(transaction, folder, owner).map_err(sql)?;
    turn.after.extend(buried);
    Ok(())
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
        let gone = gone.await.unwrap_or_default();
        if gone.is_empty() {
            return;
        }
        // Logs of a database that was moved away are nothing for this one.
        let known = self.reading(move |connection, _, _| {
            let known = gone.iter().map(|id| no_of(connection, id));
            Ok(known.collect::<rusqlite::Result<Vec<_>>>()?)
        });
        let known: Vec<i64> = known.await.ok().flatten().unwrap_or_default().into_iter().flatten().collect();
        if known.is_empty() {
            return;
        }
        for owner in known {
            if let Err(error) = self.write(move |turn| bring_in(turn, owner)).await {
                tracing::debug!(%error, "what another Outboard logged is not brought in yet");
            }
        }
    }
}

/// All events of a run, those that its owner has only logged among them.
pub(crate) fn read(connection: &Connection, folder: &Path, run: &RunId) -> Result<Vec<Event>, Unreadable> {
    loop {
        // The log first: what it loses afterwards is in the database, and each transaction that adds to that has a number.
        let before = owner_of(connection, run)?;
        let records = match &before {
            Some(Owner { id, .. }) => log::look(folder, id).map_err(Unreadable::Log)?.records,
            None => Vec::new(),
        };
        let snapshot = connection.unchecked_transaction()?;
        let owner = owner_of(&snapshot, run)?;
        let mut events = runs::read(&snapshot, run)?;
        snapshot.finish()?;
        match (&before, &owner) {
            (Some(before), Some(Owner { id, fence, drained })) if before.id == *id => {
                let logged = log::by_run(log::after(*drained, &records)).into_iter();
                let of_run = logged.filter(|logged| logged.lease.run == *run && logged.lease.fence == *fence);
                events.extend(of_run.flat_map(|logged| logged.events));
                return Ok(events);
            }
            (_, None) => return Ok(events),
            // Another has taken it over meanwhile.
            (_, Some(_)) => {}
        }
    }
}

/// Who may append to a run, and how far its log is in the database.
struct Owner {
    id: String,
    drained: i64,
    fence: u64,
}

fn owner_of(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<Owner>> {
    let mut select = connection.prepare_cached(
        "SELECT owners.id, drained, fence FROM runs JOIN owners ON holder = owners.no WHERE runs.id = ?1",
    )?;
    let owner = select.query_row([run.as_str()], |row| {
        let fence = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
        Ok(Owner { id: row.get(0)?, drained: row.get(1)?, fence })
    });
    owner.optional()
}

fn id_of(transaction: &Transaction<'_>, owner: i64) -> rusqlite::Result<Option<String>> {
    let mut select = transaction.prepare_cached("SELECT id FROM owners WHERE no = ?1")?;
    select.query_row([owner], |row| row.get(0)).optional()
}

fn no_of(connection: &Connection, id: &str) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT no FROM owners WHERE id = ?1")?;
    select.query_row([id], |row| row.get(0)).optional()
}
