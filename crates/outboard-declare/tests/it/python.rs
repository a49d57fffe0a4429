//! Python declarations: every kind of type against the text it becomes, full declarations, and hostile texts.
//! That they are well-formed Python is tested where there is a parser for it.

use outboard_declare::python::{Detail, ToolShape, declare_namespace, declare_tool};
use serde_json::{Value, json};

fn shape<'a>(input: Option<&'a Value>, output: Option<&'a Value>) -> ToolShape<'a> {
    ToolShape { namespace: "ns", identifier: "tool", description: None, input, output, observed: false }
}

/// The signature's result, and the types that it needs.
#[track_caller]
fn check_results(cases: &[(Value, &str)]) {
    for (schema, expected) in cases {
        let input = json!({"type": "object"});
        let declaration = declare_tool(&shape(Some(&input), Some(schema)), Detail::Signature);
        let result = declaration.signature.strip_prefix("async def tool() -> ").expect("it takes nothing");
        let text = std::iter::once(result).chain(declaration.types.iter().map(String::as_str));
        assert_eq!(text.collect::<Vec<_>>().join("\n"), *expected, "for {schema}");
    }
}

#[test]
fn types_are_those_that_json_becomes() {
    check_results(&[
        (json!({"type": "string"}), "str"),
        (json!({"type": "integer"}), "int"),
        (json!({"type": "number"}), "float"),
        (json!({"type": ["integer", "number", "null"]}), "float | None"),
        (json!({"type": "boolean"}), "bool"),
        (json!({"type": "null"}), "None"),
        (json!({}), "Any"),
        (json!(false), "Never"),
        (json!({"enum": ["a", "b\"", null]}), "Literal[\"a\", \"b\\\"\"] | None"),
        (json!({"enum": [1, -2, 1.5, true]}), "Literal[1, -2, True] | float"),
        (json!({"anyOf": [{"const": "a"}, {"type": "integer"}]}), "Literal[\"a\"] | int"),
        (json!({"type": "array", "items": {"type": "string"}}), "list[str]"),
        (json!({"type": "array"}), "list[Any]"),
        (json!({"type": "object"}), "dict[str, Any]"),
        (json!({"type": "object", "additionalProperties": {"type": "integer"}}), "dict[str, int]"),
        (json!({"type": "object", "additionalProperties": false}), "dict[str, Never]"),
    ]);
}

#[test]
fn records_are_typed_dicts_with_names_of_their_own() {
    let user = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}});
    check_results(&[
        (
            json!({"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {}}}),
            "ToolResult\nclass ToolResult(TypedDict): a: str; b: NotRequired[Any]",
        ),
        (
            json!({"type": "object", "required": ["a"], "properties": {"a": {}, "b": {}, "c": {}}}),
            "ToolResult\nclass ToolResult(TypedDict, total=False): a: Required[Any]; b: Any; c: Any",
        ),
        (
            json!({"type": "object", "properties": {"users": {"type": "array", "items": user}, "owner": user}}),
            "ToolResult\nclass User(TypedDict): id: int\n\
             class ToolResult(TypedDict, total=False): users: list[User]; owner: User",
        ),
        (
            json!({"type": "object", "required": ["from"], "properties": {"from": {"type": "string"}, "x-y": {}}}),
            "ToolResult\nToolResult = TypedDict(\"ToolResult\", {\"from\": str, \"x-y\": NotRequired[Any]})",
        ),
        (
            json!({"type": "object", "required": ["__typename"], "properties": {"__typename": {"const": "A"}}}),
            "A\nA = TypedDict(\"A\", {\"__typename\": Literal[\"A\"]})",
        ),
    ]);
}

#[test]
fn arguments_are_keywords_or_one_dict() {
    let required = |names: &[&str], properties: Value| json!({"type": "object", "required": names, "properties": properties});
    for (input, expected) in [
        (json!({"type": "object"}), "()"),
        (json!({"type": "object", "additionalProperties": true}), "(**arguments: Any)"),
        (json!({"type": "object", "additionalProperties": {"type": "string"}}), "(**arguments: str)"),
        (
            required(&["b"], json!({"a": {"type": "integer"}, "b": {"type": "string"}})),
            "(*, b: str, a: int = ...)",
        ),
        (required(&[], json!({"type": {"type": "string"}})), "(*, type: str = ...)"),
        (required(&["from"], json!({"from": {"type": "string"}})), "(input: ToolInput, /)"),
        (required(&[], json!({"x-loc": {"type": "string"}})), "(input: ToolInput = ..., /)"),
    ] {
        let declaration = declare_tool(&shape(Some(&input), None), Detail::Signature);
        assert_eq!(declaration.signature, format!("async def tool{expected} -> Any"), "for {input}");
    }
    assert_eq!(
        declare_tool(&shape(None, None), Detail::Signature).signature,
        "async def tool(**arguments: Any) -> Any"
    );
}

#[test]
fn recursive_types_have_aliases() {
    let schema = json!({"$ref": "#/$defs/Tree", "$defs": {"Tree": {"anyOf": [
        {"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/Tree"}}]}}});
    check_results(&[(schema, "Tree\ntype Tree = str | list[Tree]")]);
}

