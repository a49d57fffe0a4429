//! Shapes held against the validator that the gate uses: they never refuse what it takes. Hostile schemas stay small.
//! How a script's own values are read is tested where scripts are parsed.

use outboard_script::{ToolView, mistakes};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{broker::judges_arguments_of, catalogue::ToolDefinition};

fn tool(schema: &Value) -> ToolDefinition {
    ToolDefinition {
        name: "t".into(),
        title: None,
        description: None,
        input_schema: Some(schema.clone().into()),
        output_schema: None,
        annotations: Default::default(),
    }
}

fn told(schema: &Value, value: &Value) -> String {
    let found = mistakes(&shape(Some(schema)), &argument(value), 9);
    found.iter().map(|mistake| mistake.text.as_str()).collect::<Vec<_>>().join("; ")
}

/// The gate says these words while other runs wait for the same thread.
#[test]
fn objects_of_very_many_members_are_data_and_are_not_held_against_every_name() {
    let names: Map<String, Value> =
        (0..500).map(|n| (format!("property_{n}"), json!({"type": "string"}))).collect();
    let schema = json!({"type": "object", "properties": names, "required": ["property_1"]});
    for unknown in [200, 80_000] {
        let given: Map<String, Value> = (0..unknown).map(|n| (format!("propertx_{n}"), json!(1))).collect();
        let told = told(&schema, &Value::from(given));
        assert_eq!(told, "", "{unknown} unknown members: so much is not compared");
    }
}

#[test]
fn arguments_that_do_not_fit_are_told_by_name_with_expected_and_found() {
    let issue = json!({
        "type": "object",
        "properties": {
            "owner": {"type": "string"},
            "repo": {"type": "string"},
            "title": {"type": "string"},
            "state": {"enum": ["open", "closed"]},
            "labels": {"type": "array", "items": {"type": "string"}},
            "milestone": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "filter": {"$ref": "#/$defs/filter"},
        },
        "required": ["owner", "repo", "title"],
        "$defs": {"filter": {
            "type": "object",
            "properties": {"by": {"const": "author"}, "and": {"$ref": "#/$defs/filter"}},
            "additionalProperties": false,
        }},
    });
    let right = json!({"owner": "a", "repo": "b", "title": "c"});
    let with = |more: Value| {
        let mut all = right.clone();
        for (name, value) in more.as_object().into_iter().flatten() {
            all[name] = value.clone();
        }
        all
    };
    for (value, expected) in [
        (right.clone(), ""),
        (json!({}), "`owner`, `repo`, `title` are missing"),
        (
            json!({"owner": "a", "repo": "b", "titel": "c"}),
            "there is no argument `titel` (did you mean `title`?)",
        ),
        (with(json!({"owner": 1})), "`owner` must be a string, got 1"),
        (with(json!({"state": "opne"})), "`state` must be \"open\" or \"closed\", got \"opne\""),
        (
            with(json!({"state": "open", "label": ["x"]})),
            "there is no argument `label` (did you mean `labels`?)",
        ),
        (with(json!({"labels": ["x", 1]})), "`labels[1]` must be a string, got 1"),
        (with(json!({"milestone": "1"})), "`milestone` must be an integer or null, got \"1\""),
        (with(json!({"milestone": 1.5})), "`milestone` must be an integer or null, got 1.5"),
        (with(json!({"milestone": null})), ""),
        (
            with(json!({"filter": {"and": {"bye": "author"}}})),
            "there is no member `filter.and.bye` (did you mean `by`?)",
        ),
        // What an upstream may take without saying so.
        (with(json!({"dry_run": true})), ""),
        (json!([right]), "a tool takes one object, got an array"),
    ] {
        assert_eq!(told(&issue, &value), expected, "{value}");
    }
}

#[test]
fn what_is_declared_nullable_is_taken_before_the_run_and_by_the_gate() {
    let schema =
        json!({"type": "object", "properties": {"a": {"type": "string", "enum": ["x"], "nullable": true}}});
    assert_eq!(told(&schema, &json!({"a": null})), "");
    assert!(judges_arguments_of(&tool(&schema)));
}

#[test]
fn names_and_choices_of_others_stay_on_their_line_and_in_their_quotes() {
    let schema = json!({
        "properties": {"a`b\nc\u{202e}": {"enum": ["x`\ny", "z".repeat(500)]}},
        "additionalProperties": false,
    });
    assert_eq!(
        told(&schema, &json!({"a`b\nd\u{202e}": 1})),
        "there is no argument `a'b d ` (did you mean `a'b c `?)"
    );
    let told = told(&schema, &json!({"a`b\nc\u{202e}": "no"}));
    assert!(told.len() < 300 && !told.contains('\n'), "{told}");
}

