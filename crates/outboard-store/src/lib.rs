//! Journals of runs in SQLite, shared by all Outboards of one user.
//!
//! One thread of the process writes ([`writer`]), many appends in one transaction; reading has a connection of its own.
//! Only this crate sees SQL. It decides nothing about runs.

mod approvals;
mod blobs;
mod chunk;
mod connection;
mod failure;
mod holder;
mod migrations;
mod options;
mod pending;
mod queue;
mod retention;
mod runs;
mod store;
mod writer;
mod writing;

pub use approvals::Fate;
pub use options::{Durability, Retention, StoreOptions};
pub use retention::Pruned;
pub use store::SqliteStore;
