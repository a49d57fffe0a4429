//! The declaration of one tool in Python, as `search` and `describe` show it.
//! Talks to `lift` and `types`; a whole namespace is declared elsewhere.

use super::lift::lift;
use super::text::{comment, docstring, in_three_quotes, is_plain};
use super::types::{REMARKS, TAKEN, Writer, default_of};
use super::{Declaration, Detail, ToolShape};
use crate::model::{Document, Kind, Object, Others, Property, Type};
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
///     observed: false,
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
        let text = said.as_ref().map_or_else(|| name.clone(), |said| format!("{name} # {said}"));
        return Declaration { text, signature: name, summary: said, ..Declaration::default() };
    }
    let mut scope = Scope::avoiding(TAKEN);
    let Method { signature, lines, warnings } = method(tool, &named(tool.identifier), detail, &mut scope);
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

/// Writes a tool under this name; the types that it needs go into `scope`.
pub(super) fn method(tool: &ToolShape<'_>, name: &str, detail: Detail, scope: &mut Scope) -> Method {
    let Sides { input, output, warnings } = Sides::of(tool);
    let documented = detail == Detail::Full;
    let input = Input::of(input);
    let each = input.parameters(tool.identifier, documented, scope);
    let parameters = each.join(", ");
    let result = output.as_ref().map_or_else(
        || "Any".to_owned(),
        |output| {
            let fallback = format!("{}_result", tool.identifier);
            side(output, false, &fallback, documented, scope, |writer, root| writer.write(root))
        },
    );
    let signature = format!("async def {name}({parameters}) -> {result}");
    let mark = (output.is_some() && tool.observed).then_some("result observed");
    let lines = if documented {
        let returns = output.as_ref().and_then(|output| REMARKS.of(&output.root));
        let remarks = input.remarks();
        let head = if remarks.iter().any(Option::is_some) {
            over_lines(name, &each, remarks, &result, mark)
        } else {
            with_remark(format!("    {signature}:"), mark)
        };
        documentation(head, tool.description, returns.as_deref())
    } else {
        let body = summary(tool.description, in_three_quotes).unwrap_or_else(|| "...".to_owned());
        vec![with_remark(format!("    {signature}: {body}"), mark)]
    };
    Method { signature, lines, warnings }
}

/// A `def` with a line for each parameter and what is said of it, which is shorter than to name it again in the docstring.
fn over_lines(
    name: &str,
    parameters: &[String],
    remarks: Vec<Option<String>>,
    result: &str,
    mark: Option<&str>,
) -> String {
    // The first parameter is the star; others beyond the remarks have none.
    let (star, named) = parameters.split_first().map_or(("", parameters), |(star, named)| (star, named));
    let mut lines = Vec::new();
    for (at, (parameter, remark)) in
        named.iter().zip(remarks.into_iter().chain(std::iter::repeat(None))).enumerate()
    {
        let start = if at == 0 { format!("    async def {name}({star}, ") } else { "        ".to_owned() };
        let is_last = at + 1 == named.len();
        let end = if is_last { format!(") -> {result}:") } else { ",".to_owned() };
        let remark = match (remark, mark.filter(|_| is_last)) {
            (Some(remark), Some(mark)) => Some(format!("{remark}; {mark}")),
            (remark, mark) => remark.or(mark.map(str::to_owned)),
        };
        lines.push(with_remark(format!("{start}{parameter}{end}"), remark.as_deref()));
    }
    lines.join("\n")
}

fn with_remark(line: String, remark: Option<&str>) -> String {
    match remark {
        Some(remark) => format!("{line} # {remark}"),
        None => line,
    }
}

/// The whole `def` with a docstring.
fn documentation(head: String, description: Option<&str>, returns: Option<&str>) -> Vec<String> {
    let mut said: Vec<String> = description_lines(description);
    said.extend(returns.map(|returns| format!("Returns: {returns}")));
    let Some((last, before)) = said.split_last() else {
        // Behind a remark nothing can stand on the same line.
        return vec![head, "        ...".to_owned()];
    };
    if before.is_empty() && head.ends_with(':') && !head.contains('\n') {
        return vec![format!("{head} {}", in_three_quotes(last))];
    }
    let quoted = in_three_quotes(last);
    let mut lines = vec![head];
    match before.split_first() {
        None => lines.push(format!("        {quoted}")),
        Some((first, between)) => {
            lines.push(format!("        \"\"\"{}", docstring(first)));
            lines.extend(
                between.iter().map(|line| format!("        {}", docstring(line)).trim_end().to_owned()),
            );
            lines.push(format!("        {}", quoted.strip_prefix("\"\"\"").unwrap_or(&quoted)));
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

    /// What stands between the parentheses, one by one.
    fn parameters(&self, tool: &str, documented: bool, scope: &mut Scope) -> Vec<String> {
        let fallback = format!("{tool}_input");
        let written = match self {
            Self::Nothing => return Vec::new(),
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
                format!("input: {ty}{default}{BETWEEN}/")
            }
        };
        written.split(BETWEEN).map(str::to_owned).collect()
    }

    /// What is said of each keyword, in the order in which they are written.
    fn remarks(&self) -> Vec<Option<String>> {
        match self {
            Self::Keywords(document) => match &document.root_body().kind {
                Kind::Object(object) => in_order(object).map(remark).collect(),
                _ => Vec::new(),
            },
            Self::Nothing | Self::Any(_) | Self::Dict(..) => Vec::new(),
        }
    }
}

/// What is said of a keyword, without the default that stands behind it.
fn remark(property: &Property) -> Option<String> {
    if property.required || default_of(&property.ty).is_none() {
        return REMARKS.of(&property.ty);
    }
    let mut ty = property.ty.clone();
    ty.notes.default = None;
    REMARKS.of(&ty)
}

/// Stands between parameters until they are put together. No type has it within.
const BETWEEN: char = '\n';

/// What must be given comes first.
fn in_order(object: &Object) -> impl Iterator<Item = &Property> {
    let (needed, optional): (Vec<_>, Vec<_>) =
        object.properties.iter().partition(|property| property.required);
    needed.into_iter().chain(optional)
}

/// `*, page: int, size: int = ...`.
fn keywords(writer: Writer<'_>, root: &Type) -> String {
    let Kind::Object(object) = &root.kind else { return String::new() };
    let mut parameters = vec!["*".to_owned()];
    for property in in_order(object) {
        let default = match property.required {
            true => String::new(),
            false => format!(" = {}", writer.default(&property.ty).unwrap_or_else(|| "...".to_owned())),
        };
        parameters.push(format!("{}: {}{default}", property.name, writer.write(&property.ty)));
    }
    if matches!(object.others, Others::Open(_)) {
        // A keyword may have the name of this one as well; that is no matter in a declaration.
        let taken = object.properties.iter().any(|property| property.name == "others");
        parameters.push(format!("**{}: Any", if taken { "others_" } else { "others" }));
    }
    parameters.join(&BETWEEN.to_string())
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
