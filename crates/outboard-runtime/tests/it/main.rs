//! The runtime driven through its ports by fakes: a guest that only makes calls, upstreams that do as told.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod approvals;
mod broker;
mod catalogue;
mod checks;
mod fakes;
mod guard;
mod journal;
mod languages;
mod long;
mod observing;
mod parked;
mod preflight;
mod resume;
mod runs;
mod single;
mod terms;
