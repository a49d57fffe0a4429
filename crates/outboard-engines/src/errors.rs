//! What goes wrong with guests, by name: from a trap of WebAssembly to the reason why a run ended.
//! Talks to wasmtime's errors. Does not decide what a person reads: the runtime does.

use outboard_runtime::{limits::Limit, ports::engine::Stopped};
use wasmtime::Trap;

/// The engine itself cannot be set up on this machine.
#[derive(Debug, thiserror::Error)]
#[error("set up the sandbox: {what}")]
pub struct EngineBroken {
    /// What could not be done, as a lower-case fragment.
    pub what: &'static str,
    /// What wasmtime said.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl EngineBroken {
    pub(crate) fn new(what: &'static str, source: wasmtime::Error) -> Self {
        Self { what, source: source.into() }
    }
}

/// Raised by the host within a guest, to end it.
#[derive(Debug, thiserror::Error)]
#[error("stopped by the host: {0:?}")]
pub(crate) struct StopNow(pub(crate) Stopped);

/// Why an entry into a guest did not return. `memory_refused`: the guest was denied memory before.
pub(crate) fn stopped_by(error: &wasmtime::Error, memory_refused: bool) -> Stopped {
    if let Some(StopNow(stopped)) = error.downcast_ref() {
        return *stopped;
    }
    match error.downcast_ref() {
        Some(Trap::StackOverflow) => Stopped::Limit(Limit::Stack),
        // Out of memory where there is nobody to tell, QuickJS or its shim gives up; what exactly it
        // trips over then says nothing.
        Some(_) if memory_refused => Stopped::Limit(Limit::Memory),
        _ => Stopped::Broken,
    }
}
