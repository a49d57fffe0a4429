//! A turn in the words of either API, whole or as the events of a stream.
//! Text and input come in several pieces, cut where it hurts.

use serde_json::{Value, json};

use super::{Bill, Dialect};

/// A turn as one answer.
pub(super) fn whole(dialect: Dialect, number: usize, turn: &Value, bill: Bill) -> Value {
    let calls = calls(turn);
    match dialect {
        Dialect::Anthropic => {
            let mut content = Vec::new();
            if !text(turn).is_empty() {
                content.push(json!({ "type": "text", "text": text(turn) }));
            }
            content.extend(calls.iter().enumerate().map(|(at, call)| {
                json!({ "type": "tool_use", "id": id(number, at), "name": call["name"], "input": call["input"] })
            }));
            json!({ "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": "fake", "content": content,
                    "stop_reason": stop(dialect, turn), "stop_sequence": null,
                    "usage": { "input_tokens": bill.input, "output_tokens": bill.output } })
        }
        Dialect::OpenAi => {
            let mut message = json!({ "role": "assistant", "content": text(turn), "refusal": null });
            if !calls.is_empty() {
                message["tool_calls"] = calls
                    .iter()
                    .enumerate()
                    .map(|(at, call)| {
                        json!({ "id": id(number, at), "type": "function",
                                "function": { "name": call["name"], "arguments": call["input"].to_string() } })
                    })
                    .collect();
            }
            json!({ "id": format!("chatcmpl-{number}"), "object": "chat.completion", "created": 0, "model": "fake",
                    "choices": [{ "index": 0, "message": message, "finish_reason": stop(dialect, turn), "logprobs": null }],
                    "usage": openai_usage(bill) })
        }
    }
}

/// A turn as events.
pub(super) fn events(dialect: Dialect, number: usize, turn: &Value, bill: Bill) -> Vec<Value> {
    match dialect {
        Dialect::Anthropic => anthropic(number, turn, bill),
        Dialect::OpenAi => openai(number, turn, bill),
    }
}

fn anthropic(number: usize, turn: &Value, bill: Bill) -> Vec<Value> {
    let start = json!({ "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": "fake", "content": [],
                        "stop_reason": null, "stop_sequence": null, "usage": { "input_tokens": bill.input, "output_tokens": 1 } });
    let mut events = vec![json!({ "type": "message_start", "message": start }), json!({ "type": "ping" })];
    let mut index = 0;
    let mut block = |content: Value, deltas: Vec<Value>| {
        events.push(json!({ "type": "content_block_start", "index": index, "content_block": content }));
        events.extend(
            deltas
                .into_iter()
                .map(|delta| json!({ "type": "content_block_delta", "index": index, "delta": delta })),
        );
        events.push(json!({ "type": "content_block_stop", "index": index }));
        index += 1;
    };
    if !text(turn).is_empty() {
        let deltas = pieces(text(turn)).map(|piece| json!({ "type": "text_delta", "text": piece }));
        block(json!({ "type": "text", "text": "" }), deltas.collect());
    }
    for (at, call) in calls(turn).iter().enumerate() {
        let input = call["input"].to_string();
        let deltas = pieces(&input).map(|piece| json!({ "type": "input_json_delta", "partial_json": piece }));
        let content = json!({ "type": "tool_use", "id": id(number, at), "name": call["name"], "input": {} });
        block(content, deltas.collect());
    }
    let delta = json!({ "stop_reason": stop(Dialect::Anthropic, turn), "stop_sequence": null });
    events
        .push(json!({ "type": "message_delta", "delta": delta, "usage": { "output_tokens": bill.output } }));
    events.push(json!({ "type": "message_stop" }));
    events
}

fn openai(number: usize, turn: &Value, bill: Bill) -> Vec<Value> {
    let chunk = |choices: Value, usage: Value| {
        json!({ "id": format!("chatcmpl-{number}"), "object": "chat.completion.chunk", "created": 0, "model": "fake",
                "choices": choices, "usage": usage })
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{ "index": 0, "delta": delta, "finish_reason": finish, "logprobs": null }]), Value::Null)
    };
    let mut events = vec![delta(json!({ "role": "assistant", "content": "" }), Value::Null)];
    events.extend(pieces(text(turn)).map(|piece| delta(json!({ "content": piece }), Value::Null)));
    for (at, call) in calls(turn).iter().enumerate() {
        let begin = json!({ "index": at, "id": id(number, at), "type": "function",
                            "function": { "name": call["name"], "arguments": "" } });
        events.push(delta(json!({ "tool_calls": [begin] }), Value::Null));
        let input = call["input"].to_string();
        events.extend(pieces(&input).map(|piece| {
            delta(json!({ "tool_calls": [{ "index": at, "function": { "arguments": piece } }] }), Value::Null)
        }));
    }
    events.push(delta(json!({}), stop(Dialect::OpenAi, turn)));
    events.push(chunk(json!([]), openai_usage(bill)));
    events
}

fn openai_usage(bill: Bill) -> Value {
    json!({ "prompt_tokens": bill.input, "completion_tokens": bill.output, "total_tokens": bill.input + bill.output,
            "prompt_tokens_details": { "cached_tokens": 0 } })
}

fn stop(dialect: Dialect, turn: &Value) -> Value {
    if let Some(stop) = turn["stop"].as_str() {
        return json!(stop);
    }
    json!(match (dialect, calls(turn).is_empty()) {
        (Dialect::Anthropic, true) => "end_turn",
        (Dialect::Anthropic, false) => "tool_use",
        (Dialect::OpenAi, true) => "stop",
        (Dialect::OpenAi, false) => "tool_calls",
    })
}

fn calls(turn: &Value) -> Vec<Value> {
    turn["calls"].as_array().cloned().unwrap_or_default()
}

fn text(turn: &Value) -> &str {
    turn["text"].as_str().unwrap_or_default()
}

fn id(number: usize, at: usize) -> String {
    format!("toolu_{number}_{at}")
}

/// The text in pieces of seven characters.
fn pieces(text: &str) -> impl Iterator<Item = String> + '_ {
    let chars: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = chars.chunks(7).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter()
}
