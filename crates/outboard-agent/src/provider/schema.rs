//! Schemas of tools' inputs as model APIs take them, which is less than what servers may write.
//! It knows no dialect.

use serde_json::{Value, json};

/// The schema as every API takes it: one odd tool would cost the whole request.
pub(super) fn object_schema(schema: &Value) -> Value {
    let Value::Object(members) = schema else { return json!({ "type": "object" }) };
    let mut members = members.clone();
    for refused in ["oneOf", "anyOf", "allOf", "enum", "not"] {
        members.shift_remove(refused);
    }
    members.insert("type".to_owned(), json!("object"));
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_schemas_become_what_apis_take() {
        for (schema, expected) in [
            (json!({ "type": "object", "properties": {} }), json!({ "type": "object", "properties": {} })),
            (json!({ "properties": {} }), json!({ "properties": {}, "type": "object" })),
            (json!({ "anyOf": [], "type": "object" }), json!({ "type": "object" })),
            (json!(true), json!({ "type": "object" })),
        ] {
            assert_eq!(object_schema(&schema), expected);
        }
    }
}
