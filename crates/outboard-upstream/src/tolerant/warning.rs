//! What was odd in an upstream's message and what it cost, for logs and people.
//! It decides nothing.

/// Something that an upstream sent in another shape than MCP says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// A tool that cannot be called.
    #[error("tool number {number} of the list was dropped: {reason}")]
    Unnamed {
        /// Its place in the list, from 1.
        number: usize,
        /// Why it has no usable name.
        reason: String,
    },
    /// A second tool of the same name.
    #[error("tool `{tool}` is listed twice; the first one counts")]
    Duplicate {
        /// The name.
        tool: String,
    },
    /// A field of a tool that was left out.
    #[error("tool `{tool}`: `{field}` was left out: {reason}")]
    Field {
        /// The tool.
        tool: String,
        /// The field as the upstream names it.
        field: &'static str,
        /// What was found.
        reason: String,
    },
    /// The list of tools was not read to its end.
    #[error("the list of tools was cut: {reason}")]
    Cut {
        /// Why.
        reason: String,
    },
    /// A part of a result that was left out or mended.
    #[error("result: {part}: {reason}")]
    Result {
        /// Which part.
        part: String,
        /// What was found and done.
        reason: String,
    },
}
