//! What people are being asked by all Outboards of a user, the answers on their way back, and how often each approval was
//! used. An answer is a signed token, which whoever asked verifies; a use is taken in the transaction that records what
//! rests on it. Nothing here judges an answer.

use std::path::Path;

use outboard_runtime::{
    approval::{Sheet, Spending},
    ids::{QuestionId, RunId},
    journal::{StoreFailure, StoreTrouble},
};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::{chunk::Unreadable, holder, job::Turn, runs, store::SqliteStore};

/// Takes one use of an approval for this run; `false` if it has none left.
pub(crate) fn spend(
    transaction: &Transaction<'_>,
    run: &RunId,
    spending: &Spending,
) -> rusqlite::Result<bool> {
    if spending.uses == 0 {
        return Ok(false);
    }
    let taken = transaction
        .prepare_cached(
            "INSERT INTO spent (key, used, run, at) VALUES (?1, 1, ?3, ?4)
             ON CONFLICT (key) DO UPDATE SET used = used + 1, at = ?4 WHERE used < ?2",
        )?
        .execute(params![spending.key, spending.uses, run.as_str(), runs::now()])?;
    Ok(taken == 1)
}

/// How long these are known at least, in milliseconds: longer than any approval holds.
const KNOWN: i64 = 86_400_000;

/// Forgets uses of approvals whose run has ended, or is not there any more: nothing is recorded of it from then on, whatever
/// the date. They are known for a day all the same, so that one that was used does not pass for new in another run either.
/// Forgets as well which answers were taken.
pub(crate) fn forget_used(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let before = runs::now() - KNOWN;
    transaction.execute(
        "DELETE FROM spent WHERE coalesce(at, 0) < ?1 AND NOT EXISTS (
           SELECT 1 FROM runs WHERE ended = 0 AND (spent.run IS NULL OR runs.id = spent.run))",
        [before],
    )?;
    transaction.execute("DELETE FROM taken WHERE at < ?1", [before])?;
    Ok(())
}

/// Takes the questions away of Outboards that have ended: nobody waits for their answers.
fn forget_abandoned(turn: &mut Turn<'_>) -> rusqlite::Result<()> {
    let mut select =
        turn.transaction.prepare_cached("SELECT DISTINCT holder FROM questions WHERE holder <> ?1")?;
    let holders = select.query_map([turn.holder], |row| row.get::<_, i64>(0))?;
    for no in holders.collect::<rusqlite::Result<Vec<_>>>()? {
        if holder::has_ended(turn.transaction, &turn.options.folder, no)? {
            turn.transaction.execute("DELETE FROM questions WHERE holder = ?1", [no])?;
            let buried = holder::bury(turn.transaction, &turn.options.folder, no)?;
            turn.after.extend(buried);
        }
    }
    Ok(())
}

/// What became of an answer that was left for whoever asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It lies there.
    Waits,
    /// It lies there, and whoever asked has ended.
    Abandoned,
    /// Whoever asked has taken it.
    Taken,
    /// Whoever asked has thrown it away, and the question is open.
    Refused,
    /// The question was closed before.
    Closed,
}

