//! All tools of one namespace as the stub of a module: what a `.pyi` file says. Everything about them is said, because whoever
//! opens the file reads it to the end. What runs behind them is written elsewhere.

use super::tool::{Method, method};
use super::types::TAKEN;
use super::{Detail, Module, ToolShape};
use crate::names::{Portable, portable_names};
use crate::scope::Scope;

/// Names that types are made of, and that a function of a module would hide. Sorted.
const MEANT: [&str; 22] = [
    "Any",
    "Literal",
    "Never",
    "NotRequired",
    "Required",
    "ToolError",
    "TypeAlias",
    "TypedDict",
    "bool",
    "bytes",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "property",
    "set",
    "str",
    "tuple",
    "type",
    "vars",
];

/// What the stub begins with. Every checker knows `typing_extensions`, whatever version of Python it checks for.
const HEAD: &str = "from typing import Any, Literal\n\nfrom typing_extensions import Never, NotRequired, Required, TypeAlias, TypedDict\n";

/// Declares the tools of a namespace as functions, coroutines if `asynchronous`, in the order given, with the types that they
/// need behind them; `namespace` of each shape is not looked at. A tool that has the name of a type gets a `_` at its end.
///
/// ```
/// use outboard_declare::python::{ToolShape, declare_module};
/// let tool = ToolShape { identifier: "now", description: Some("Tells the time"), ..ToolShape::default() };
/// let module = declare_module(&[tool], false);
/// assert!(module.text.ends_with("def now(**arguments: Any) -> Any: \"\"\"Tells the time\"\"\"\n"), "{}", module.text);
/// assert_eq!(module.functions, ["now"]);
/// ```
pub fn declare_module(tools: &[ToolShape<'_>], asynchronous: bool) -> Module {
    let mut hidden: Vec<String> = Vec::new();
    loop {
        let taken = |name: &str| MEANT.binary_search(&name).is_ok() || hidden.iter().any(|own| own == name);
        let (module, scope) = declared(tools, asynchronous, &taken);
        let clash = |name: &&String| scope.contains(*name) && !hidden.contains(*name);
        let clashes: Vec<String> = module.functions.iter().filter(clash).cloned().collect();
        if clashes.is_empty() {
            return module;
        }
        // A function gives way to a type: it is the one that people write out.
        hidden.extend(clashes);
    }
}

fn declared(
    tools: &[ToolShape<'_>],
    asynchronous: bool,
    taken: &dyn Fn(&str) -> bool,
) -> (Module, Vec<String>) {
    let identifiers: Vec<&str> = tools.iter().map(|tool| tool.identifier).collect();
    let names = portable_names(&identifiers, Portable::Functions, taken);
    let mut scope = Scope::avoiding(TAKEN);
    let mut module = Module::default();
    let mut lines = Vec::new();
    for tool in tools {
        let name = names[tool.identifier].clone();
        let Method { lines: written, warnings, .. } = method(tool, &name, Detail::Full, &mut scope);
        let text = outdented(&written.join("\n"));
        lines.push(match asynchronous {
            true => text,
            false => text.strip_prefix("async ").map(str::to_owned).unwrap_or(text),
        });
        module.functions.push(name);
        module.warnings.extend(warnings);
    }
    lines.extend(scope.declarations().into_iter().map(|declaration| for_every_version(&declaration)));
    module.text = std::iter::once(HEAD.to_owned()).chain(lines.into_iter().map(|line| line + "\n")).collect();
    module.types = scope.names();
    let types = module.types.clone();
    (module, types)
}

/// A definition as Pythons before 3.12 have it too, which know no statement `type`. In a stub it may name itself all the same.
fn for_every_version(declaration: &str) -> String {
    let alias = |line: &str| {
        let (name, body) = line.strip_prefix("type ")?.split_once(" = ")?;
        Some(format!("{name}: TypeAlias = {body}"))
    };
    let lines: Vec<String> =
        declaration.split('\n').map(|line| alias(line).unwrap_or_else(|| line.to_owned())).collect();
    lines.join("\n")
}

/// A method as a function: each line starts further to the left.
fn outdented(text: &str) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn functions_hide_no_type() {
        assert!(MEANT.is_sorted());
        let schema = json!({"type": "object", "properties": {"x": {"type": "object", "title": "Page", "properties": {"y": {"type": "array", "items": {"type": "string"}}}}}});
        let tools = ["list", "X", "dict_", "dict", "read"].map(|identifier| ToolShape {
            identifier,
            input: Some(&schema),
            ..ToolShape::default()
        });
        let module = declare_module(&tools, true);
        let types = module.types.clone();
        assert!(module.functions.iter().all(|name| !types.contains(name)), "{module:?}");
        assert_eq!(module.functions[0], "list_");
        assert_eq!((module.functions[2].as_str(), module.functions[4].as_str()), ("dict_", "read"));
        assert!(module.text.contains("\nasync def read("), "{}", module.text);
    }
}
