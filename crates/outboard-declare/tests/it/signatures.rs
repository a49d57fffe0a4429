//! One-line declarations: every keyword of JSON Schema against the text it becomes.

use outboard_declare::typescript::{Detail, ToolShape, declare_tool};
use serde_json::{Value, json};

use super::{assert_well_formed, declare};

/// The declaration of a tool whose output is this schema, without the part that is always the same.
#[track_caller]
fn check(schema: &Value, expected: &str) {
    let declaration = declare(Some(&json!({"type": "object"})), Some(schema), Detail::Signature);
    assert_well_formed(&declaration.text);
    let text = declaration.text.strip_prefix("ns.tool(): Promise<").expect("it takes nothing");
    assert_eq!(
        text.replacen(">\n", "\n", 1).strip_suffix('>').unwrap_or(text),
        without_end(expected),
        "for {schema}"
    );
}

fn without_end(expected: &str) -> &str {
    expected.strip_suffix('>').unwrap_or(expected)
}

#[track_caller]
fn check_all(cases: &[(Value, &str)]) {
    for (schema, expected) in cases {
        let declaration = declare(Some(&json!({"type": "object"})), Some(schema), Detail::Signature);
        assert_well_formed(&declaration.text);
        let (signature, types) = (declaration.signature, declaration.types);
        let result = signature.strip_prefix("ns.tool(): Promise<").and_then(|rest| rest.strip_suffix('>'));
        let text = result.into_iter().chain(types.iter().map(String::as_str)).collect::<Vec<_>>().join("\n");
        assert_eq!(text, *expected, "for {schema}");
    }
}

#[test]
fn plain_types() {
    check_all(&[
        (json!({"type": "string"}), "string"),
        (json!({"type": "integer"}), "number"),
        (json!({"type": "number"}), "number"),
        (json!({"type": "boolean"}), "boolean"),
        (json!({"type": "null"}), "null"),
        (json!({"type": ["string", "null"]}), "string | null"),
        (json!({"type": ["null", "integer", "number"]}), "number | null"),
        (json!({"type": "string", "nullable": true}), "string | null"),
        (json!({"type": ["string", "number", "boolean", "object", "array", "null"]}), "any"),
        (json!({}), "any"),
        (json!(true), "any"),
        (json!(false), "never"),
        (json!({"description": "anything"}), "any"),
        (json!({"type": "str"}), "string"),
        (json!({"type": "weird"}), "any"),
    ]);
}

