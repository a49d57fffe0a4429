//! Journals of runs in SQLite, shared by all Outboards of one user.
//!
//! Only this crate sees SQL. It decides nothing about runs.
