//! The guests as the runtime meets them: through the engine port.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod determinism;
mod host;
mod json;
mod large;
mod limits;
mod literate;
mod marshal;
mod python_limits;
mod slots;
