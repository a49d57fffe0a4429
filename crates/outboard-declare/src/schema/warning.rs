//! What was odd about a schema, and where.
//! Made by the readers; warnings are for logs and people, declarations stand without them.

use std::fmt;

use crate::text::{cut, fold};

/// One oddity of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where: a JSON pointer into the schema, shortened if it is long, or the reference that led there.
    pub at: String,
    /// What.
    pub oddity: Oddity,
}

/// What was odd. Text in it comes from the schema, folded into one visible line and shortened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Oddity {
    /// Neither an object nor a truth value.
    #[error("a schema has to be an object or a boolean; read as any value")]
    NotASchema,
    /// A keyword's value has the wrong type.
    #[error("`{keyword}` does not have the form that JSON Schema gives it; ignored")]
    BadKeyword {
        /// The keyword.
        keyword: &'static str,
    },
    /// A type that JSON Schema does not have.
    #[error("`{name}` is no type of JSON Schema; read as {read_as}")]
    UnknownType {
        /// What stands there.
        name: String,
        /// What was made of it.
        read_as: &'static str,
    },
    /// A reference that leads out of the document. Nothing is ever fetched.
    #[error("`{reference}` lies outside this schema and is not fetched; read as any value")]
    RemoteReference {
        /// The reference.
        reference: String,
    },
    /// A reference to something that is not there.
    #[error("`{reference}` leads nowhere; read as any value")]
    DanglingReference {
        /// The reference.
        reference: String,
    },
    /// A definition that is itself, or itself or something else.
    #[error("a definition is made of itself; that part is left out")]
    EmptyCycle,
    /// Two parts that no value satisfies both.
    #[error("parts of the schema exclude each other; the first is used")]
    Contradiction,
    /// The whole schema is `false`.
    #[error("no value is valid")]
    NothingFits,
    /// Keywords that declarations cannot express.
    #[error("`{keyword}` cannot be declared; ignored")]
    NotDeclared {
        /// The keyword.
        keyword: &'static str,
    },
    /// Too deep, too many schemas or alternatives, too much text.
    #[error("more {what} than are read; the rest is read as any value")]
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", if self.at.is_empty() { "/" } else { &self.at }, self.oddity)
    }
}

/// A piece of schema text fit for a warning.
pub(super) fn quoted(text: &str) -> String {
    let start: String = text.chars().take(200).collect();
    cut(&fold(&start), 80)
}