#[test]
fn literals() {
    check_all(&[
        (json!({"const": "a"}), "\"a\""),
        (json!({"const": null}), "null"),
        (json!({"enum": ["a", "b", "a", null]}), "\"a\" | \"b\" | null"),
        (json!({"type": "string", "enum": ["a", 1]}), "\"a\""),
        (json!({"enum": [1, -2, 1.5, true]}), "1 | -2 | 1.5 | true"),
        (json!({"enum": [true, false]}), "boolean"),
        (json!({"enum": [[1], {"a": 1, "b": [true]}]}), "[1] | { a: 1; b: [true] }"),
        (json!({"const": []}), "any[]"),
        (json!({"type": "array", "items": {"type": "string"}, "enum": [["a"], ["b"]]}), "[\"a\"] | [\"b\"]"),
        (json!({"type": "string", "enum": ["a"], "nullable": true}), "\"a\" | null"),
        (json!({"anyOf": [{"enum": ["a", "b"]}, {"type": "string"}]}), "\"a\" | \"b\" | string"),
        (json!({"anyOf": [{"type": "string"}, {"const": ""}]}), "string"),
        (json!({"enum": []}), "any"),
        (json!({"type": "string", "enum": []}), "string"),
        (json!({"allOf": [{"type": "string"}, false]}), "string"),
        (json!({"enum": "a"}), "any"),
    ]);
    let many: Vec<String> = (0..60).map(|n| format!("v{n}")).collect();
    let text = declare(None, Some(&json!({"enum": many})), Detail::Signature).text;
    assert!(text.ends_with(r#" | "v38" | "v39" | string /* 20 more */>"#), "{text}");
    let text = declare(None, Some(&json!({"enum": many})), Detail::Full).text;
    assert!(text.ends_with(r#" | "v58" | "v59">"#), "{text}");
}

#[test]
fn objects() {
    check_all(&[
        (json!({"type": "object"}), "Record<string, any>"),
        (json!({"type": "object", "additionalProperties": false}), "Record<string, never>"),
        (json!({"type": "object", "additionalProperties": {"type": "integer"}}), "Record<string, number>"),
        (json!({"patternProperties": {"^x": {"type": "string"}}}), "Record<string, string>"),
        (
            json!({"patternProperties": {"^x": {"type": "string"}}, "additionalProperties": {"type": "boolean"}}),
            "Record<string, string | boolean>",
        ),
        (
            json!({"properties": {"a": {"type": "string"}, "b": {}}, "required": ["a"]}),
            "{ a: string; b?: any }",
        ),
        (
            json!({"properties": {"a": {}}, "additionalProperties": {"type": "string"}}),
            "{ a?: any; [key: string]: any }",
        ),
        (json!({"properties": {"a": {}}, "additionalProperties": false}), "{ a?: any }"),
        (json!({"properties": {"a": {}}, "required": ["a", "b"]}), "{ a: any; b: any }"),
        (
            json!({"type": "object", "propertyNames": {"enum": ["x", "y"]}, "additionalProperties": {"type": "number"}}),
            "{ x?: number; y?: number }",
        ),
        (
            json!({"properties": {"a-b": {}, "delete": {}, "2": {}, "$x": {}, "é": {}, "": {}}}),
            r#"{ "a-b"?: any; delete?: any; "2"?: any; $x?: any; "é"?: any; ""?: any }"#,
        ),
        (
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "{ a?: string }",
        ),
    ]);
}

#[test]
fn lists() {
    let two = json!([{"type": "string"}, {"type": "number"}]);
    check_all(&[
        (json!({"type": "array"}), "any[]"),
        (json!({"type": "array", "items": {"type": "string"}}), "string[]"),
        (json!({"items": {"enum": ["a", "b"]}}), "(\"a\" | \"b\")[]"),
        (json!({"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}), "number[][]"),
        (json!({"type": "array", "prefixItems": two}), "[string, number]"),
        (json!({"type": "array", "items": two}), "[string, number]"),
        (json!({"type": "array", "prefixItems": two, "items": false}), "[string, number]"),
        (json!({"type": "array", "prefixItems": two, "minItems": 1}), "[string, number?]"),
        (
            json!({"type": "array", "prefixItems": two, "items": {"type": "boolean"}}),
            "[string, number, ...boolean[]]",
        ),
        (json!({"items": two, "additionalItems": {"enum": [1, 2]}}), "[string, number, ...(1 | 2)[]]"),
    ]);
}

#[test]
fn combinations() {
    let a = json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]});
    let b = json!({"type": "object", "properties": {"b": {"type": "number"}}});
    check_all(&[
        (json!({"anyOf": [{"type": "string"}, {"type": "null"}]}), "string | null"),
        (json!({"oneOf": [a, b]}), "{ a: string } | { b?: number }"),
        (json!({"allOf": [a, b]}), "{ a: string; b?: number }"),
        (json!({"allOf": [a, {"properties": {"a": {"const": "x"}}}]}), "{ a: \"x\" }"),
        (json!({"type": "object", "oneOf": [a, b]}), "{ a: string } | { b?: number }"),
        (
            json!({"type": "object", "properties": {"c": {}}, "oneOf": [a, b]}),
            "{ c?: any } & ({ a: string } | { b?: number })",
        ),
        (json!({"type": "string", "anyOf": [{"format": "date"}, {"format": "time"}]}), "string"),
        (json!({"allOf": [{"type": "number"}, {"type": "integer"}]}), "number"),
        (json!({"allOf": [{"enum": ["a", "b"]}, {"enum": ["b", "c"]}]}), "\"b\""),
        (json!({"allOf": [{"type": "string"}, {"type": "number"}]}), "string"),
        (json!({"anyOf": []}), "any"),
        (json!({"anyOf": [{}, {"type": "string"}]}), "any"),
        (
            json!({"type": "array", "items": {"allOf": [{"$ref": "#/$defs/u"}, a]}, "$defs": {"u": {"oneOf": [a, b]}}}),
            "(({ a: string } | { b?: number }) & { a: string })[]",
        ),
    ]);
}

#[test]
fn references() {
    let point = json!({"type": "object", "properties": {"x": {"type": "number"}, "y": {"type": "number"},
        "label": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}}});
    let named = "{ x?: number; y?: number; label?: string; tags?: string[] }";
    check_all(&[
        (json!({"$ref": "#/$defs/n", "$defs": {"n": {"type": "string"}}}), "string"),
        (json!({"$ref": "#/definitions/n", "definitions": {"n": {"type": "string"}}}), "string"),
        (json!({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": {"type": "string"}}}), "string"),
        (json!({"$ref": "#n", "$defs": {"x": {"$anchor": "n", "type": "string"}}}), "string"),
        (
            json!({"$id": "https://x.example/root", "$ref": "node.json", "$defs": {"n": {"$id": "https://x.example/node.json", "type": "string"}}}),
            "string",
        ),
        // Used once: in place. Used twice: named. Small: in place however often.
        (json!({"items": {"$ref": "#/$defs/p"}, "$defs": {"p": point}}), &format!("{named}[]")),
        (
            json!({"properties": {"from": {"$ref": "#/$defs/p"}, "to": {"$ref": "#/$defs/p"}}, "$defs": {"p": point}}),
            &format!("{{ from?: P; to?: P }}\ntype P = {named}"),
        ),
        (
            json!({"properties": {"from": {"$ref": "#/$defs/s"}, "to": {"$ref": "#/$defs/s"}}, "$defs": {"s": {"type": "string"}}}),
            "{ from?: string; to?: string }",
        ),
        // A pointer into the schema itself shares what it points at.
        (
            json!({"properties": {"from": point, "to": {"$ref": "#/properties/from"}}}),
            &format!("{{ from?: From; to?: From }}\ntype From = {named}"),
        ),
        (
            json!({"$ref": "#/$defs/tree", "$defs": {"tree": {"properties": {"children": {"items": {"$ref": "#/$defs/tree"}}}}}}),
            "Tree\ntype Tree = { children?: Tree[] }",
        ),
        (
            json!({"title": "linked list", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}}),
            "LinkedList\ntype LinkedList = { next?: LinkedList | null }",
        ),
        (
            json!({"properties": {"self": {"$ref": "#"}}}),
            "ToolResult\ntype ToolResult = { self?: ToolResult }",
        ),
        (
            json!({"additionalProperties": {"$ref": "#"}}),
            "ToolResult\ntype ToolResult = { [key: string]: ToolResult }",
        ),
        (
            json!({"$ref": "#/$defs/a", "$defs": {
                "a": {"properties": {"b": {"$ref": "#/$defs/b"}}}, "b": {"properties": {"a": {"$ref": "#/$defs/a"}}}}}),
            "A\ntype A = { b?: { a?: A } }",
        ),
        (
            json!({"allOf": [{"$ref": "#/$defs/base"}, {"properties": {"b": {"type": "number"}}}],
                "$defs": {"base": {"properties": {"a": {"type": "string"}}}}}),
            "{ a?: string; b?: number }",
        ),
        (json!({"$ref": "#/nowhere"}), "any"),
        (json!({"$ref": "https://example.com/schema.json"}), "any"),
        (json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}), "any"),
        (
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}, {"type": "string"}]}}}),
            "string",
        ),
    ]);
}

