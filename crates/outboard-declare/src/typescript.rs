//! TypeScript declarations of tools, from the type tree.
//! What an upstream says enters them only as an escaped literal or an escaped comment. It reads no schema itself.

mod document;
mod module;
mod namespace;
mod tool;
mod types;

pub use crate::tool::{Declaration, Detail, Module, ToolShape};
pub use module::declare_module;
pub use namespace::declare_namespace;
pub use tool::declare_tool;
