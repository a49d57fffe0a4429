//! Schemas and texts made to break a generator: nothing panics, overflows, multiplies or escapes its place.

use outboard_declare::names::Names;
use outboard_declare::schema::read;
use outboard_declare::typescript::{Detail, ToolShape, declare_namespace, declare_tool};
use serde_json::{Map, Value, json};

use super::{apart, assert_well_formed, declare};

/// Declares a tool with this schema on both sides in every detail; the text stays under `most` bytes.
#[track_caller]
fn check_bounded(schema: &Value, most: usize) {
    for detail in [Detail::Signature, Detail::Full] {
        let declaration = declare(Some(schema), Some(schema), detail);
        assert_well_formed(&declaration.text);
        assert!(declaration.text.len() <= most, "{detail:?} has {} bytes", declaration.text.len());
        assert_eq!(declaration, declare(Some(schema), Some(schema), detail), "not the same twice");
    }
}

/// A schema this deep. Built without `json!` around the inner part, which would recurse by itself.
fn nested(levels: usize, wrap: fn(Value) -> Value) -> Value {
    (0..levels).fold(json!({"type": "string"}), |inner, _| wrap(inner))
}

fn object(keyword: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(keyword.to_owned(), value)]))
}

#[test]
fn deep_nesting_is_cut() {
    let wraps: [fn(Value) -> Value; 7] = [
        |inner| object("properties", object("a", inner)),
        |inner| object("items", inner),
        |inner| object("anyOf", Value::Array(vec![inner, json!({"type": "null"})])),
        |inner| object("allOf", Value::Array(vec![inner])),
        |inner| object("prefixItems", Value::Array(vec![inner])),
        |inner| object("additionalProperties", inner),
        |inner| object("type", Value::Array(vec![inner])),
    ];
    for wrap in wraps {
        let schema = nested(2_000, wrap);
        check_bounded(&schema, 20_000);
        assert!(!read(&schema).warnings.is_empty(), "nobody is told");
        // Dropping a value recurses, which is no concern of this library.
        std::mem::forget(schema);
    }
}

#[test]
fn references_do_not_multiply() {
    let doubling: Map<String, Value> = (0..200)
        .map(|n| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (format!("d{n}"), json!({"type": "object", "properties": {"left": next, "right": next, "more": {"type": "array", "items": next}}}))
        })
        .collect();
    check_bounded(&json!({"$ref": "#/$defs/d0", "$defs": doubling}), 100_000);

    let chain: Map<String, Value> = (0..4_000)
        .map(|n| (format!("d{n}"), json!({"properties": {"a": {"$ref": format!("#/$defs/d{}", n + 1)}}})))
        .collect();
    check_bounded(&json!({"$ref": "#/$defs/d0", "$defs": chain}), 1_000_000);

    let aliases: Map<String, Value> = (0..4_000)
        .map(|n| (format!("d{n}"), json!({"$ref": format!("#/$defs/d{}", (n + 1) % 4_000)})))
        .collect();
    check_bounded(&json!({"$ref": "#/$defs/d0", "$defs": aliases}), 20_000);

    let everyone: Vec<Value> = (0..60).map(|n| json!({"$ref": format!("#/$defs/d{n}")})).collect();
    for keyword in ["anyOf", "allOf", "oneOf", "prefixItems"] {
        let tangle: Map<String, Value> =
            (0..60).map(|n| (format!("d{n}"), json!({keyword: everyone}))).collect();
        check_bounded(&json!({"$ref": "#/$defs/d0", "$defs": tangle}), 500_000);
    }
}

#[test]
fn combinations_do_not_multiply() {
    let either = |n: usize| json!({"anyOf": (0..60).map(|m| json!({"properties": {format!("p{n}_{m}"): {}}})).collect::<Vec<_>>()});
    check_bounded(&json!({"allOf": (0..80).map(either).collect::<Vec<_>>()}), 1_000_000);
    let values = |n: usize| json!({"enum": (n..n + 256).map(|m| m.to_string()).collect::<Vec<_>>()});
    check_bounded(&json!({"allOf": (0..200).map(values).collect::<Vec<_>>()}), 20_000);
    let one = |n: usize| json!({"properties": {format!("p{n}"): {"type": "string"}}});
    check_bounded(&json!({"allOf": (0..5_000).map(one).collect::<Vec<_>>()}), 500_000);
}

#[test]
fn size_is_bounded() {
    let long = "x".repeat(1_000_000);
    let wide: Map<String, Value> =
        (0..20_000).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect();
    let cases = [
        json!({"enum": (0..200_000).map(|n| n.to_string()).collect::<Vec<_>>()}),
        json!({"anyOf": (0..100_000).map(|n| json!({"const": n})).collect::<Vec<_>>()}),
        json!({"type": "object", "properties": wide}),
        json!({"type": "object", "required": (0..100_000).map(|n| n.to_string()).collect::<Vec<_>>()}),
        json!({"properties": {long.as_str(): {}}}),
        json!({"const": long}),
        json!({"properties": {"a": {"description": long, "pattern": long, "default": long, "format": long}}}),
        json!({"$ref": format!("#/{long}")}),
        json!({"type": long}),
        json!({"prefixItems": (0..10_000).map(|_| json!({})).collect::<Vec<_>>()}),
        json!({"type": (0..64).map(|_| json!("object")).collect::<Vec<_>>(), "properties": {"a": {"type": "string"}}}),
    ];
    for schema in cases {
        check_bounded(&schema, 200_000);
    }
}

