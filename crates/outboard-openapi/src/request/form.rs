//! `application/x-www-form-urlencoded` bodies, each property in the style that the document gives it.
//! A property without one is a text, a repeated pair for a list, or JSON.

use serde_json::{Map, Value};

use super::{Unsendable, path::STRICT, styles, wrong};
use crate::operation::{Media, Style};

pub(super) fn body(media: &Media, value: &Value) -> Result<String, Unsendable> {
    let Value::Object(members) = value else {
        return match value {
            // Already written by the script.
            Value::String(text) => Ok(styles::encoded_query(text)),
            _ => wrong("`body` must be an object: it is sent as a form"),
        };
    };
    let mut pairs = Vec::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let encoding = media.encoding.get(name).and_then(Value::as_object);
        pairs.extend(property(name, value, encoding)?);
    }
    Ok(pairs.join("&"))
}

fn property(
    name: &str,
    value: &Value,
    encoding: Option<&Map<String, Value>>,
) -> Result<Vec<String>, Unsendable> {
    let text = |key: &str| encoding.and_then(|encoding| encoding.get(key)?.as_str());
    let explode = encoding.and_then(|encoding| encoding.get("explode")?.as_bool());
    let style = match text("style") {
        Some("deepObject") => Style::DeepObject,
        Some("spaceDelimited") => Style::SpaceDelimited,
        Some("pipeDelimited") => Style::PipeDelimited,
        _ => Style::Form,
    };
    let is_json = text("contentType").is_some_and(|kind| kind.contains("json"));
    match value {
        Value::Object(_) if style == Style::Form && encoding.is_none() => {
            styles::pairs(name, &Value::String(value.to_string()), style, true, STRICT)
        }
        Value::Object(_) | Value::Array(_) if is_json => {
            styles::pairs(name, &Value::String(value.to_string()), style, true, STRICT)
        }
        _ => styles::pairs(name, value, style, explode.unwrap_or(true), STRICT),
    }
}
