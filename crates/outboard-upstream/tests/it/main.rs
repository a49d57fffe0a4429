//! The fleet against the scripted fixture, over stdio and HTTP, with permits from a real gate.
//! Parsing alone is tested beside the parsers; nothing here looks inside the crate.

mod calls;
mod catalogues;
mod changes;
mod direct;
mod gate;
mod http;
mod listing;
mod load;
mod loss;
mod processes;
mod rig;
mod start;
