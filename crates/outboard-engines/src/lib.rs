//! WebAssembly guests behind the runtime's engine port: wasmtime, its pool of slots, and the
//! enforcement of what only the host can enforce (processor time, memory, stack, stopping).
//!
//! Knows nothing of tools, policy or upstreams: a guest's requests are handed out and its answers
//! handed in. [`quickjs`] is the guest for TypeScript and JavaScript, [`cpython`] the one for Python.

pub mod cpython;
mod entering;
pub mod errors;
mod flags;
pub mod limits;
mod opening;
pub mod pool;
pub mod quickjs;
pub mod ticker;
mod wire;

pub use cpython::CPython;
pub use errors::EngineBroken;
pub use pool::PoolOptions;
pub use quickjs::QuickJs;
