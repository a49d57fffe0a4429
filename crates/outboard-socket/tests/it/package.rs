//! The files of packages, without a language that reads them: `tests/declarations` does that.

use std::{path::PathBuf, sync::Arc};

use outboard_runtime::{
    catalogue::{Catalogue, Listing, Snapshot, ToolDefinition},
    ids::UpstreamName,
};
use outboard_socket::package::{Files, Kind, Reach, files};
use serde_json::{Value, json};

fn snapshot(upstreams: &[(&str, Value)]) -> Arc<Snapshot> {
    let catalogue = Catalogue::new(upstreams.iter().map(|(name, _)| UpstreamName::from(*name)));
    for (name, tools) in upstreams {
        let tools: Vec<ToolDefinition> = serde_json::from_value(tools.clone()).unwrap();
        let listing = Listing { tools: tools.into_iter().map(Into::into).collect(), ..Listing::default() };
        catalogue.publish(&UpstreamName::from(*name), listing);
    }
    catalogue.snapshot()
}

fn made(snapshot: &Snapshot, kind: Kind) -> Files {
    let reach = Reach { socket: Some(PathBuf::from("/s")), ..Reach::default() };
    files(snapshot, kind, "mcp_tools", &reach).unwrap().0
}

fn sample() -> Value {
    json!([{
        "name": "get-chunk",
        "description": "One page. */ \"\"\" More.",
        "inputSchema": {"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]},
        "outputSchema": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Chunk"}}, "$defs": {"Chunk": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Chunk"}}}}},
    }])
}

#[test]
fn a_module_for_each_upstream_and_a_function_for_each_tool() {
    let snapshot = snapshot(&[("data-tools", sample()), ("other", json!([]))]);
    let python = made(&snapshot, Kind::Python);
    let names: Vec<&str> = python.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "__init__.py",
            "_outboard.json",
            "_outboard.py",
            "aio/__init__.py",
            "aio/data_tools.py",
            "aio/data_tools.pyi",
            "aio/other.py",
            "aio/other.pyi",
            "data_tools.py",
            "data_tools.pyi",
            "other.py",
            "other.pyi",
            "py.typed"
        ]
    );
    assert_eq!(
        python["data_tools.py"],
        r#""""The tools of data_tools. Their types, and all that is said of them: data_tools.pyi"""

from ._outboard import call as _call

__test__ = {}  # Nothing here is a test, whatever it is called.


def get_chunk(*input, **arguments):
    """One page"""
    return _call("data_tools", "get-chunk", input, arguments)


# What the stub calls by these names is plain data.
Chunk = GetChunkResult = dict
"#
    );
    assert!(
        python["data_tools.pyi"].contains("\ndef get_chunk(*, page: int) -> GetChunkResult:"),
        "{}",
        python["data_tools.pyi"]
    );
    assert!(python["aio/data_tools.pyi"].contains("\nasync def get_chunk("));
    assert!(
        python["aio/data_tools.py"].contains("from .._outboard import call_async as _call\n\n__test__ = {}")
    );

    let typescript = made(&snapshot, Kind::TypeScript);
    assert_eq!(
        typescript["data_tools.js"],
        "// The tools of data_tools. Their types, and all that is said of them: data_tools.d.ts\n\
         import { call as $call } from \"./_outboard.js\";\n\n\
         export function get_chunk(input) {\n  return $call(\"data_tools\", \"get-chunk\", input);\n}\n"
    );
    assert_eq!(
        typescript["data_tools.d.ts"],
        "export type Chunk = { next?: Chunk };\n\
         /** One page. *\\/ \"\"\" More. */\n\
         export function get_chunk(input: {\n  /** integer */ page: number;\n}): Promise<{ next?: Chunk }>;\n"
    );
    assert!(typescript["index.js"].contains("export * as data_tools from \"./data_tools.js\";"));
    assert!(
        typescript["index.js"].contains(" * data_tools (1 tool): get_chunk\n"),
        "{}",
        typescript["index.js"]
    );
}

