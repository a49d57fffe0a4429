//! The declaration of one tool, as `search` and `describe` show it.
//! Talks to `document` for the types; a whole namespace is declared elsewhere.

use super::document::Types;
use super::{Declaration, Detail, ToolShape, types};
use crate::names::{identifier, is_identifier};
use crate::scope::Scope;
use crate::text::{comment, literal};
use crate::tool::description_lines;

/// Declares one tool.
///
/// A tool that takes nothing has no `input`; one whose arguments are all optional has `input?`. A tool without an
/// output schema gives `Promise<any>`: nothing is known of the result, and `unknown` would only make a script
/// cast it. The text is the same for the same shape on every machine and in every version of a catalogue.
///
/// ```
/// use outboard_declare::typescript::{Detail, ToolShape, declare_tool};
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
///     "data_tools.get_data_chunk(input: { page: number }): Promise<any> // One page of user activity"
/// );
/// ```
pub fn declare_tool(tool: &ToolShape<'_>, detail: Detail) -> Declaration {
    let summary = summary(tool.description);
    let name = format!("{}{}", namespace(tool.namespace), member(tool.identifier));
    if detail == Detail::Name {
        let text = with_summary(&name, summary.as_deref());
        return Declaration { text, signature: name, summary, ..Declaration::default() };
    }
    let types = Types::of(tool);
    let mut scope = Scope::avoiding(types::TAKEN);
    let written = types.write(tool.identifier, detail, &mut scope, 0);
    let signature = format!("{name}({}): Promise<{}>", written.parameters, written.result);
    let locals = scope.declarations();
    let mut lines = Vec::new();
    if detail == Detail::Full {
        lines.extend(documentation(tool.description, types.about_result().as_deref(), ""));
        lines.push(signature.clone());
    } else {
        lines.push(with_summary(&signature, summary.as_deref()));
    }
    lines.extend(locals.iter().cloned());
    Declaration { text: lines.join("\n"), signature, types: locals, summary, warnings: types.warnings }
}

/// The first sentence of a description, fit for a comment.
pub(super) fn summary(description: Option<&str>) -> Option<String> {
    crate::tool::summary(description, comment)
}

/// A doc comment of a whole description, behind `margin`. Further lines begin at the left: what would stand before them
/// costs a token or two each.
pub(super) fn documentation(description: Option<&str>, result: Option<&str>, margin: &str) -> Vec<String> {
    let mut lines: Vec<String> = description_lines(description).iter().map(|line| comment(line)).collect();
    lines.extend(result.map(|result| format!("@returns {result}")));
    match lines.as_slice() {
        [] => Vec::new(),
        [line] => vec![format!("{margin}/** {line} */")],
        _ => {
            let mut lines = lines;
            lines[0].insert_str(0, &format!("{margin}/** "));
            lines.last_mut().expect("there are several").push_str(" */");
            lines
        }
    }
}

/// The namespace, bent into an identifier should the caller have passed something else.
pub(super) fn namespace(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { identifier(name) }
}

fn member(name: &str) -> String {
    if is_identifier(name) { format!(".{name}") } else { format!("[{}]", literal(name)) }
}

fn with_summary(declaration: &str, summary: Option<&str>) -> String {
    summary.map_or_else(|| declaration.to_owned(), |summary| format!("{declaration} // {summary}"))
}
