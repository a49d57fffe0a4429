//! All tools of one namespace in one compact declaration, for a catalogue that fits into a tool description.
//! Talks to `document` for the types; counting tokens is the caller's.

use super::document::Types;
use super::tool::{documentation, namespace, summary};
use super::{Declaration, Detail, ToolShape, types};
use crate::names::is_identifier;
use crate::scope::Scope;
use crate::text::literal;

/// Declares a namespace and its tools, in the order given; `namespace` of each shape is not looked at.
///
/// Without local types this is `declare const name: { tool(): Promise<…>; … };`. With local types it is
/// `declare namespace name { type … ; function tool(): …; }`, which keeps them apart from those of other
/// namespaces in the same text. [`Detail::Name`] gives a comment with the names alone.
pub fn declare_namespace(name: &str, tools: &[ToolShape<'_>], detail: Detail) -> Declaration {
    let name = namespace(name);
    if detail == Detail::Name {
        let members: Vec<&str> =
            tools.iter().map(|tool| tool.identifier).filter(|name| is_identifier(name)).collect();
        let signature = format!("// {name}: {}", members.join(", "));
        return Declaration { text: signature.clone(), signature, ..Declaration::default() };
    }
    let mut scope = Scope::avoiding(types::TAKEN);
    let mut warnings = Vec::new();
    let mut members = Vec::new();
    for tool in tools {
        let types = Types::of(tool);
        let written = types.write(tool.identifier, detail, &mut scope, 1);
        let documentation = if detail == Detail::Full {
            documentation(tool.description, types.about_result().as_deref(), "  ")
        } else {
            documentation(summary(tool.description).as_deref(), None, "  ")
        };
        members.push((documentation, tool.identifier, written));
        warnings.extend(types.warnings);
    }
    let types = scope.declarations();
    let (head, function, end) = if types.is_empty() {
        (format!("declare const {name}: {{"), "", "};")
    } else {
        (format!("declare namespace {name} {{"), "function ", "}")
    };
    let mut lines = vec![head.clone()];
    lines.extend(types.iter().map(|ty| format!("  {ty};")));
    for (documentation, identifier, written) in members {
        lines.extend(documentation);
        let identifier = match is_identifier(identifier) {
            true => identifier.to_owned(),
            false if function.is_empty() => literal(identifier),
            false => crate::names::identifier(identifier),
        };
        lines.push(format!("  {function}{identifier}({}): Promise<{}>;", written.parameters, written.result));
    }
    lines.push(end.to_owned());
    Declaration { text: lines.join("\n"), signature: head, types, summary: None, warnings }
}