#[test]
fn everything_that_the_schema_says_is_shown() {
    let input = json!({"type": "object", "required": ["page", "mode"], "properties": {
        "page": {"type": "integer", "minimum": 1, "maximum": 100, "description": "Page to read."},
        "mode": {"enum": ["fast", "exact"], "default": "fast"},
        "since": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}],
            "description": "Only\n newer \"\"\" ones\\"},
        "old": {"type": "boolean", "deprecated": true, "default": true}}});
    let output = json!({"type": "array", "description": "The rows", "items": {"$ref": "#/$defs/Row"},
        "$defs": {"Row": {"type": "object", "description": "One row", "required": ["n"], "properties": {
            "sub": {"items": {"$ref": "#/$defs/Row"}}, "n": {"type": "number", "description": "How many"}}}}});
    let tool = ToolShape {
        namespace: "data",
        identifier: "read",
        description: Some("Reads pages.\n\nUse `\"\"\"` with care:\n- one\n- two\n"),
        input: Some(&input),
        output: Some(&output),
        observed: false,
    };
    assert_eq!(
        declare_tool(&tool, Detail::Full).text,
        r#"class data:
    async def read(*, page: int, # Page to read (1 to 100)
        mode: Literal["fast", "exact"], # default "fast"
        since: str | None = ..., # Only newer """ ones\ (date-time)
        old: bool = True) -> list[Row]: # deprecated
        """Reads pages.

        Use `\"\"\"` with care:
        - one
        - two
        Returns: The rows"""
class Row(TypedDict):
    """One row"""
    sub: NotRequired[list[Row]]
    n: float # How many"#
    );
}

#[test]
fn a_namespace_is_a_class_of_its_tools() {
    let one = ToolShape { identifier: "one", description: Some("Does it. Well."), ..shape(None, None) };
    let two = ToolShape { identifier: "two", ..shape(None, None) };
    let text = declare_namespace("ns", &[one, two], Detail::Signature).text;
    let expected = "class ns:\n    async def one(**arguments: Any) -> Any: \"\"\"Does it\"\"\"\n    \
                    async def two(**arguments: Any) -> Any: ...";
    assert_eq!(text, expected);
    assert_eq!(declare_namespace("ns", &[one, two], Detail::Name).text, "# ns: one, two");
    assert_eq!(declare_tool(&one, Detail::Name).text, "ns.one # Does it");
}

#[test]
fn hostile_text_stays_inside_of_its_place() {
    let evil = "x\"\"\"\nimport os # type: ignore\u{2028}\u{202e}\\";
    let input = json!({"type": "object", "properties": {
        evil: {"type": "string", "description": evil, "enum": [evil], "default": evil},
        "plain": {"description": evil}}});
    let tool = ToolShape {
        namespace: "ns",
        identifier: "tool",
        description: Some(evil),
        input: Some(&input),
        output: Some(&input),
        observed: false,
    };
    for detail in [Detail::Name, Detail::Signature, Detail::Full] {
        let text = declare_tool(&tool, detail).text;
        for line in text.lines() {
            let begins = ["class ", "    ", "ns.tool", "ToolInput = ", "ToolResult = ", "}", "# "];
            assert!(begins.iter().any(|begin| line.starts_with(begin)), "{line:?} in\n{text}");
        }
        assert!(!text.contains("\nimport"), "{text}");
        assert!(!text.chars().any(|c| c != '\n' && outboard_declare::text::is_invisible(c)), "{text}");
    }
}
