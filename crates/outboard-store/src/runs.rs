//! The table of runs: who owns which, and what is known of them without reading their events.
//! Every append goes through [`append`], which checks the fencing number in the same transaction.

use std::{
    borrow::Cow,
    time::{SystemTime, UNIX_EPOCH},
};

use outboard_runtime::{
    clock::WallTime,
    ids::RunId,
    journal::{Ending, Event, Lease, Opened, Reader, RunEntry, RunState, Which},
    ports::engine::GuestAsk,
};
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, Transaction};

use crate::{
    blobs,
    chunk::{self, Packer, Unreadable},
    holder,
    options::StoreOptions,
};

/// Milliseconds by which lists may be behind for a run that writes without a pause.
const STALE: i64 = 1_000;
/// What follows the command in the rows of calls that its programs made: whoever takes up the command's runs leaves them alone.
pub const OF_PROGRAM: &str = ", program";
/// Characters of a title.
const TITLE: usize = 100;

/// What is written to one run in one transaction.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) lease: &'a Lease,
    pub(crate) events: Vec<Event>,
    pub(crate) redacted: bool,
    /// What was written of the run and is not counted in its row yet.
    pub(crate) uncounted: Counts,
    /// When it was written, in milliseconds since 1970.
    pub(crate) now: i64,
}

/// What lists tell of a run and is brought into its row now and then: a row that changed is a page to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    calls: i64,
    bytes: i64,
}

/// What became of a group.
#[derive(Debug)]
pub(crate) enum Appended {
    /// It is written; this is not counted yet.
    Done(Counts),
    /// The lease does not count any more.
    NotOwner,
    /// A run of this name has begun before.
    Taken,
}

/// Why a group was not written although it could be.
#[derive(Debug)]
pub(crate) enum AppendProblem {
    Sql(rusqlite::Error),
    Json(serde_json::Error),
}

