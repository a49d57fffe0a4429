//! The two schemas of a tool, read and ready to be written: what it takes, what it gives.
//! Talks to `schema` and `types`; it lays out no declaration.

use super::types::Writer;
use super::{Detail, ToolShape};
use crate::model::{Document, Kind, Object, Others, Type};
use crate::schema::Warning;
use crate::scope::Scope;
use crate::tool::{DEPTHS, LONGEST_TYPE, Sides};

/// A tool's schemas as types.
pub(super) struct Types {
    input: Input,
    output: Option<Document>,
    /// The output was learned from results.
    observed: bool,
    pub(super) warnings: Vec<Warning>,
}

enum Input {
    Nothing,
    Optional(Document),
    Required(Document),
}

/// A tool's types as text.
pub(super) struct Written {
    /// What stands between the parentheses.
    pub(super) parameters: String,
    /// What the promise holds.
    pub(super) result: String,
}

impl Types {
    pub(super) fn of(tool: &ToolShape<'_>) -> Self {
        let Sides { input, output, warnings } = Sides::of(tool);
        Self { input: Input::of(input), output, observed: tool.observed, warnings }
    }

    /// What the schemas say about the result as a whole.
    pub(super) fn about_result(&self) -> Option<String> {
        self.output.as_ref().and_then(|output| super::types::remark(&output.root))
    }

    /// Writes both types; the local types that they need go into `scope`.
    pub(super) fn write(&self, tool: &str, detail: Detail, scope: &mut Scope, indent: usize) -> Written {
        let parameters = match &self.input {
            Input::Nothing => String::new(),
            Input::Optional(input) => {
                format!("input?: {}", side(input, &format!("{tool}_input"), detail, scope, indent))
            }
            Input::Required(input) => {
                format!("input: {}", side(input, &format!("{tool}_input"), detail, scope, indent))
            }
        };
        let result = self.output.as_ref().map_or_else(
            || "any".to_owned(),
            |output| {
                let mark = if self.observed { "/* observed */ " } else { "" };
                format!("{mark}{}", side(output, &format!("{tool}_result"), detail, scope, indent))
            },
        );
        Written { parameters, result }
    }
}

impl Input {
    fn of(document: Document) -> Self {
        match &document.root_body().kind {
            Kind::Object(Object { properties, others: Others::Unspecified | Others::Closed })
                if properties.is_empty() =>
            {
                Self::Nothing
            }
            Kind::Object(object) if object.properties.iter().all(|property| !property.required) => {
                Self::Optional(document)
            }
            // A schema that says nothing: still an object, because arguments always are.
            Kind::Any => {
                let others = Others::Open(Box::new(Type::any()));
                let root = Type::new(Kind::Object(Object { properties: Vec::new(), others }));
                Self::Optional(Document { root, definitions: Vec::new() })
            }
            _ => Self::Required(document),
        }
    }
}

fn side(document: &Document, fallback: &str, detail: Detail, scope: &mut Scope, indent: usize) -> String {
    let documented = detail == Detail::Full;
    let write = |names: &[String], deepest| -> (Vec<String>, String) {
        let writer = Writer { names, deepest, documented };
        let definitions = names.iter().zip(&document.definitions);
        let locals = definitions.map(|(name, definition)| writer.declare(name, definition, indent)).collect();
        (locals, writer.write(&document.root, indent))
    };
    let placeholders = vec!["LocalTypeName".to_owned(); document.definitions.len()];
    let fits = |deepest: &usize| {
        let (locals, root) = write(&placeholders, *deepest);
        locals.iter().map(String::len).sum::<usize>() + root.len() <= LONGEST_TYPE
    };
    let deepest = if documented { usize::MAX } else { DEPTHS.into_iter().find(fits).unwrap_or(0) };
    let names = scope.admit(document, fallback, |names| write(names, deepest).0);
    write(&names, deepest).1
}
