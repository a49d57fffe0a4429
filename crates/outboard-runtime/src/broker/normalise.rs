//! From an upstream's reply to the plain value that a script gets.
//! It reads the reply's form only; it never interprets or changes what a value says.

use std::{borrow::Cow, collections::BTreeMap};

use outboard_declare::schema::wrapped_result;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::resolve::Target;
use crate::{
    catalogue::ToolDefinition,
    json::Json,
    ports::engine::Reply,
    reply::{CallReply, FailureCode, ToolFailure},
};

/// The script's outcome of a call that was answered.
pub(super) fn reply(target: &Target, reply: CallReply) -> Result<Reply, ToolFailure> {
    if reply.is_error {
        let failure = ToolFailure::new(FailureCode::ToolError, error_message(&reply));
        return Err(ToolFailure { content: reply.content, ..failure });
    }
    Ok(Reply::Value(value_of(&target.tool, reply)))
}

/// The value of a successful reply: `structuredContent` when present, a bare `{result: …}` wrapper
/// taken off; else JSON parsed from text; else text. Several blocks are an array of their values
/// when each holds a JSON object or array, one text when all are text, and else the array of blocks as they were
/// sent; a single image, audio or resource is its block. No content is `null`.
pub fn value_of(tool: &ToolDefinition, reply: CallReply) -> Json {
    if let Some(structured) = reply.structured {
        return unwrapped(tool, &structured).unwrap_or(structured);
    }
    let texts: Option<Vec<Cow<'_, str>>> = reply.content.iter().map(text_of).collect();
    match (texts, &reply.content[..]) {
        (_, []) => Json::null(),
        (Some(texts), [_]) => parsed(&texts[0]).unwrap_or_else(|| Json::string(&texts[0])),
        (Some(texts), _) => several(&texts),
        (None, [block]) => block.clone(),
        (None, blocks) => array(blocks.iter().map(Json::as_str)),
    }
}

fn unwrapped(tool: &ToolDefinition, structured: &Json) -> Option<Json> {
    // A schema, where there is one, says whether the wrapper belongs to the value.
    if !may_wrap(structured.as_str()) {
        return None;
    }
    if tool.output().is_some_and(|schema| wrapped_result(&schema).is_none()) {
        return None;
    }
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(structured.as_str()).ok()?;
    match (members.len(), members.get("result")) {
        (1, Some(result)) => Some(Json::from_raw(result)),
        _ => None,
    }
}

/// Whether a first key can be `result`; looked at before a large value is read for nothing.
fn may_wrap(structured: &str) -> bool {
    let first =
        structured.trim_start().strip_prefix('{').and_then(|text| text.trim_start().strip_prefix('"'));
    // A key may be spelt with escapes; then it is read.
    first.and_then(|text| text.split('"').next()).is_some_and(|key| key == "result" || key.contains('\\'))
}

#[derive(Deserialize)]
struct TextBlock<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
}

fn text_of(block: &Json) -> Option<Cow<'_, str>> {
    let block: TextBlock<'_> = serde_json::from_str(block.as_str()).ok()?;
    (block.kind == "text").then_some(block.text)
}

/// The JSON value that a text is, unless reading it as JSON would change it: numbers beyond what a
/// double holds exactly (ids) and texts that are JSON strings by accident stay text.
fn parsed(text: &str) -> Option<Json> {
    let trimmed = text.trim();
    match trimmed.as_bytes().first()? {
        b'{' | b'[' => Json::parse(trimmed).ok(),
        b't' | b'f' | b'n' => {
            matches!(trimmed, "true" | "false" | "null").then(|| Json::parse(trimmed).ok())?
        }
        b'-' | b'0'..=b'9' => {
            let number: serde_json::Number = serde_json::from_str(trimmed).ok()?;
            (trimmed.len() <= 15 && number.to_string() == trimmed).then(|| Json::parse(trimmed).ok())?
        }
        _ => None,
    }
}

fn several(texts: &[Cow<'_, str>]) -> Json {
    let values: Option<Vec<Json>> = texts
        .iter()
        .map(|text| parsed(text).filter(|value| value.as_str().starts_with(['{', '['])))
        .collect();
    match values {
        Some(values) => array(values.iter().map(Json::as_str)),
        None => Json::string(&texts.join("\n")),
    }
}

fn array<'a>(items: impl Iterator<Item = &'a str>) -> Json {
    let mut text = String::from("[");
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(item);
    }
    text.push(']');
    Json::parse(text).unwrap_or_else(|_| Json::null())
}