#[test]
fn odd_values_of_every_keyword_are_survived() {
    const KEYWORDS: [&str; 33] = [
        "type",
        "enum",
        "const",
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "items",
        "prefixItems",
        "additionalItems",
        "minItems",
        "maxItems",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "$ref",
        "$defs",
        "definitions",
        "$id",
        "$anchor",
        "nullable",
        "description",
        "default",
        "format",
        "pattern",
        "minimum",
        "exclusiveMinimum",
        "deprecated",
        "examples",
        "title",
        "unevaluatedProperties",
    ];
    let values = [
        json!(null),
        json!(true),
        json!(-1.5),
        json!("#"),
        json!([]),
        json!([[], null, 3]),
        json!({}),
        json!({"a": 1}),
    ];
    for keyword in KEYWORDS {
        for value in &values {
            check_bounded(&json!({keyword: value}), 1_000);
            check_bounded(
                &json!({"type": "object", "properties": {"x": {keyword: value}}, keyword: value}),
                1_000,
            );
            check_bounded(&json!({"type": ["array", "object", "string"], keyword: value}), 1_000);
        }
    }
}

const ATTACKS: [&str; 10] = [
    "*/ evil(); /*",
    "\n*/\nevil();",
    "\"}; evil(); ({\"",
    "\\\"; evil(); //",
    "`${evil()}`",
    "\u{2028}evil()\u{2029}",
    "\u{202e}evil\u{2066}\u{200b}\u{feff}",
    "*\u{200b}/ evil()",
    "\u{e0041}\u{e0042}\0\u{1b}[31m",
    "@ts-ignore\r\n// @ts-nocheck",
];

#[test]
fn text_of_an_upstream_stays_a_comment_or_a_literal() {
    for attack in ATTACKS {
        let schema = json!({
            "title": attack, "description": attack, "type": "object",
            "properties": {
                attack: {"type": "string", "description": attack, "format": attack, "pattern": attack, "default": attack, "examples": [attack]},
                "value": {"enum": [attack, "b"], "default": [attack]},
                "kept": {"$ref": "#/$defs/x"}, "number": {"type": "number", "minimum": attack},
            },
            "required": [attack, format!("{attack}2")],
            "$defs": {"x": {"$anchor": attack, "title": attack, "properties": {attack: {"$ref": "#/$defs/x"}}}},
        });
        for detail in [Detail::Name, Detail::Signature, Detail::Full] {
            let shape = ToolShape {
                namespace: attack,
                identifier: attack,
                description: Some(attack),
                input: Some(&schema),
                output: Some(&schema),
                observed: false,
            };
            let tool = declare_tool(&shape, detail).text;
            let namespace = declare_namespace(attack, &[shape, shape], detail).text;
            for text in [tool, namespace] {
                assert_well_formed(&text);
                let (code, comments) = apart(&text);
                assert!(!code.contains("evil("), "{text}");
                assert!(!comments.contains("@ts-"), "{text}");
            }
        }
    }
}

#[test]
fn a_namespace_of_many_conflicting_types_is_declared() {
    let outputs: Vec<Value> = (0..300)
        .map(|n| json!({"$ref": "#/$defs/Node", "$defs": {"Node": {"properties": {format!("p{n}"): {"$ref": "#/$defs/Node"}}}}}))
        .collect();
    let names: Vec<String> = (0..300).map(|n| format!("tool_{n}")).collect();
    let tools: Vec<ToolShape<'_>> = names
        .iter()
        .zip(&outputs)
        .map(|(identifier, output)| ToolShape {
            namespace: "",
            identifier,
            description: None,
            input: None,
            output: Some(output),
            observed: false,
        })
        .collect();
    let declaration = declare_namespace("ns", &tools, Detail::Signature);
    assert_well_formed(&declaration.text);
    assert_eq!(declaration.types.len(), 300);
}

#[test]
fn hostile_names_stay_apart_and_can_be_undone() {
    let mut originals: Vec<String> = ATTACKS.iter().map(ToString::to_string).collect();
    originals.extend((0..2_000).map(|n| "-".repeat(n)));
    originals.extend(["__proto__", "constructor", "then", "a\u{301}", "á", "ﬁ", "fi"].map(ToOwned::to_owned));
    let names = Names::assign(&originals, &[]);
    assert_eq!(names.len(), originals.len());
    for original in &originals {
        let name = names.identifier(original).expect("every original has a name");
        assert!(outboard_declare::names::is_identifier(name), "{name:?}");
        assert_eq!(names.original(name), Some(original.as_str()));
    }
}
