//! Names under which scripts reach namespaces and tools: valid, close to the original, reversible.
//! The same spelling serves TypeScript and Python. It knows nothing of schemas.

mod assign;
mod identifier;
mod portable;
mod reserved;

pub use assign::Names;
pub use identifier::{identifier, is_identifier};
pub(crate) use portable::is_portable;
pub use portable::{Portable, portable_names};
pub use reserved::{RESERVED_NAMESPACES, RESERVED_WORDS};
