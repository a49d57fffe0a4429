//! Journals of runs in SQLite, shared by all Outboards of one user.
//!
//! What a call waits for is written to a log of this process ([`log`]); a thread brings it into the database ([`writer`]), many
//! appends in one transaction. Reading has a connection of its own.
//! Only this crate sees SQL. It decides nothing about runs.

mod ahead;
mod approvals;
mod blobs;
mod chunk;
mod connection;
mod drain;
mod failure;
mod holder;
mod job;
mod log;
mod migrations;
mod options;
mod pending;
mod queue;
mod retention;
mod runs;
mod store;
mod takeover;
mod writer;
mod writing;

pub use approvals::Fate;
pub use options::{Durability, Retention, StoreOptions};
pub use retention::Pruned;
pub use runs::OF_PROGRAM;
pub use store::SqliteStore;
