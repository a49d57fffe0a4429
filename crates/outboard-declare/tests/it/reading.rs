//! What reading a schema reports: oddities with their place, and the test for wrapped results.

use outboard_declare::schema::{read, wrapped_result};
use serde_json::{Value, json};

#[test]
fn oddities_are_reported_with_their_place() {
    let cases = [
        (json!(3), vec!["/: a schema has to be an object or a boolean; read as any value"]),
        (
            json!({"properties": {"a": {"type": "weird"}, "b": {"items": {"type": 4}}}}),
            vec![
                "/properties/a: `weird` is no type of JSON Schema; read as any value",
                "/properties/b/items: `type` does not have the form that JSON Schema gives it; ignored",
            ],
        ),
        (json!({"$ref": "#/x"}), vec!["/: `#/x` leads nowhere; read as any value"]),
        (
            json!({"$ref": "https://example.com/a.json#/b"}),
            vec![
                "/: `https://example.com/a.json#/b` lies outside this schema and is not fetched; read as any value",
            ],
        ),
        (
            json!({"allOf": [{"type": "string"}, {"type": "number"}]}),
            vec!["/: parts of the schema exclude each other; the first is used"],
        ),
        (json!({"enum": []}), vec!["/: `enum` does not have the form that JSON Schema gives it; ignored"]),
        (json!(false), vec!["/: no value is valid"]),
        (
            json!({"allOf": [{"type": "string"}, false]}),
            vec!["/: parts of the schema exclude each other; the first is used"],
        ),
        (json!({"type": "string", "not": {"const": "x"}}), vec!["/: `not` cannot be declared; ignored"]),
        (json!({"type": "object", "properties": {"a": {"type": "string"}}}), vec![]),
    ];
    for (schema, expected) in cases {
        let warnings: Vec<String> = read(&schema).warnings.iter().map(ToString::to_string).collect();
        assert_eq!(warnings, expected, "for {schema}");
    }
}

#[test]
fn warnings_are_few_short_and_in_one_visible_line() {
    let properties: serde_json::Map<String, Value> = (0..500)
        .map(|n| (format!("{n}\n\u{202e}{}", "x".repeat(5_000)), json!({"type": "\u{1b}[31m\n".repeat(900)})))
        .collect();
    let warnings = read(&json!({"properties": properties})).warnings;
    assert!((1..=20).contains(&warnings.len()));
    for warning in warnings {
        let text = warning.to_string();
        assert!(text.len() < 600, "{text}");
        assert!(!text.chars().any(outboard_declare::text::is_invisible), "{text:?}");
    }
}

#[test]
fn only_a_bare_wrapper_is_unwrapped() {
    let string = json!({"type": "string"});
    let bare = json!({"type": "object", "properties": {"result": string}, "required": ["result"]});
    let with = |keyword: &str, value: Value| {
        let mut schema = bare.clone();
        schema[keyword] = value;
        schema
    };
    let cases = [
        (bare.clone(), true),
        (with("title", json!("readOutput")), true),
        (with("x-fastmcp-wrap-result", json!(true)), true),
        (with("additionalProperties", json!(false)), true),
        (with("additionalProperties", json!(true)), false),
        (with("required", json!([])), false),
        (with("type", json!(["object", "null"])), false),
        (with("anyOf", json!([{}])), false),
        (with("properties", json!({"result": string, "more": {}})), false),
        (with("properties", json!({"results": string})), false),
        (json!(true), false),
    ];
    for (schema, unwrapped) in cases {
        assert_eq!(wrapped_result(&schema).is_some(), unwrapped, "for {schema}");
    }
}
