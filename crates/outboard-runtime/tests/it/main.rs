//! The runtime driven through its ports by fakes: a guest that only makes calls, upstreams that do as told.

mod broker;
mod fakes;
mod journal;
mod runs;
