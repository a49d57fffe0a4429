//! What a request carries and what a turn has, in o200k tokens: each text and each JSON value by itself, without role marks
//! and ids. It reads both dialects, and shares no code with what it is meant to check.

use serde_json::Value;

fn count(text: &str) -> u64 {
    bpe_openai::o200k_base().count(text) as u64
}

/// Tokens of a request.
pub(super) fn input(body: &Value) -> u64 {
    let items = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let system = text(&body["system"]);
    let tools: u64 = items(&body["tools"]).iter().map(tool).sum();
    let messages: u64 = items(&body["messages"]).iter().map(message).sum();
    system + tools + messages
}

/// Tokens of a turn that is said.
pub(super) fn output(turn: &Value) -> u64 {
    let calls = turn["calls"].as_array().cloned().unwrap_or_default();
    let calls: u64 = calls.iter().map(|call| call_tokens(&call["name"], &call["input"].to_string())).sum();
    count(turn["text"].as_str().unwrap_or_default()) + calls
}

fn call_tokens(name: &Value, input: &str) -> u64 {
    count(name.as_str().unwrap_or_default()) + count(input)
}

fn tool(tool: &Value) -> u64 {
    let tool = if tool["function"].is_object() { &tool["function"] } else { tool };
    let schema = if tool["parameters"].is_null() { &tool["input_schema"] } else { &tool["parameters"] };
    let text = |member: &str| tool[member].as_str().unwrap_or_default();
    count(&format!("{}\n{}\n{schema}", text("name"), text("description")))
}

fn message(message: &Value) -> u64 {
    let calls = message["tool_calls"].as_array().cloned().unwrap_or_default();
    let calls: u64 = calls
        .iter()
        .map(|call| {
            let function = &call["function"];
            call_tokens(&function["name"], function["arguments"].as_str().unwrap_or_default())
        })
        .sum();
    calls + text(&message["content"])
}

/// A text, a block or a list of blocks.
fn text(content: &Value) -> u64 {
    match content {
        Value::String(text) => count(text),
        Value::Array(blocks) => blocks.iter().map(text).sum(),
        Value::Object(block) => match block.get("type").and_then(Value::as_str) {
            Some("tool_use") => call_tokens(&content["name"], &content["input"].to_string()),
            Some("tool_result") => text(&content["content"]),
            _ => count(content["text"].as_str().unwrap_or_default()),
        },
        _ => 0,
    }
}

/// The text of the last tool result of a request.
pub(super) fn last_result(body: &Value) -> String {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.last().cloned().unwrap_or_default();
    let content = if last["role"] == "tool" { &last["content"] } else { &last["content"][0]["content"] };
    match content {
        Value::String(text) => text.clone(),
        blocks => blocks[0]["text"].as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::input;

    #[test]
    fn a_system_prompt_counts_as_a_text_as_it_does_in_blocks() {
        let words = "Do the task with your tools.";
        let (text, blocks) = (json!({"system": words}), json!({"system": [{"type": "text", "text": words}]}));
        assert_eq!(input(&text), input(&blocks));
        assert!(input(&text) > 4);
    }
}
