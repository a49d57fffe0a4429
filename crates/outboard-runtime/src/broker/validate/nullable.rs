//! `nullable: true`, which is not of JSON Schema and means that `null` is taken too (OpenAPI 3.0, "Schema Object"): tools
//! declare it, and what is declared must not be refused. It changes nothing else of a schema.

use serde_json::{Map, Value};

/// Keywords that hold a schema or a list of schemas, and those that hold schemas by name.
const WITHIN: [&str; 16] = [
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "oneOf",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const BY_NAME: [&str; 5] = ["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// The schema in which `null` stands among the types and choices of what is nullable. Its depth must be bounded.
pub(super) fn spelt_out(mut schema: Value) -> Value {
    spell_out(&mut schema);
    schema
}

fn spell_out(schema: &mut Value) {
    let keywords = match schema {
        Value::Object(keywords) => keywords,
        // A list of schemas.
        Value::Array(parts) => return parts.iter_mut().for_each(spell_out),
        _ => return,
    };
    if keywords.get("nullable") == Some(&Value::Bool(true)) {
        take_null(keywords);
    }
    for (keyword, value) in keywords {
        if WITHIN.contains(&keyword.as_str()) {
            spell_out(value);
        } else if BY_NAME.contains(&keyword.as_str())
            && let Value::Object(named) = value
        {
            named.values_mut().for_each(spell_out);
        }
    }
}

fn take_null(keywords: &mut Map<String, Value>) {
    match keywords.get_mut("type") {
        Some(one @ Value::String(_)) if one != "null" => *one = Value::from(vec![one.take(), "null".into()]),
        Some(Value::Array(types)) if !types.contains(&"null".into()) => types.push("null".into()),
        _ => {}
    }
    if let Some(Value::Array(choices)) = keywords.get_mut("enum")
        && !choices.contains(&Value::Null)
    {
        choices.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_is_taken_where_it_is_declared_and_nowhere_else() {
        for (schema, expected) in [
            (
                json!({"type": "string", "nullable": true}),
                json!({"type": ["string", "null"], "nullable": true}),
            ),
            (json!({"type": "string", "nullable": false}), json!({"type": "string", "nullable": false})),
            (
                json!({"properties": {"a": {"enum": ["x"], "nullable": true}, "nullable": {"type": "string"}}}),
                json!({"properties": {"a": {"enum": ["x", null], "nullable": true}, "nullable": {"type": "string"}}}),
            ),
            (
                json!({"items": [{"type": ["number"], "nullable": true}], "default": {"type": "string", "nullable": true}}),
                json!({"items": [{"type": ["number", "null"], "nullable": true}], "default": {"type": "string", "nullable": true}}),
            ),
            (json!({"type": "null", "nullable": true}), json!({"type": "null", "nullable": true})),
            (json!(true), json!(true)),
        ] {
            assert_eq!(spelt_out(schema), expected);
        }
    }
}
