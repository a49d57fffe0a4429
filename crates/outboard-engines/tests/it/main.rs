//! The QuickJS guest as the runtime meets it: through the engine port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod determinism;
mod host;
mod json;
mod large;
mod limits;
mod literate;
mod slots;
