//! Python declarations of tools, from the type tree: what a stub file would say, as short as it can be said.
//! What an upstream says enters them only as an escaped literal, docstring or comment. It reads no schema itself.

mod lift;
mod module;
mod namespace;
mod text;
mod tool;
mod types;

pub use crate::tool::{Declaration, Detail, Module, ToolShape};
pub use module::declare_module;
pub use namespace::declare_namespace;
pub use text::{in_three_quotes, literal};
pub use tool::declare_tool;