fn fate(transaction: &Transaction<'_>, folder: &Path, id: &QuestionId) -> rusqlite::Result<Fate> {
    if transaction.execute("DELETE FROM taken WHERE id = ?1", [id.as_str()])? == 1 {
        return Ok(Fate::Taken);
    }
    let asked: Option<(i64, bool)> = transaction
        .prepare_cached("SELECT holder, answer IS NULL FROM questions WHERE id = ?1")?
        .query_row([id.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(match asked {
        None => Fate::Closed,
        Some((_, true)) => Fate::Refused,
        Some((holder, false)) if holder::has_ended(transaction, folder, holder)? => Fate::Abandoned,
        Some((_, false)) => Fate::Waits,
    })
}

/// What people are being asked.
impl SqliteStore {
    /// Lets other Outboards see a question of this one, and takes those away that others left behind.
    pub async fn ask(&self, sheet: &Sheet) -> Result<(), StoreFailure> {
        let (id, sheet) = (sheet.id.clone(), serde_json::to_string(sheet));
        self.write(move |turn| {
            let sheet = sheet.map_err(|error| turn.at.failure(StoreTrouble::Other, error.to_string()))?;
            forget_abandoned(turn).map_err(|error| turn.at.sql(&error))?;
            let insert = "INSERT OR IGNORE INTO questions (id, holder, sheet) VALUES (?1, ?2, ?3)";
            let asked = turn.transaction.execute(insert, params![id.as_str(), turn.holder, sheet]);
            asked.map(drop).map_err(|error| turn.at.sql(&error))
        })
        .await
    }

    /// Takes a question away: it is answered, or nobody wants to know any more.
    pub async fn take_back(&self, id: &QuestionId) -> Result<(), StoreFailure> {
        let id = id.clone();
        self.write(move |turn| {
            let gone = turn.transaction.execute("DELETE FROM questions WHERE id = ?1", [id.as_str()]);
            gone.map(drop).map_err(|error| turn.at.sql(&error))
        })
        .await
    }

    /// The questions that wait for an answer, of all Outboards that are there. What cannot be read is left out.
    pub async fn questions(&self) -> Result<Vec<Sheet>, StoreFailure> {
        let listed = self.read_with(|connection, _, options| {
            let mut select =
                connection.prepare_cached("SELECT holder, sheet FROM questions WHERE answer IS NULL")?;
            let rows = select.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
            let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            let mut sheets = Vec::new();
            for (no, sheet) in rows {
                let sheet = serde_json::from_str(&sheet).ok().filter(Sheet::is_sound);
                if let Some(sheet) = sheet
                    && !holder::has_ended(connection, &options.folder, no)?
                {
                    sheets.push(sheet);
                }
            }
            Ok::<_, Unreadable>(sheets)
        });
        let mut sheets = listed.await?.unwrap_or_default();
        sheets.sort_by_key(|sheet| sheet.expires);
        Ok(sheets)
    }

    /// Hands a signed answer to whoever asked; `false` if there is no such question without one.
    pub async fn answer(&self, id: &QuestionId, token: String) -> Result<bool, StoreFailure> {
        let id = id.clone();
        self.write(move |turn| {
            let update = "UPDATE questions SET answer = ?2 WHERE id = ?1 AND answer IS NULL";
            let answered = turn.transaction.execute(update, params![id.as_str(), token]);
            answered.map(|rows| rows == 1).map_err(|error| turn.at.sql(&error))
        })
        .await
    }

    /// The answer to a question, once there is one.
    pub async fn answered(&self, id: &QuestionId) -> Result<Option<String>, StoreFailure> {
        let id = id.clone();
        let read = self.read_with(move |connection, _, _| {
            let select = "SELECT answer FROM questions WHERE id = ?1 AND answer IS NOT NULL";
            let mut select = connection.prepare_cached(select)?;
            Ok::<_, Unreadable>(select.query_row([id.as_str()], |row| row.get(0)).optional()?)
        });
        Ok(read.await?.flatten())
    }

    /// Says to whoever left the answer to a question that it was taken.
    pub async fn took(&self, id: &QuestionId) -> Result<(), StoreFailure> {
        let id = id.clone();
        self.write(move |turn| {
            let insert = "INSERT OR IGNORE INTO taken (id, at) VALUES (?1, ?2)";
            let took = turn.transaction.execute(insert, params![id.as_str(), runs::now()]);
            took.map(drop).map_err(|error| turn.at.sql(&error))
        })
        .await
    }

    /// What became of an answer that was left here. That it was taken is told once.
    pub async fn fate(&self, id: &QuestionId) -> Result<Fate, StoreFailure> {
        let id = id.clone();
        self.write(move |turn| {
            let fate = fate(turn.transaction, &turn.options.folder, &id);
            fate.map_err(|error| turn.at.sql(&error))
        })
        .await
    }

    /// Throws an answer away that was no good, so that the question can be answered.
    pub async fn refuse_answer(&self, id: &QuestionId) -> Result<(), StoreFailure> {
        let id = id.clone();
        self.write(move |turn| {
            let refused =
                turn.transaction.execute("UPDATE questions SET answer = NULL WHERE id = ?1", [id.as_str()]);
            refused.map(drop).map_err(|error| turn.at.sql(&error))
        })
        .await
    }
}
