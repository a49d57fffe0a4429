//! The face as a client meets it: lines over a pair of byte streams, with a fake runtime behind.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails as the test does")]

mod approvals;
mod beside;
mod budgets;
mod calls;
mod changes;
mod client;
mod direct;
mod ends;
mod frames;
mod http;
mod longruns;
mod openings;
mod runtime;