impl From<rusqlite::Error> for AppendProblem {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// Now, in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Appends events to a run, if its lease still counts.
pub(crate) fn append(
    transaction: &Transaction<'_>,
    packer: &mut Packer,
    holder: i64,
    options: &StoreOptions,
    group: Group<'_>,
    written: &mut usize,
) -> Result<Appended, AppendProblem> {
    let Group { lease, events, redacted, uncounted, now } = group;
    if let Some(Event::Opened(opened)) = events.first()
        && !begin(transaction, holder, options, lease, opened, &events)?
    {
        return Ok(Appended::Taken);
    }
    let count = |kind: fn(&Event) -> bool| i64::try_from(events.iter().filter(|event| kind(event)).count());
    let calls = count(|event| matches!(event, Event::Intended(_))).unwrap_or(i64::MAX);
    let resumed = count(|event| matches!(event, Event::Resumed(_))).unwrap_or(i64::MAX);
    let ended = match events.last() {
        Some(Event::Ended(Ending::Value(_))) => 1,
        Some(Event::Ended(_)) => 2,
        _ => 0,
    };
    // Not by `RETURNING`, for which SQLite opens a table in memory each time.
    let own: Option<(i64, bool, Option<i64>)> = transaction
        .prepare_cached(
            "SELECT no, changed NOT BETWEEN ?4 - ?5 AND ?4, \
             (SELECT max(key) FROM chunks WHERE key >= no << 32 AND key < (no + 1) << 32) \
             FROM runs WHERE id = ?1 AND fence = ?2 AND holder = ?3 AND ended = 0",
        )?
        .query_row((lease.run.as_str(), fence(lease), holder, now, STALE), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((no, stale, last)) = own else { return Ok(Appended::NotOwner) };
    let chunk = packer.chunk(events).map_err(AppendProblem::Json)?;
    let mut bytes = chunk.body.len();
    for (hash, text) in &chunk.large {
        bytes += blobs::keep(transaction, packer, no, hash, text)?;
    }
    transaction
        .prepare_cached("INSERT INTO chunks (key, body) VALUES (?1, ?2)")?
        .execute((last.map_or(key(no, 0), |last| last + 1), chunk.body))?;
    *written += bytes;
    let Counts { calls, bytes } = Counts {
        calls: uncounted.calls + calls,
        bytes: uncounted.bytes.saturating_add(i64::try_from(bytes).unwrap_or(i64::MAX)),
    };
    if !stale && ended == 0 && resumed == 0 && !redacted {
        return Ok(Appended::Done(Counts { calls, bytes }));
    }
    transaction
        .prepare_cached(
            "UPDATE runs SET changed = ?2, calls = calls + ?3, bytes = bytes + ?4, resumed = resumed + ?5, \
             ended = ?6, redacted = max(redacted, ?7), holder = iif(?6, NULL, holder) WHERE no = ?1",
        )?
        .execute((no, now, calls, bytes, resumed, ended, redacted))?;
    Ok(Appended::Done(Counts::default()))
}

/// Brings counts into the row of a run that this owner has.
pub(crate) fn count(
    transaction: &Transaction<'_>,
    holder: i64,
    run: &RunId,
    Counts { calls, bytes }: Counts,
    now: i64,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "UPDATE runs SET changed = ?3, calls = calls + ?4, bytes = bytes + ?5 WHERE id = ?1 AND holder = ?2",
        )?
        .execute((run.as_str(), holder, now, calls, bytes))?;
    Ok(())
}

/// Enters a new run; `false` if its name is taken.
fn begin(
    transaction: &Transaction<'_>,
    holder: i64,
    options: &StoreOptions,
    lease: &Lease,
    opened: &Opened,
    events: &[Event],
) -> rusqlite::Result<bool> {
    let now = now();
    let entered = transaction
        .prepare_cached(
            "INSERT INTO runs (id, command, place, title, began, changed, holder, fence) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7) ON CONFLICT (id) DO NOTHING",
        )?
        .execute((
            lease.run.as_str(),
            command(opened, &options.command).as_ref(),
            &options.place,
            title(opened, events),
            now,
            holder,
            fence(lease),
        ))?;
    holder::renew(transaction, holder)?;
    Ok(entered == 1)
}

/// Who owns a run, if anybody does.
pub(crate) fn holder_of(connection: &Connection, run: &RunId) -> rusqlite::Result<Option<i64>> {
    let mut select = connection.prepare_cached("SELECT holder FROM runs WHERE id = ?1")?;
    Ok(select.query_row([run.as_str()], |row| row.get(0)).optional()?.flatten())
}

/// How a run stands to whoever had a lease of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may append.
    Ours,
    /// The run ended under this lease.
    Over,
    /// Another has it, or had it, or there is none.
    Others,
}

pub(crate) fn standing(connection: &Connection, holder: i64, lease: &Lease) -> rusqlite::Result<Standing> {
    let mut select = connection
        .prepare_cached("SELECT ended <> 0, holder IS ?3 FROM runs WHERE id = ?1 AND fence = ?2")?;
    let known = select.query_row((lease.run.as_str(), fence(lease), holder), |row| {
        Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?))
    });
    Ok(match known.optional()? {
        Some((true, _)) => Standing::Over,
        Some((false, true)) => Standing::Ours,
        Some((false, false)) | None => Standing::Others,
    })
}