#[test]
fn equal_records_share_a_name() {
    let entity = json!({"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "kind": {"type": "string"}, "notes": {"type": "array", "items": {"type": "string"}},
        "size": {"type": "integer"}, "open": {"type": "boolean"}, "owner": {"type": "string"}}});
    let several = json!({"type": "array", "items": entity});
    check_all(&[(
        json!({"properties": {"entities": several, "more": several}}),
        "{ entities?: Entity[]; more?: Entity[] }\n\
         type Entity = { name: string; kind?: string; notes?: string[]; size?: number; open?: boolean; owner?: string }",
    )]);
}

#[test]
fn wrapped_results_are_declared_as_what_is_inside() {
    let page = json!({"type": "object", "properties": {"page": {"type": "number"}}});
    let wrapper = |inner: &Value| json!({"type": "object", "properties": {"result": inner}, "required": ["result"], "title": "xOutput"});
    check(&wrapper(&json!({"type": "string"})), "string");
    check(&wrapper(&page), "{ page?: number }");
    check(
        &json!({"properties": {"result": {"$ref": "#/$defs/p"}}, "required": ["result"], "$defs": {"p": page}}),
        "{ page?: number }",
    );
    let not_required = json!({"type": "object", "properties": {"result": {"type": "string"}}});
    check(&not_required, "{ result?: string }");
    let two = json!({"type": "object", "properties": {"result": {"type": "string"}, "n": {}}, "required": ["result"]});
    check(&two, "{ result: string; n?: any }");
}

