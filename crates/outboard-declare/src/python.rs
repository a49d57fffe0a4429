//! Python declarations of tools, from the type tree: what a stub file would say, as short as it can be said.
//! What an upstream says enters them only as an escaped literal, docstring or comment. It reads no schema itself.

mod lift;
mod namespace;
mod text;
mod tool;
mod types;

pub use crate::tool::{Declaration, Detail, ToolShape};
pub use namespace::declare_namespace;
pub use tool::declare_tool;
