//! All tools of one namespace in one compact declaration.
//! Talks to `tool` for each; counting tokens is the caller's.

use super::tool::{Method, method, named};
use super::types::TAKEN;
use super::{Declaration, Detail, ToolShape};
use crate::names::is_identifier;
use crate::scope::Scope;

/// Declares a namespace as a class and its tools as methods, in the order given, with the types that they need
/// behind it; `namespace` of each shape is not looked at. [`Detail::Name`] gives a comment with the names alone.
pub fn declare_namespace(name: &str, tools: &[ToolShape<'_>], detail: Detail) -> Declaration {
    let name = named(name);
    if detail == Detail::Name {
        let members: Vec<&str> =
            tools.iter().map(|tool| tool.identifier).filter(|name| is_identifier(name)).collect();
        let signature = format!("# {name}: {}", members.join(", "));
        return Declaration { text: signature.clone(), signature, ..Declaration::default() };
    }
    let mut scope = Scope::avoiding(TAKEN);
    let mut warnings = Vec::new();
    let signature = format!("class {name}:");
    let mut lines = vec![signature.clone()];
    for tool in tools {
        let Method { lines: written, warnings: odd, .. } =
            method(tool, &named(tool.identifier), detail, &mut scope);
        lines.extend(written);
        warnings.extend(odd);
    }
    if tools.is_empty() {
        lines[0].push_str(" ...");
    }
    let types = scope.declarations();
    lines.extend(types.iter().cloned());
    Declaration { text: lines.join("\n"), signature, types, summary: None, warnings }
}
