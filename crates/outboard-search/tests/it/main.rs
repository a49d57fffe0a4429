//! What the search finds in small catalogues, written by hand, and what it owes in any.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod catalogue;
mod difference;
mod finds;
mod hostile;
