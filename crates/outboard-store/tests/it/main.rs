//! The store against a database on disk: order, owners, several processes' worth of stores, and what goes wrong.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod approvals;
mod events;
mod keeping;
mod owners;
mod troubles;
