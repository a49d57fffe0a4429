//! A package in Python: for each upstream a module with a docstring for each function, and a stub with its types; the same as
//! coroutines in `aio`. The modules need nothing but `_outboard.py`, which needs nothing but the standard library.

mod standard;

use outboard_declare::{
    names::is_identifier,
    python::{self, in_three_quotes, literal},
};

use super::{BadName, Files, Module, Part, example, index};
use standard::STANDARD;

/// The client.
const CLIENT: &str = include_str!("python/_outboard.py");
/// A tool may be called `test_…`, and must not be called because somebody's tests are.
const NO_TESTS: &str = "__test__ = {}  # Nothing here is a test, whatever it is called.";

pub(super) fn files(parts: &[Part<'_>], name: &str) -> Result<(Files, Vec<Module>), BadName> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_plain || !is_identifier(name) {
        return Err(BadName::NoName(name.to_owned()));
    }
    if STANDARD.binary_search(&name).is_ok() {
        return Err(BadName::Standard(name.to_owned()));
    }
    let mut files = Files::new();
    let mut modules = Vec::new();
    for part in parts {
        for (asynchronous, folder) in [(false, ""), (true, "aio/")] {
            let declared = part.with_shapes(|shapes| python::declare_module(shapes, asynchronous));
            let file = format!("{folder}{}.py", part.module);
            files.insert(file, module(part, &declared.functions, &declared.types, asynchronous));
            files.insert(format!("{folder}{}.pyi", part.module), declared.text);
            if !asynchronous {
                modules.push(part.made(declared.functions));
            }
        }
    }
    files.insert("_outboard.py".to_owned(), CLIENT.to_owned());
    files.insert("py.typed".to_owned(), String::new());
    files.insert("__init__.py".to_owned(), package(name, &modules, false));
    files.insert("aio/__init__.py".to_owned(), package(name, &modules, true));
    Ok((files, modules))
}

/// What runs: each function hands its arguments on.
fn module(part: &Part<'_>, functions: &[String], types: &[String], asynchronous: bool) -> String {
    let (from, caller, def, give) = match asynchronous {
        false => ("._outboard", "call", "def", "return"),
        true => (".._outboard", "call_async", "async def", "return await"),
    };
    let mut own = "_call".to_owned();
    while functions.iter().chain(types).any(|name| *name == own) {
        own.push('_');
    }
    let namespace = literal(part.member.namespace.as_str());
    let mut text = format!(
        "\"\"\"The tools of {}. Their types, and all that is said of them: {}.pyi\"\"\"\n\nfrom {from} import {caller} as {own}\n\n{NO_TESTS}\n",
        part.module, part.module
    );
    for ((tool, said), function) in part.tools().zip(functions) {
        let said = in_three_quotes(&said.unwrap_or_default());
        text.push_str(&format!(
            "\n\n{def} {function}(*input, **arguments):\n    {said}\n    {give} {own}({namespace}, {}, input, arguments)\n",
            literal(tool)
        ));
    }
    if !types.is_empty() {
        text.push_str("\n\n# What the stub calls by these names is plain data.\n");
        text.push_str(&format!("{} = dict\n", types.join(" = ")));
    }
    text
}

fn package(name: &str, modules: &[Module], asynchronous: bool) -> String {
    let (way, from, other) = match asynchronous {
        false => ("", "._outboard", format!("{name}.aio has the same functions as coroutines.")),
        true => (".aio", ".._outboard", format!("{name} has the same functions for code that is not async.")),
    };
    let mut lines = vec![
        "\"\"\"MCP tools through Outboard: a module for each server, a function for each tool.".to_owned(),
        String::new(),
    ];
    if let Some((module, function)) = example(modules) {
        lines.push(format!("    from {name}{way}.{module} import {function}"));
        lines.push(String::new());
    }
    lines.push(format!("Types stand in the .pyi files. {other}"));
    lines.push(
        "A call that fails raises ToolError, which has a code, a message, the tool and its content."
            .to_owned(),
    );
    lines.push(String::new());
    lines.extend(index(modules));
    lines.push("\"\"\"".to_owned());
    let entries: Vec<String> =
        modules.iter().map(|module| format!("    {},\n", literal(&module.module))).collect();
    format!(
        "{}\n\nimport importlib as _importlib\nfrom typing import Any as _Any\n\nfrom {from} import ToolError as ToolError\n\n_MODULES = (\n{})\n\n\n\
         def __getattr__(name: str) -> _Any:\n    if name in _MODULES:\n        \
         return _importlib.import_module(f\".{{name}}\", __name__)\n    \
         raise AttributeError(f\"module {{__name__!r}} has no attribute {{name!r}}\")\n\n\n\
         def __dir__() -> \"list[str]\":\n    return [\"ToolError\", *_MODULES]\n",
        lines.join("\n"),
        entries.concat(),
    )
}
