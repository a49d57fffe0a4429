//! Whole namespaces in one declaration.

use outboard_declare::typescript::{Detail, ToolShape, declare_namespace};
use serde_json::{Value, json};

use super::assert_well_formed;

fn tool<'a>(identifier: &'a str, description: &'a str, output: &'a Value) -> ToolShape<'a> {
    ToolShape {
        namespace: "",
        identifier,
        description: Some(description),
        input: None,
        output: Some(output),
        observed: false,
    }
}

#[test]
fn a_namespace_without_local_types_is_a_constant() {
    let number = json!({"type": "number"});
    let nothing = json!({"type": "object"});
    let mut pages = tool("get_total_pages", "Number of data pages. Cheap.", &number);
    pages.input = Some(&nothing);
    let text =
        declare_namespace("data_tools", &[pages, tool("odd-name", "", &number)], Detail::Signature).text;
    assert_well_formed(&text);
    assert_eq!(
        text,
        r#"declare const data_tools: {
  /** Number of data pages */
  get_total_pages(): Promise<number>;
  "odd-name"(input?: Record<string, any>): Promise<number>;
};"#
    );
    let names = declare_namespace("data_tools", &[pages], Detail::Name).text;
    assert_eq!(names, "// data_tools: get_total_pages");
    let empty = declare_namespace("a */ b", &[], Detail::Signature).text;
    assert_eq!(empty, "declare const a____b: {\n};");
}

#[test]
fn equal_local_types_are_declared_once_and_others_are_numbered() {
    let tree = |field: &str| json!({"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {field: {"$ref": "#/$defs/Node"}}}}});
    let (next, last, other) = (tree("next"), tree("last"), tree("other"));
    let nothing = json!({"type": "object"});
    let tools =
        [("a", &next), ("b", &next), ("c", &last), ("d", &last), ("e", &other), ("f", &last), ("g", &next)];
    let tools = tools.map(|(name, output)| ToolShape { input: Some(&nothing), ..tool(name, "", output) });
    let text = declare_namespace("ns", &tools, Detail::Signature).text;
    assert_well_formed(&text);
    assert_eq!(
        text,
        "declare namespace ns {
  type Node = { next?: Node };
  type Node2 = { last?: Node2 };
  type Node3 = { other?: Node3 };
  function a(): Promise<Node>;
  function b(): Promise<Node>;
  function c(): Promise<Node2>;
  function d(): Promise<Node2>;
  function e(): Promise<Node3>;
  function f(): Promise<Node2>;
  function g(): Promise<Node>;
}"
    );
}

#[test]
fn several_definitions_of_one_name_in_one_schema_stay_apart() {
    let schema = json!({"properties": {"x": {"$ref": "#/$defs/node"}, "y": {"$ref": "#/$defs/Node"}}, "$defs": {
        "node": {"properties": {"n": {"$ref": "#/$defs/node"}}}, "Node": {"properties": {"m": {"$ref": "#/$defs/Node"}}}}});
    let swapped = json!({"properties": {"y": {"$ref": "#/$defs/Node"}, "x": {"$ref": "#/$defs/node"}}, "$defs": schema["$defs"]});
    let text =
        declare_namespace("ns", &[tool("a", "", &schema), tool("b", "", &swapped)], Detail::Signature).text;
    assert_well_formed(&text);
    for definition in ["type Node = { n?: Node };", "type Node2 = { m?: Node2 };"] {
        assert!(text.contains(definition), "{text}");
    }
    assert!(
        text.contains("function a(input?: Record<string, any>): Promise<{ x?: Node; y?: Node2 }>;"),
        "{text}"
    );
}
