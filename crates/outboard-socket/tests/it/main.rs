//! The socket with a runtime behind it whose upstream does as told. The peer is written by hand, because a client would hide
//! what is on the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod package;
mod peer;
mod serving;
mod world;
