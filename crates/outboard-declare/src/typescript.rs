//! TypeScript declarations of tools, from the type tree.
//! What an upstream says enters them only as an escaped literal or an escaped comment. It reads no schema itself.

mod document;
mod namespace;
mod scope;
mod tool;
mod types;

use serde_json::Value;

use crate::schema::Warning;

pub use namespace::declare_namespace;
pub use tool::declare_tool;

/// A tool as far as its declaration is concerned.
#[derive(Debug, Clone, Copy)]
pub struct ToolShape<'a> {
    /// The identifier of its namespace, from [`names`](crate::names).
    pub namespace: &'a str,
    /// Its identifier in the namespace.
    pub identifier: &'a str,
    /// What the upstream says of it.
    pub description: Option<&'a str>,
    /// The schema of its arguments.
    pub input: Option<&'a Value>,
    /// The schema of its result; a bare `{ result: … }` wrapper is declared as what is inside.
    pub output: Option<&'a Value>,
}

/// How much a declaration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detail {
    /// The name and the first sentence of the description.
    Name,
    /// Also the types. Long enums are shortened, and what is nested too deep for 6,000 characters is `any`.
    Signature,
    /// Also all descriptions, defaults, formats and ranges, as comments.
    Full,
}

/// A declaration, whole and in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declaration {
    /// The whole declaration, without a line break at its end.
    pub text: String,
    /// `namespace.tool(input: …): Promise<…>`, or just the name for [`Detail::Name`].
    pub signature: String,
    /// `type X = …`, one for each local type that the signature needs.
    pub types: Vec<String>,
    /// The first sentence of the description, fit for a comment, if there is one.
    pub summary: Option<String>,
    /// What was odd about the schemas.
    pub warnings: Vec<Warning>,
}