#[test]
fn names_of_files_come_from_an_allow_list_whatever_servers_are_called() {
    let tools = json!([{"name": "x"}]);
    let names = [
        "../evil",
        "con",
        "Index",
        "index",
        "größe",
        "_outboard",
        "aio",
        "__init__",
        "a/b",
        "\u{202e}",
        ".",
        "x".repeat(300).leak(),
    ];
    let upstreams: Vec<(&str, Value)> = names.iter().map(|name| (*name, tools.clone())).collect();
    let snapshot = snapshot(&upstreams);
    for kind in [Kind::Python, Kind::TypeScript] {
        let files = made(&snapshot, kind);
        let mut folded: Vec<String> = files.keys().map(|path| path.to_ascii_lowercase()).collect();
        folded.sort();
        folded.dedup();
        assert_eq!(folded.len(), files.len());
        for path in files.keys() {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./".contains(&byte);
            assert!(path.bytes().all(plain) && !path.contains("..") && path.len() < 160, "{path}");
        }
        let modules = files.keys().filter(|path| path.ends_with(".pyi") || path.ends_with(".d.ts")).count();
        assert_eq!(modules, if kind == Kind::Python { 2 * names.len() } else { names.len() + 2 });
    }
}

#[test]
fn a_helper_gives_way_to_a_tool_of_its_name() {
    let tools = json!(["_call", "list", "$call", "ToolError", "call"].map(|name| json!({ "name": name })));
    let snapshot = snapshot(&[("a", tools)]);
    let python = &made(&snapshot, Kind::Python)["a.py"];
    assert!(
        python.contains("import call as _call_\n") && python.contains("return _call_(\"a\", \"_call\""),
        "{python}"
    );
    assert!(python.contains("def list_(") && python.contains("\"a\", \"list\""), "{python}");
    let typescript = &made(&snapshot, Kind::TypeScript)["a.js"];
    assert!(
        typescript.contains("export function _call_") && typescript.contains("$call(\"a\", \"$call\""),
        "{typescript}"
    );
}

#[test]
fn what_an_index_needs_hides_no_module() {
    let tools = json!([{"name": "x"}]);
    let snapshot = snapshot(&[("importlib", tools.clone()), ("Any", tools)]);
    for file in ["__init__.py", "aio/__init__.py"] {
        let index = &made(&snapshot, Kind::Python)[file];
        assert!(
            index.contains("import importlib as _importlib\nfrom typing import Any as _Any\n"),
            "{index}"
        );
    }
}

#[test]
fn no_function_and_no_module_has_a_name_that_python_calls_by_itself() {
    let names = ["__dir__", "__getattr__", "__debug__", "__path__", "__name__"];
    let snapshot = snapshot(&[
        ("a", names.map(|name| json!({ "name": name })).as_slice().into()),
        ("__path__", json!([{"name": "x"}])),
    ]);
    let files = made(&snapshot, Kind::Python);
    for name in names {
        assert!(files["a.py"].contains(&format!("def {name}_(")), "{}", files["a.py"]);
        assert!(files["a.py"].contains(&format!("(\"a\", \"{name}\"")), "it is called by its own name");
    }
    assert!(files.contains_key("__path___.py") && !files.contains_key("__path__.py"));
}

#[test]
fn types_are_called_what_every_interpreter_reads_as_it_stands() {
    let record = |of: Value| json!({"type": "object", "properties": {"x": of}});
    let schema = json!({
        "type": "object",
        "properties": {
            "one": {"$ref": "#/$defs/𝐚"},
            "two": {"$ref": "#/$defs/𝐬𝐭𝐫"},
            "\u{16ebb}": record(json!({"type": "integer"})),
        },
        "$defs": {"𝐚": record(json!({"$ref": "#/$defs/𝐚"})), "𝐬𝐭𝐫": record(json!({"$ref": "#/$defs/𝐬𝐭𝐫"}))},
    });
    let snapshot = snapshot(&[("a", json!([{"name": "A", "inputSchema": schema, "outputSchema": schema}]))]);
    for kind in [Kind::Python, Kind::TypeScript] {
        for (path, text) in made(&snapshot, kind).iter().filter(|(path, _)| path.contains("a.")) {
            // A key is a literal or a comment, and no name.
            let names = text.replace("\"\\U00016ebb\"", "").replace("\"\u{16ebb}\"", "");
            assert!(!names.contains(['𝐚', '𝐬', '\u{16ebb}']), "{path}: {text}");
        }
    }
    // The function gives way to the type that Python takes for the same name.
    let module = &made(&snapshot, Kind::Python)["a.py"];
    assert!(module.contains("def A_(") && module.contains("\nA = "), "{module}");
}

#[test]
fn python_says_what_it_cannot_import() {
    let snapshot = snapshot(&[("a", sample())]);
    for name in ["mcp-tools", "2fast", "class", "größe", "", "a.b", "json", "time"] {
        assert!(files(&snapshot, Kind::Python, name, &Reach::default()).is_err(), "{name}");
        assert!(files(&snapshot, Kind::TypeScript, name, &Reach::default()).is_ok(), "{name}");
    }
}