#[test]
fn hostile_schemas_become_small_shapes() {
    let tree = json!({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}});
    let loops =
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#"}]}}});
    let wide = json!({"properties": (0..50_000).map(|n| (format!("p{n}"), json!({"type": "string"}))).collect::<Map<_, _>>()});
    let long = json!({"properties": {"a": {"enum": (0..100_000).collect::<Vec<_>>()}}});
    let mut doubling = Map::new();
    for n in 0..60 {
        let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
        doubling.insert(format!("d{n}"), json!({"allOf": [next, next], "anyOf": [next, next]}));
    }
    let doubling = json!({"$defs": doubling, "$ref": "#/$defs/d0"});
    for schema in [
        tree,
        loops,
        wide,
        long,
        doubling,
        json!(false),
        json!({"type": 7, "properties": [], "required": {}}),
    ] {
        let mut count = 0;
        let mut left = vec![shape(Some(&schema))];
        while let Some(shape) = left.pop() {
            count += 1;
            left.extend(shape.members.into_iter().flat_map(|members| members.named.into_values()));
            left.extend(shape.all_of.into_iter().chain(shape.any_of).chain(shape.items.map(|items| *items)));
        }
        assert!(count <= SCHEMAS + 1, "{count}");
        assert_eq!(told(&schema, &json!({})), "");
    }
}

/// Schemas of the parts that are read, and of parts that are not.
fn schemas() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!({})),
        Just(json!({"type": "string"})),
        Just(json!({"type": "integer"})),
        Just(json!({"type": ["number", "null"]})),
        Just(json!({"type": "boolean", "nullable": true})),
        Just(json!({"enum": ["a", 1, null]})),
        Just(json!({"const": 2})),
        Just(json!({"type": "string", "minLength": 2, "pattern": "^a"})),
        Just(json!({"not": {"type": "string"}})),
        Just(json!({"$ref": "#/$defs/d"})),
        Just(json!(true)),
        Just(json!({"type": "array", "prefixItems": [{"type": "string"}], "items": {"type": "integer"}})),
    ];
    scalar.prop_recursive(3, 24, 4, |inner| {
        let object = (
            prop::collection::btree_map("[abc]", inner.clone(), 0..3),
            prop::collection::vec("[abc]", 0..2),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(|(properties, mut required, open, typed)| {
                required.dedup();
                let mut schema =
                    json!({"properties": properties, "required": required, "additionalProperties": open});
                if typed {
                    schema["type"] = json!("object");
                }
                schema
            });
        let combined = (
            prop::sample::select(vec!["allOf", "anyOf", "oneOf"]),
            prop::collection::vec(inner.clone(), 1..3),
        );
        prop_oneof![
            object,
            inner.prop_map(|items| json!({"type": "array", "items": items})),
            combined.prop_map(|(keyword, parts)| json!({keyword: parts})),
        ]
    })
}

fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(1)),
        Just(json!(2.0)),
        Just(json!(1.5)),
        Just(json!("a")),
        Just(json!("abc")),
    ];
    scalar.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What does not fit a shape does not fit the schema: nothing is refused that the gate would let through.
    #[test]
    fn a_shape_never_says_more_than_its_schema(
        properties in prop::collection::btree_map("[abc]", schemas(), 0..3),
        definition in schemas(),
        whole in schemas(),
        input in prop::collection::btree_map("[abc]", values(), 0..3),
    ) {
        let schema = json!({
            "type": "object", "properties": properties, "allOf": [whole], "$defs": {"d": definition}, "additionalProperties": true,
        });
        let input = json!(input);
        prop_assume!(judges_arguments_of(&tool(&schema)));
        let refused = told(&schema, &input);
        let valid = jsonschema::is_valid(&schema, &input);
        prop_assert!(refused.is_empty() || !valid, "{schema} {input}: {refused}");
    }
}

#[test]
fn a_tool_without_a_schema_takes_everything() {
    assert!(shape(None).is_any());
    assert!(!judges_arguments_of(&ToolDefinition { input_schema: None, ..tool(&json!({})) }));
    let view = ToolView::Found(std::sync::Arc::new(shape(None)));
    assert!(matches!(view, ToolView::Found(shape) if shape.is_any()));
}
