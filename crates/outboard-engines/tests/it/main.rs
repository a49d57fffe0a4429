//! The QuickJS guest as the runtime meets it: through the engine port.

mod host;
mod literate;
