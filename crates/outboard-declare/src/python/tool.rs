//! The declaration of one tool in Python, as `search` and `describe` show it.
//! Talks to `lift` and `types`; a whole namespace is declared elsewhere.

use super::lift::lift;
use super::text::{comment, docstring, in_three_quotes, is_plain};
use super::types::{REMARKS, TAKEN, Writer};
use super::{Declaration, Detail, ToolShape};
use crate::model::{Document, Kind, Object, Others, Type};
use crate::names::{identifier, is_identifier};
use crate::schema::Warning;
use crate::scope::Scope;
use crate::tool::{DEPTHS, LONGEST_TYPE, Sides, description_lines, summary};

/// Declares one tool, as a method of its namespace.
///
/// Arguments are keywords; where one has a name that Python keeps for itself, or that is no name, all of them are
/// one dict. What need not be given has the default `...`. A tool without an output schema gives `Any`. The text is
/// the same for the same shape on every machine and in every version of a catalogue.
///
/// ```
/// use outboard_declare::python::{Detail, ToolShape, declare_tool};
/// use serde_json::json;
/// let input = json!({"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]});
/// let tool = ToolShape {
///     namespace: "data_tools",
///     identifier: "get_data_chunk",
///     description: Some("One page of user activity. Pages start at 1."),
///     input: Some(&input),
///     output: None,
/// };
/// assert_eq!(
///     declare_tool(&tool, Detail::Signature).text,
///     "class data_tools:\n    async def get_data_chunk(*, page: int) -> Any: \"\"\"One page of user activity\"\"\""
/// );
/// ```
pub fn declare_tool(tool: &ToolShape<'_>, detail: Detail) -> Declaration {
    let namespace = named(tool.namespace);
    let said = summary(tool.description, comment);
    if detail == Detail::Name {
        let name = format!("{namespace}.{}", named(tool.identifier));
        let text = said.as_ref().map_or_else(|| name.clone(), |said| format!("{name}  # {said}"));
        return Declaration { text, signature: name, summary: said, ..Declaration::default() };
    }
    let mut scope = Scope::avoiding(TAKEN);
    let Method { signature, lines, warnings } = method(tool, detail, &mut scope);
    let types = scope.declarations();
    let text = std::iter::once(format!("class {namespace}:")).chain(lines).chain(types.iter().cloned());
    let text = text.collect::<Vec<_>>().join("\n");
    Declaration { text, signature, types, summary: said, warnings }
}

/// A tool within the class that is its namespace.
pub(super) struct Method {
    /// The line of its `def`, up to the colon.
    pub(super) signature: String,
    /// All of its lines, set in.
    pub(super) lines: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

/// Writes a tool; the types that it needs go into `scope`.
pub(super) fn method(tool: &ToolShape<'_>, detail: Detail, scope: &mut Scope) -> Method {
    let Sides { input, output, warnings } = Sides::of(tool);
    let documented = detail == Detail::Full;
    let name = named(tool.identifier);
    let input = Input::of(input);
    let parameters = input.parameters(tool.identifier, documented, scope);
    let result = output.as_ref().map_or_else(
        || "Any".to_owned(),
        |output| {
            let fallback = format!("{}_result", tool.identifier);
            side(output, false, &fallback, documented, scope, |writer, root| writer.write(root))
        },
    );
    let signature = format!("async def {name}({parameters}) -> {result}");
    let lines = if documented {
        let returns = output.as_ref().and_then(|output| REMARKS.of(&output.root));
        documentation(&signature, tool.description, &input, returns.as_deref())
    } else {
        let body = summary(tool.description, in_three_quotes).unwrap_or_else(|| "...".to_owned());
        vec![format!("    {signature}: {body}")]
    };
    Method { signature, lines, warnings }
}

/// The whole `def` with a docstring.
fn documentation(
    signature: &str,
    description: Option<&str>,
    input: &Input,
    returns: Option<&str>,
) -> Vec<String> {
    let mut said: Vec<(&str, String)> =
        description_lines(description).into_iter().map(|line| ("", line)).collect();
    let arguments: Vec<String> = input.remarks().collect();
    if !arguments.is_empty() {
        said.push(("", "Args:".to_owned()));
        said.extend(arguments.into_iter().map(|line| ("    ", line)));
    }
    said.extend(returns.map(|returns| ("", format!("Returns: {returns}"))));
    let mut lines = vec![format!("    {signature}:")];
    match said.as_slice() {
        [] => lines[0].push_str(" ..."),
        [(_, line)] => lines.push(format!("        {}", in_three_quotes(line))),
        [(_, first), rest @ ..] => {
            lines.push(format!("        \"\"\"{}", docstring(first)));
            let rest = rest.iter().map(|(margin, line)| format!("        {margin}{}", docstring(line)));
            lines.extend(rest.map(|line| line.trim_end().to_owned()));
            lines.push("        \"\"\"".to_owned());
        }
    }
    lines
}

/// What a tool takes, by the way in which it is given.
enum Input {
    Nothing,
    /// Keywords of these names.
    Keywords(Document),
    /// Keywords of any names.
    Any(Document),
    /// One dict; whether it can be left out.
    Dict(Document, bool),
}

impl Input {
    fn of(document: Document) -> Self {
        match &document.root_body().kind {
            Kind::Object(Object { properties, others }) if properties.is_empty() => match others {
                Others::Unspecified | Others::Closed => Self::Nothing,
                Others::Open(_) => Self::Any(document),
            },
            Kind::Object(Object { properties, .. }) => {
                let optional = properties.iter().all(|property| !property.required);
                if properties.iter().all(|property| is_plain(&property.name)) {
                    Self::Keywords(document)
                } else {
                    Self::Dict(document, optional)
                }
            }
            Kind::Any => Self::Any(Document {
                root: Type::new(Kind::Object(Object {
                    properties: Vec::new(),
                    others: Others::Open(Box::new(Type::any())),
                })),
                definitions: Vec::new(),
            }),
            _ => Self::Dict(document, false),
        }
    }

