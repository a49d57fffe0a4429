//! The QuickJS guest as the runtime meets it: through the engine port.

mod determinism;
mod host;
mod large;
mod limits;
mod literate;
mod slots;
