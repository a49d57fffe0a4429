//! What declarations in every language have in common: the tool, how much is said of it, and its schemas, read.
//! Talks to `schema`; it writes no language.

use serde_json::Value;

use crate::model::Document;
use crate::schema::{Reading, Warning, read, read_part, wrapped_result};
use crate::summary::first_sentence;

/// Longest argument or result type of a signature, in characters, before its depth is reduced.
pub(crate) const LONGEST_TYPE: usize = 6_000;

/// Depths of objects that a signature is tried with, deepest first.
pub(crate) const DEPTHS: [usize; 6] = [usize::MAX, 6, 4, 3, 2, 1];

/// Longest description in a full declaration, in characters.
const LONGEST_DESCRIPTION: usize = 8_000;

/// A tool as far as its declaration is concerned.
#[derive(Debug, Clone, Copy, Default)]
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
    /// Whether that schema was learned from results (see [`observed`](crate::observed)) instead of declared. It is said of
    /// the declaration then, and nothing is taken for a wrapper, because whoever delivered the results unwrapped them.
    pub observed: bool,
}

/// How much a declaration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Detail {
    /// The name and the first sentence of the description.
    Name,
    /// Also the types. Long enums are shortened, and what is nested too deep for 6,000 characters is any value.
    Signature,
    /// Also all descriptions, defaults, formats and ranges, as comments.
    Full,
}

/// A declaration, whole and in its parts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declaration {
    /// The whole declaration, without a line break at its end.
    pub text: String,
    /// In TypeScript `namespace.tool(input: …): Promise<…>`, in Python the line of its `def`; just the name for
    /// [`Detail::Name`].
    pub signature: String,
    /// `type X = …` or `class X(TypedDict): …`, one for each local type that the signature needs.
    pub types: Vec<String>,
    /// The first sentence of the description, fit for a comment, if there is one.
    pub summary: Option<String>,
    /// What was odd about the schemas.
    pub warnings: Vec<Warning>,
}

/// The declarations of a whole module, as a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Module {
    /// The file.
    pub text: String,
    /// The name of each tool's function, in the order of the tools.
    pub functions: Vec<String>,
    /// The names of the types.
    pub types: Vec<String>,
    /// What was odd about the schemas.
    pub warnings: Vec<Warning>,
}

/// A tool's schemas, read.
pub(crate) struct Sides {
    pub(crate) input: Document,
    pub(crate) output: Option<Document>,
    pub(crate) warnings: Vec<Warning>,
}

impl Sides {
    pub(crate) fn of(tool: &ToolShape<'_>) -> Self {
        let mut warnings = Vec::new();
        let mut kept = |side: &str, reading: Reading| {
            warnings.extend(
                reading
                    .warnings
                    .into_iter()
                    .map(|warning| Warning { at: format!("{side}{}", warning.at), ..warning }),
            );
            reading.document
        };
        // Arguments are always an object, so a tool without a schema takes one that nothing is known of.
        let untyped = Value::Object(serde_json::Map::from_iter([(
            "additionalProperties".to_owned(),
            Value::Bool(true),
        )]));
        let input = kept("input", read(tool.input.unwrap_or(&untyped)));
        let output = tool.output.map(|schema| match wrapped_result(schema) {
            Some(result) if !tool.observed => kept("output", read_part(schema, result)),
            _ => kept("output", read(schema)),
        });
        Self { input, output, warnings }
    }
}

/// The first sentence of a description, fit for a place by `escape`.
pub(crate) fn summary(description: Option<&str>, escape: impl Fn(&str) -> String) -> Option<String> {
    description
        .and_then(first_sentence)
        .map(|sentence| escape(&sentence))
        .filter(|sentence| !sentence.is_empty())
}

/// As much of a description as a full declaration shows, line by line, not escaped.
pub(crate) fn description_lines(description: Option<&str>) -> Vec<String> {
    let description: String = description.unwrap_or_default().chars().take(LONGEST_DESCRIPTION).collect();
    crate::text::fold_lines(&description)
}
