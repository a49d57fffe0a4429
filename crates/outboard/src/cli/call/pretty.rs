//! A tool's value for a person: texts as they are, everything else as indented JSON, and pictures and sounds by their
//! size. It never fails: what cannot be laid out is shown as it came.

use outboard_runtime::{json::Json, present::grouped};
use serde_json::Value;

/// The value as a person reads it.
pub(super) fn text(value: &Json) -> String {
    match value.read::<Value>() {
        Ok(Value::String(text)) => text,
        Ok(mut tree) => {
            without_media(&mut tree);
            serde_json::to_string_pretty(&tree).unwrap_or_else(|_| value.as_str().to_owned())
        }
        // Deeper than a tree may be.
        Err(_) => value.as_str().to_owned(),
    }
}

/// Says how much of base64 there is in place of it.
fn without_media(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(without_media),
        Value::Object(members) => {
            let is_media = matches!(members.get("type").and_then(Value::as_str), Some("image" | "audio"));
            match members.get_mut("data") {
                Some(Value::String(data)) if is_media => {
                    *data = format!("({} characters of base64; --json prints them)", grouped(data.len()));
                }
                _ => members.values_mut().for_each(without_media),
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_read_well_and_keep_what_they_say() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let long = "{\n  \"id\": 12345678901234567890\n}";
        for (value, expected) in [
            (Json::string("a\nb"), "a\nb"),
            (Json::null(), "null"),
            (Json::from(json!({"a": [1]})), "{\n  \"a\": [\n    1\n  ]\n}"),
            (Json::parse("{\"id\":12345678901234567890}").unwrap(), long),
            (Json::parse(deep.clone()).unwrap_or(Json::null()), deep.as_str()),
            (
                Json::from(json!([{"type": "image", "mimeType": "image/png", "data": "x".repeat(5_000)}])),
                "[\n  {\n    \"type\": \"image\",\n    \"mimeType\": \"image/png\",\n    \"data\": \"(5,000 characters of base64; --json prints them)\"\n  }\n]",
            ),
        ] {
            assert_eq!(text(&value), expected);
        }
    }
}