fn error_message(reply: &CallReply) -> String {
    let texts: Vec<Cow<'_, str>> = reply.content.iter().filter_map(text_of).collect();
    let message = texts.join("\n");
    match (&reply.structured, message.trim().is_empty()) {
        (_, false) => message,
        (Some(structured), true) => structured.as_str().to_owned(),
        (None, true) => "the tool reported an error without saying which".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn tool(output_schema: Option<Value>) -> ToolDefinition {
        ToolDefinition {
            name: "t".into(),
            title: None,
            description: None,
            input_schema: None,
            output_schema: output_schema.map(Into::into),
            annotations: Default::default(),
        }
    }

    fn check(schema: Option<Value>, structured: Option<Value>, content: &[Value], expected: &Value) {
        let reply = CallReply {
            content: content.iter().cloned().map(Json::from).collect(),
            structured: structured.map(Json::from),
            ..CallReply::default()
        };
        assert_eq!(value_of(&tool(schema), reply).to_value(), *expected, "{content:?}");
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    #[test]
    fn structured_content_is_the_value_and_a_bare_wrapper_is_taken_off() {
        let wrapper =
            json!({"type": "object", "properties": {"result": {"type": "number"}}, "required": ["result"]});
        let object = json!({"type": "object", "properties": {"result": {}, "next": {}}});
        check(None, Some(json!({"a": 1})), &[text("ignored")], &json!({"a": 1}));
        check(None, Some(json!({"result": 30})), &[], &json!(30));
        check(None, Some(json!([{"result": 30}])), &[], &json!([{"result": 30}]));
        let reply = |text: &str| CallReply { structured: Json::parse(text).ok(), ..CallReply::default() };
        assert_eq!(value_of(&tool(None), reply(" { \"r\\u0065sult\" : 30 }")).to_value(), json!(30));
        check(Some(wrapper), Some(json!({"result": 30})), &[], &json!(30));
        check(Some(object), Some(json!({"result": 30})), &[], &json!({"result": 30}));
        check(None, Some(json!({"result": 1, "next": 2})), &[], &json!({"result": 1, "next": 2}));
    }

    #[test]
    fn text_is_parsed_where_that_loses_nothing() {
        for (said, value) in [
            ("30", json!(30)),
            (" {\"a\": [1]} ", json!({"a": [1]})),
            ("true", json!(true)),
            ("-1.5", json!(-1.5)),
            ("12345678901234567890", json!("12345678901234567890")),
            ("007", json!("007")),
            ("1.50", json!("1.50")),
            ("\"quoted\"", json!("\"quoted\"")),
            ("{not json}", json!("{not json}")),
            ("", json!("")),
            ("nothing found", json!("nothing found")),
        ] {
            check(None, None, &[text(said)], &value);
        }
    }

    #[test]
    fn several_blocks_keep_all_that_was_said() {
        let image = json!({"type": "image", "data": "aGk=", "mimeType": "image/png", "_meta": {"x": 1}});
        check(None, None, &[], &Value::Null);
        check(None, None, &[text("a"), text("b")], &json!("a\nb"));
        check(None, None, &[text("{\"a\":1}"), text("{\"a\":2}")], &json!([{"a": 1}, {"a": 2}]));
        check(None, None, &[text("1"), text("2")], &json!("1\n2"));
        check(None, None, std::slice::from_ref(&image), &image);
        check(None, None, &[text("a"), image.clone()], &json!([text("a"), image]));
        let odd = json!({"type": "hologram", "depth": 3});
        check(None, None, std::slice::from_ref(&odd), &odd);
    }

    #[test]
    fn errors_carry_the_upstreams_own_words() {
        let reply = CallReply {
            content: vec![Json::from(text("channel_not_found"))],
            is_error: true,
            ..CallReply::default()
        };
        assert_eq!(error_message(&reply), "channel_not_found");
        let reply =
            CallReply { structured: Some(json!({"code": 7}).into()), is_error: true, ..CallReply::default() };
        assert_eq!(error_message(&reply), "{\"code\":7}");
    }
}
