//! The face as a client meets it: lines over a pair of byte streams, with a fake runtime behind.

mod budgets;
mod calls;
mod changes;
mod client;
mod ends;
mod frames;
mod openings;
mod runtime;
