//! All tools of one namespace as the declarations of a module: what a `.d.ts` file says. Everything about them is said, because
//! whoever opens the file reads it to the end. What runs behind them is written elsewhere.

use super::document::Types;
use super::tool::documentation;
use super::{Detail, Module, ToolShape, types};
use crate::names::{Portable, portable_names};
use crate::scope::Scope;

/// Declares the tools of a namespace as exported functions, in the order given, behind the types that they need;
/// `namespace` of each shape is not looked at.
///
/// ```
/// use outboard_declare::typescript::{ToolShape, declare_module};
/// let tool = ToolShape { identifier: "now", description: Some("Tells the time"), ..ToolShape::default() };
/// let module = declare_module(&[tool]);
/// let text = "/** Tells the time */\nexport function now(input?: Record<string, any>): Promise<any>;\n";
/// assert_eq!((module.text.as_str(), module.functions[0].as_str()), (text, "now"));
/// ```
pub fn declare_module(tools: &[ToolShape<'_>]) -> Module {
    let identifiers: Vec<&str> = tools.iter().map(|tool| tool.identifier).collect();
    let names = portable_names(&identifiers, Portable::Functions, &|_| false);
    let mut scope = Scope::avoiding(types::TAKEN);
    let mut module = Module::default();
    let mut functions = Vec::new();
    for tool in tools {
        let types = Types::of(tool);
        let written = types.write(tool.identifier, Detail::Full, &mut scope, 0);
        let name = names[tool.identifier].clone();
        functions.extend(documentation(tool.description, types.about_result().as_deref(), ""));
        functions
            .push(format!("export function {name}({}): Promise<{}>;", written.parameters, written.result));
        module.functions.push(name);
        module.warnings.extend(types.warnings);
    }
    let types = scope.declarations();
    module.text = types
        .iter()
        .map(|ty| format!("{};\n", exported(ty)))
        .chain(functions.iter().map(|f| f.clone() + "\n"))
        .collect();
    module.types = scope.names();
    module
}

/// The comment before a type is one line.
fn exported(declaration: &str) -> String {
    match declaration.starts_with("/**") {
        true => declaration.replacen("\ntype ", "\nexport type ", 1),
        false => format!("export {declaration}"),
    }
}
