//! Large values: each is stored once, however many runs hold it, and goes with the last of them.
//! It does not know what a value means.

use rusqlite::{Connection, OptionalExtension as _, Transaction};

use crate::chunk::{Hash, Packer};

/// Stores a value for a run. Gives the bytes that it took.
pub(crate) fn keep(
    transaction: &Transaction<'_>,
    packer: &mut Packer,
    run: i64,
    hash: &Hash,
    text: &str,
) -> rusqlite::Result<usize> {
    let known: Option<i64> = transaction
        .prepare_cached("SELECT 1 FROM blobs WHERE hash = ?1")?
        .query_row([&hash[..]], |row| row.get(0))
        .optional()?;
    let mut took = 0;
    if known.is_none() {
        let body = packer.pack(text.as_bytes());
        took = body.len();
        transaction
            .prepare_cached("INSERT INTO blobs (hash, body) VALUES (?1, ?2)")?
            .execute((&hash[..], body))?;
    }
    transaction
        .prepare_cached("INSERT OR IGNORE INTO blob_uses (run, hash) VALUES (?1, ?2)")?
        .execute((run, &hash[..]))?;
    Ok(took)
}

/// The packed body of a value.
pub(crate) fn find(connection: &Connection, hash: &[u8]) -> rusqlite::Result<Vec<u8>> {
    connection.prepare_cached("SELECT body FROM blobs WHERE hash = ?1")?.query_row([hash], |row| row.get(0))
}

/// Removes the values that only this run holds.
pub(crate) fn drop_of(transaction: &Transaction<'_>, run: i64) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "DELETE FROM blobs WHERE hash IN (SELECT hash FROM blob_uses WHERE run = ?1) AND NOT EXISTS \
             (SELECT 1 FROM blob_uses WHERE hash = blobs.hash AND run <> ?1)",
        )?
        .execute([run])?;
    transaction.prepare_cached("DELETE FROM blob_uses WHERE run = ?1")?.execute([run])?;
    Ok(())
}
