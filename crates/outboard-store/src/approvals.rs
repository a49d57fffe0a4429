//! Single-use approvals, used up in the transaction that records what rests on them.
//! There are none yet: every one is unknown.

use outboard_runtime::ids::{RunId, TokenId};
use rusqlite::Transaction;

/// Uses up an approval; `false` if it is unknown, used, stale or of another run.
#[expect(clippy::unnecessary_wraps, reason = "it will ask the database")]
pub(crate) fn spend(_: &Transaction<'_>, _run: &RunId, _token: &TokenId) -> rusqlite::Result<bool> {
    Ok(false)
}