#[test]
fn inputs() {
    let check = |input: Option<Value>, expected: &str| {
        let text = declare(input.as_ref(), None, Detail::Signature).text;
        assert_eq!(text, format!("ns.tool({expected}): Promise<any>"), "for {input:?}");
    };
    check(Some(json!({"type": "object"})), "");
    check(Some(json!({"type": "object", "properties": {}, "additionalProperties": false})), "");
    check(None, "input?: Record<string, any>");
    check(Some(json!({})), "input?: Record<string, any>");
    check(Some(json!("nonsense")), "input?: Record<string, any>");
    check(Some(json!({"type": "object", "additionalProperties": true})), "input?: Record<string, any>");
    check(Some(json!({"properties": {"a": {}}})), "input?: { a?: any }");
    check(Some(json!({"properties": {"a": {}}, "required": ["a"]})), "input: { a: any }");
    check(
        Some(
            json!({"type": "object", "oneOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}}]}),
        ),
        "input: { a: any } | { b?: any }",
    );
}

#[test]
fn a_search_listing_reads_as_the_design_shows_it() {
    let chunk = json!({"$ref": "#/$defs/DataChunk", "$defs": {"DataChunk": {"type": "object", "required": ["page", "next"],
        "properties": {"page": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/DataChunk"}, {"type": "null"}]}}}}});
    let input = json!({"type": "object", "properties": {"page": {"type": "integer"}}, "required": ["page"]});
    let tool = ToolShape {
        namespace: "data_tools",
        identifier: "get_data_chunk",
        description: Some("One page of\n  user activity. Pages start at 1."),
        input: Some(&input),
        output: Some(&chunk),
        observed: false,
    };
    assert_eq!(
        declare_tool(&tool, Detail::Name).text,
        "data_tools.get_data_chunk // One page of user activity"
    );
    assert_eq!(
        declare_tool(&tool, Detail::Signature).text,
        "data_tools.get_data_chunk(input: { page: number }): Promise<DataChunk> // One page of user activity\n\
         type DataChunk = { page: number; next: DataChunk | null }"
    );
}

#[test]
fn a_signature_too_long_loses_its_deepest_records_first() {
    let field = json!({"type": "object", "properties": (0..40).map(|n| (format!("property_number_{n}"), json!({"type": "string"}))).collect::<serde_json::Map<_, _>>()});
    let schema = json!({"type": "object", "properties": (0..12).map(|n| {
        let mut field = field.clone();
        field["properties"][format!("only_here_{n}")] = json!({"type": "number"});
        (format!("field_{n}"), field)
    }).collect::<serde_json::Map<_, _>>()});
    let text = declare(None, Some(&schema), Detail::Signature).text;
    assert!(text.contains("field_11?: any /* 41 properties */ }"), "{text}");
    assert!(text.len() < 1_000, "{text}");
    assert!(declare(None, Some(&schema), Detail::Full).text.contains("only_here_11?: number;"));
}