/// Whether a run can be removed: it is over, nobody's, or its owner's process has ended.
pub(crate) fn is_idle(
    connection: &Connection,
    run: &RunId,
    has_ended: impl FnOnce(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<bool> {
    let mut select = connection.prepare_cached("SELECT holder FROM runs WHERE id = ?1 AND ended = 0")?;
    let holder: Option<Option<i64>> = select.query_row([run.as_str()], |row| row.get(0)).optional()?;
    holder.flatten().map_or(Ok(true), has_ended)
}

/// Takes a run over: gives its new fencing number. `is_free` says of its owner until now, if there is one, that its
/// leases have expired.
pub(crate) fn take(
    transaction: &Transaction<'_>,
    holder: i64,
    run: &RunId,
    is_free: bool,
) -> rusqlite::Result<Result<u64, &'static str>> {
    let known: Option<(bool, i64, bool)> = transaction
        .prepare_cached("SELECT holder IS NULL, fence, ended <> 0 FROM runs WHERE id = ?1")?
        .query_row([run.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let fence = match known {
        None => return Ok(Err("no run of this name is known")),
        Some((_, _, true)) => return Ok(Err("the run has ended")),
        Some((nobodys, fence, false)) if nobodys || is_free => fence,
        Some(_) => return Ok(Err("an Outboard that is under way owns the run")),
    };
    transaction
        .prepare_cached("UPDATE runs SET holder = ?2, fence = fence + 1 WHERE id = ?1")?
        .execute((run.as_str(), holder))?;
    holder::renew(transaction, holder)?;
    Ok(Ok(u64::try_from(fence + 1).unwrap_or(0)))
}

/// Lets a run go; `false` if the lease does not count. From here on counts for how long nobody has had it.
pub(crate) fn release(transaction: &Transaction<'_>, holder: i64, lease: &Lease) -> rusqlite::Result<bool> {
    let released = transaction
        .prepare_cached(
            "UPDATE runs SET holder = NULL, changed = ?4 WHERE id = ?1 AND fence = ?2 AND holder = ?3 AND ended = 0",
        )?
        .execute((lease.run.as_str(), fence(lease), holder, now()))?;
    Ok(released == 1)
}

/// Removes a run with all that only it holds.
pub(crate) fn remove(transaction: &Transaction<'_>, run: &RunId) -> rusqlite::Result<()> {
    let gone: Option<i64> = transaction
        .prepare_cached("DELETE FROM runs WHERE id = ?1 RETURNING no")?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?;
    if let Some(no) = gone {
        transaction
            .prepare_cached("DELETE FROM chunks WHERE key >= ?1 AND key < ?2")?
            .execute((key(no, 0), key(no + 1, 0)))?;
        blobs::drop_of(transaction, no)?;
    }
    Ok(())
}

/// The events of a run, in order; none if it is not known.
pub(crate) fn read(connection: &Connection, run: &RunId) -> Result<Vec<Event>, Unreadable> {
    let no: Option<i64> = connection
        .prepare_cached("SELECT no FROM runs WHERE id = ?1")?
        .query_row([run.as_str()], |row| row.get(0))
        .optional()?;
    let Some(no) = no else { return Ok(Vec::new()) };
    let mut select =
        connection.prepare_cached("SELECT body FROM chunks WHERE key >= ?1 AND key < ?2 ORDER BY key")?;
    let mut rows = select.query((key(no, 0), key(no + 1, 0)))?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(0)?;
        events.extend(chunk::events(&body, &mut |hash| blobs::find(connection, hash))?);
    }
    Ok(events)
}

/// Names beyond this many are not told apart any more.
const NAMED: i64 = 100;

/// Runs, newest first; `expired` says of an owner whether its leases have.
pub(crate) fn list(
    connection: &Connection,
    which: &Which,
    mut expired: impl FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<RunEntry>> {
    const COLUMNS: &str = "SELECT id, command, place, title, began, changed, ended, calls, bytes, resumed, redacted, holder FROM runs";
    let mut entries = Vec::new();
    let mut take = |rows: &mut Rows<'_>| {
        while let Some(row) = rows.next()? {
            entries.push(entry(row, &mut expired)?);
        }
        Ok::<_, rusqlite::Error>(())
    };
    let select = |rest: &str| connection.prepare_cached(&format!("{COLUMNS} {rest}"));
    match which {
        Which::Newest(most) => {
            let most = i64::try_from(*most).unwrap_or(i64::MAX);
            take(&mut select("ORDER BY no DESC LIMIT ?1")?.query([most])?)?;
        }
        Which::Unfinished => take(&mut select("WHERE ended = 0 ORDER BY no DESC")?.query([])?)?,
        Which::Named(start) => {
            let mut named =
                select("WHERE id >= ?1 AND substr(id, 1, length(?1)) = ?1 ORDER BY no DESC LIMIT ?2")?;
            take(&mut named.query((start, NAMED))?)?;
        }
    }
    Ok(entries)
}

fn entry(
    row: &Row<'_>,
    expired: &mut dyn FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<RunEntry> {
    let count = |at: usize| row.get(at).map(|number: i64| u64::try_from(number).unwrap_or(0));
    let id: String = row.get(0)?;
    let (ended, holder): (i64, Option<i64>) = (row.get(6)?, row.get(11)?);
    let state = match (ended, holder) {
        (1, _) => RunState::Ended,
        (2.., _) => RunState::Failed,
        (_, None) => RunState::Waiting,
        (_, Some(holder)) if expired(holder)? => RunState::Interrupted,
        (_, Some(_)) => RunState::Running,
    };
    Ok(RunEntry {
        id: RunId::new(id),
        command: row.get(1)?,
        place: row.get(2)?,
        title: row.get(3)?,
        state,
        began: WallTime(count(4)?),
        changed: WallTime(count(5)?),
        calls: count(7)?,
        bytes: count(8)?,
        resumed: count(9)?,
        redacted: row.get(10)?,
    })
}

/// Runs of which nothing was recorded since then, and that nobody owns.
pub(crate) fn older(
    connection: &Connection,
    than: i64,
    most: usize,
    mut expired: impl FnMut(i64) -> rusqlite::Result<bool>,
) -> rusqlite::Result<Vec<RunId>> {
    let mut select = connection
        .prepare_cached("SELECT id, ended, holder FROM runs WHERE changed < ?1 ORDER BY changed")?;
    let mut rows = select.query([than])?;
    let mut old = Vec::new();
    while old.len() < most
        && let Some(row) = rows.next()?
    {
        let (ended, holder): (bool, Option<i64>) = (row.get(1)?, row.get(2)?);
        let is_owned =
            !ended && holder.map_or(Ok(false), |holder| expired(holder).map(|expired| !expired))?;
        if !is_owned {
            old.push(RunId::new(row.get::<_, String>(0)?));
        }
    }
    Ok(old)
}

/// The runs that are over for the longest time.
pub(crate) fn oldest_ended(connection: &Connection, most: usize) -> rusqlite::Result<Vec<RunId>> {
    let mut select =
        connection.prepare_cached("SELECT id FROM runs WHERE ended <> 0 ORDER BY changed LIMIT ?1")?;
    let ids = select.query_map([i64::try_from(most).unwrap_or(i64::MAX)], |row| row.get::<_, String>(0))?;
    ids.map(|id| id.map(RunId::new)).collect()
}

/// What began a run: of a call that a program made, whose programs they are.
fn command<'a>(opened: &Opened, command: &'a str) -> Cow<'a, str> {
    match opened.reading.reader {
        _ if !opened.source.is_empty() => Cow::Borrowed(command),
        Some(Reader::Workspace | Reader::Unknown) => Cow::Owned(format!("{command}{OF_PROGRAM}")),
        Some(Reader::Model) => Cow::Borrowed(command),
        Some(Reader::Asker) | None => Cow::Borrowed("call"),
    }
}

/// Of a script its first line that says something; of a single call the tool.
fn title(opened: &Opened, events: &[Event]) -> String {
    let single = events.iter().find_map(|event| match event {
        Event::Asked(request) if opened.source.is_empty() => match &request.what {
            GuestAsk::Call { namespace, tool, .. } => Some(format!("{namespace}.{tool}")),
            GuestAsk::Request { namespace, method, .. } => Some(format!("{namespace} {method}")),
            _ => None,
        },
        _ => None,
    });
    let says_something = |line: &&str| line.chars().any(char::is_alphanumeric);
    let line = || opened.source.lines().map(str::trim).find(says_something).unwrap_or_default().to_owned();
    single.unwrap_or_else(line).chars().take(TITLE).collect()
}

fn key(run: i64, number: i64) -> i64 {
    (run << 32) | number
}

fn fence(lease: &Lease) -> i64 {
    i64::try_from(lease.fence).unwrap_or(i64::MAX)
}
