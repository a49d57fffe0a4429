//! JSON Schema to TypeScript declarations, and safe names for namespaces and tools.
//! Pure: reads `serde_json` values, returns text; everything an upstream says is hostile input.
//! It does not validate arguments, fetch references or know what an upstream is.

pub mod model;
pub mod names;
pub mod schema;
pub mod summary;
pub mod text;
pub mod typescript;
