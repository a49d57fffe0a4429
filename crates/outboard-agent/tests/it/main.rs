//! Agents against the fake APIs of both kinds: the loop, what is billed, faults, keys.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod apis;
mod examples;