    /// What stands between the parentheses.
    fn parameters(&self, tool: &str, documented: bool, scope: &mut Scope) -> String {
        let fallback = format!("{tool}_input");
        match self {
            Self::Nothing => String::new(),
            Self::Keywords(document) => {
                let body = Document {
                    root: document.root_body().clone(),
                    definitions: document.definitions.clone(),
                };
                side(&body, true, &fallback, documented, scope, keywords)
            }
            Self::Any(document) => {
                side(document, true, &fallback, documented, scope, |writer, root| match &root.kind {
                    Kind::Object(Object { others: Others::Open(ty), .. }) => {
                        format!("**arguments: {}", writer.write(ty))
                    }
                    _ => "**arguments: Any".to_owned(),
                })
            }
            Self::Dict(document, optional) => {
                let ty =
                    side(document, false, &fallback, documented, scope, |writer, root| writer.write(root));
                let default = if *optional { " = ..." } else { "" };
                format!("input: {ty}{default}, /")
            }
        }
    }

    /// What is said of each keyword.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let document = match self {
            Self::Keywords(document) => Some(document),
            Self::Nothing | Self::Any(_) | Self::Dict(..) => None,
        };
        let properties = document.into_iter().flat_map(|document| match &document.root_body().kind {
            Kind::Object(object) => object.properties.as_slice(),
            _ => &[],
        });
        properties.filter_map(|property| Some(format!("{}: {}", property.name, REMARKS.of(&property.ty)?)))
    }
}

/// `*, page: int, size: int = ...`, what must be given first.
fn keywords(writer: Writer<'_>, root: &Type) -> String {
    let Kind::Object(object) = &root.kind else { return String::new() };
    let (needed, optional): (Vec<_>, Vec<_>) =
        object.properties.iter().partition(|property| property.required);
    let mut parameters = vec!["*".to_owned()];
    for property in needed.into_iter().chain(optional) {
        let default = if property.required { "" } else { " = ..." };
        parameters.push(format!("{}: {}{default}", property.name, writer.write(&property.ty)));
    }
    if matches!(object.others, Others::Open(_)) {
        // A keyword may have the name of this one as well; that is no matter in a declaration.
        let taken = object.properties.iter().any(|property| property.name == "others");
        parameters.push(format!("**{}: Any", if taken { "others_" } else { "others" }));
    }
    parameters.join(", ")
}

/// Writes one side of a tool as deep as there is room for; the types that it needs go into `scope`.
fn side(
    document: &Document,
    kept: bool,
    fallback: &str,
    documented: bool,
    scope: &mut Scope,
    write: impl Fn(Writer<'_>, &Type) -> String,
) -> String {
    let declare = |document: &Document, names: &[String]| -> Vec<String> {
        let writer = Writer { names, documented };
        names.iter().zip(&document.definitions).map(|(name, one)| writer.declare(name, one)).collect()
    };
    let fits = |lifted: &Document| {
        let names = vec!["LocalTypeName".to_owned(); lifted.definitions.len()];
        let types: usize = declare(lifted, &names).iter().map(String::len).sum();
        types + write(Writer { names: &names, documented }, &lifted.root).len() <= LONGEST_TYPE
    };
    let lifted = DEPTHS
        .into_iter()
        .map(|deepest| lift(document, kept, deepest, documented))
        .find(|lifted| documented || fits(lifted))
        .unwrap_or_else(|| lift(document, kept, 0, documented));
    let names = scope.admit(&lifted, fallback, |names| declare(&lifted, names));
    write(Writer { names: &names, documented }, &lifted.root)
}

/// A name from `names`, bent into one should the caller have passed something else.
pub(super) fn named(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { identifier(name) }
}
