//! What people are being asked by all Outboards of a user, the answers on their way back, and how often each approval was
//! used. An answer is a signed token, which whoever asked verifies; a use is taken in the transaction that records what
//! rests on it. Nothing here judges an answer.

use outboard_runtime::{
    approval::{Sheet, Spending},
    ids::QuestionId,
    journal::{StoreFailure, StoreTrouble},
};
use rusqlite::{OptionalExtension as _, Transaction, params};

use crate::{chunk::Unreadable, holder, store::SqliteStore, writer::Turn};

/// Takes one use of an approval; `false` if it has none left.
pub(crate) fn spend(transaction: &Transaction<'_>, spending: &Spending) -> rusqlite::Result<bool> {
    if spending.uses == 0 {
        return Ok(false);
    }
    let taken = transaction
        .prepare_cached(
            "INSERT INTO spent (key, used) VALUES (?1, 1)
             ON CONFLICT (key) DO UPDATE SET used = used + 1 WHERE used < ?2",
        )?
        .execute(params![spending.key, spending.uses])?;
    Ok(taken == 1)
}

/// Takes the questions away of Outboards that have ended: nobody waits for their answers.
fn forget_abandoned(turn: &Turn<'_>) -> rusqlite::Result<()> {
    let mut select =
        turn.transaction.prepare_cached("SELECT DISTINCT holder FROM questions WHERE holder <> ?1")?;
    let holders = select.query_map([turn.holder], |row| row.get::<_, i64>(0))?;
    for no in holders.collect::<rusqlite::Result<Vec<_>>>()? {
        if holder::has_ended(turn.transaction, &turn.options.folder, no)? {
            turn.transaction.execute("DELETE FROM questions WHERE holder = ?1", [no])?;
            holder::bury(turn.transaction, &turn.options.folder, no)?;
        }
    }
    Ok(())
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
