//! A package for node and tsc: for each upstream a module of JavaScript and its declarations. It is no TypeScript that runs, so
//! that it works in `node_modules` (where node strips no types), in every node, and under every setting of tsc.

use outboard_declare::typescript;
use serde_json::json;

use super::{Files, Module, Part, example, index, pretty, quoted};

/// The client, and what tsc is to know of it.
const CLIENT: &str = include_str!("typescript/_outboard.js");
const CLIENT_TYPES: &str = include_str!("typescript/_outboard.d.ts");

pub(super) fn files(parts: &[Part<'_>], name: &str) -> (Files, Vec<Module>) {
    let mut files = Files::new();
    let mut modules = Vec::new();
    for part in parts {
        let declared = part.with_shapes(typescript::declare_module);
        files.insert(format!("{}.js", part.module), module(part, &declared.functions));
        // Without an export of its own it would be a script, whose names are global.
        let text = if declared.text.is_empty() { "export {};\n".to_owned() } else { declared.text };
        files.insert(format!("{}.d.ts", part.module), text);
        modules.push(part.made(declared.functions));
    }
    files.insert("_outboard.js".to_owned(), CLIENT.to_owned());
    files.insert("_outboard.d.ts".to_owned(), CLIENT_TYPES.to_owned());
    let index = package(name, &modules);
    files.insert("index.js".to_owned(), index.clone());
    files.insert("index.d.ts".to_owned(), index);
    files.insert("package.json".to_owned(), pretty(&manifest(name)));
    (files, modules)
}

/// What runs: each function hands its arguments on.
fn module(part: &Part<'_>, functions: &[String]) -> String {
    let namespace = quoted(part.member.namespace.as_str());
    // No function is called `$call`: identifiers have no `$`.
    let mut text = format!(
        "// The tools of {}. Their types, and all that is said of them: {}.d.ts\nimport {{ call as $call }} from \"./_outboard.js\";\n",
        part.module, part.module
    );
    for ((tool, _), function) in part.tools().zip(functions) {
        text.push_str(&format!(
            "\nexport function {function}(input) {{\n  return $call({namespace}, {}, input);\n}}\n",
            quoted(tool)
        ));
    }
    if functions.is_empty() {
        text.push_str("\nexport {};\n");
    }
    text
}

/// The same text is the module and its declarations.
fn package(name: &str, modules: &[Module]) -> String {
    let mut lines = vec!["/**".to_owned()];
    let mut said =
        vec!["MCP tools through Outboard: a module for each server, a function for each tool.".to_owned()];
    if let Some((module, _)) = example(modules) {
        said.push(format!("  import * as {module} from \"{name}/{module}\";"));
    }
    said.push("Types stand in the .d.ts files.".to_owned());
    said.push(
        "A call that fails rejects with ToolError, which has a code, a message, the tool and its content."
            .to_owned(),
    );
    said.extend(index(modules));
    lines.extend(said.iter().map(|line| format!(" * {line}")));
    lines.push(" */".to_owned());
    lines.push("export { ToolError } from \"./_outboard.js\";".to_owned());
    lines.extend(modules.iter().map(|Module { module, .. }| {
        let exported = if is_taken(module) { format!("{module}_") } else { module.clone() };
        format!("export * as {exported} from \"./{module}.js\";")
    }));
    lines.join("\n") + "\n"
}

/// What the index exports besides. No module is called so in any case: it is kept for namespaces of scripts too.
fn is_taken(module: &str) -> bool {
    module == "ToolError"
}

fn manifest(name: &str) -> serde_json::Value {
    // What npm takes for a name; another one is of no use to it.
    let lower =
        name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte));
    let fits = lower && name.starts_with(|c: char| c.is_ascii_lowercase()) && name.len() <= 100;
    json!({
        "name": if fits { name } else { "mcp_tools" },
        "version": "0.0.0",
        "description": "MCP tools through Outboard",
        "private": true,
        "type": "module",
        "sideEffects": false,
        "exports": {
            ".": {"types": "./index.d.ts", "default": "./index.js"},
            "./*.js": {"types": "./*.d.ts", "default": "./*.js"},
            "./package.json": "./package.json",
            "./*": {"types": "./*.d.ts", "default": "./*.js"},
        },
    })
}
