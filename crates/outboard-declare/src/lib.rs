//! JSON Schema to TypeScript and Python declarations, and safe names for namespaces and tools.
//! Pure: reads `serde_json` values, returns text; everything an upstream says is hostile input.
//! It does not validate arguments, fetch references or know what an upstream is.

pub mod model;
pub mod names;
pub mod observed;
pub mod python;
mod remark;
pub mod schema;
mod scope;
pub mod summary;
pub mod text;
mod tool;
pub mod typescript;
