//! Anthropic's Messages API: a conversation becomes a request, a stream of events becomes a turn.
//! Sending and trying again is [`super::http`]'s.

use futures::future::{BoxFuture, FutureExt as _};
use serde_json::{Value, json};

use super::{
    Heard, Provider, ProviderFailure, Said, StopReason,
    endpoint::{Endpoint, Key},
    http::{Api, Assemble, NoWay, Trouble},
    options::Options,
    retry::Patience,
    schema::object_schema,
};
use crate::{
    conversation::{Conversation, Message, ToolDefinition, ToolUse, Turn},
    usage::Usage,
};

const VERSION: &str = "2023-06-01";
/// Blocks of one turn at most.
const BLOCKS: usize = 1_000;

/// A model behind the Messages API.
pub struct Anthropic {
    api: Api,
    model: String,
    options: Options,
}

impl Anthropic {
    /// A model at this address.
    ///
    /// # Errors
    /// If nothing can be sent there.
    pub fn new(
        endpoint: Endpoint,
        key: Option<Key>,
        model: &str,
        options: Options,
        patience: Patience,
    ) -> Result<Self, NoWay> {
        let mut headers = vec![("anthropic-version", VERSION.to_owned())];
        headers.extend(key.as_ref().map(|key| ("x-api-key", key.secret().to_owned())));
        Ok(Self { api: Api::new(endpoint, key, &headers, patience)?, model: model.to_owned(), options })
    }

    fn body(&self, conversation: &Conversation) -> Value {
        let Options { most_output, cache, stream, effort: _ } = self.options;
        let mut body = json!({
            "model": self.model,
            "max_tokens": most_output,
            "messages": messages(&conversation.messages),
            "stream": stream,
        });
        let system = conversation.whole_system();
        if !system.is_empty() {
            body["system"] = json!([{ "type": "text", "text": system }]);
        }
        if !conversation.listing.tools.is_empty() {
            body["tools"] = conversation.listing.tools.iter().map(definition).collect();
        }
        if cache {
            // What stands before the first mark is the same in every turn, and what stands before the second in the next.
            let last = body["messages"].as_array_mut().and_then(|messages| messages.last_mut());
            let block = last.and_then(|last| last["content"].as_array_mut()?.last_mut());
            let mark = json!({ "type": "ephemeral" });
            if let Some(block) = block {
                block["cache_control"] = mark.clone();
            }
            if body["system"].is_array() {
                body["system"][0]["cache_control"] = mark;
            }
        }
        body
    }
}

impl Provider for Anthropic {
    fn turn<'a>(
        &'a self,
        conversation: &'a Conversation,
        hear: &'a (dyn Fn(Heard<'_>) + Send + Sync),
    ) -> BoxFuture<'a, Result<Said, ProviderFailure>> {
        async move {
            let body = self.body(conversation);
            self.api.ask(&body, || Box::new(Draft::default()), hear).await
        }
        .boxed()
    }

    fn model(&self) -> Option<&str> {
        Some(&self.model)
    }

    fn without_key(&self, text: String) -> String {
        self.api.without_key(text)
    }
}

fn definition(tool: &ToolDefinition) -> Value {
    json!({ "name": tool.name, "description": tool.description, "input_schema": object_schema(&tool.input_schema) })
}

fn messages(history: &[Message]) -> Vec<Value> {
    let mut calls: &[ToolUse] = &[];
    let mut messages = Vec::new();
    for message in history {
        messages.push(match message {
            Message::User(text) => json!({ "role": "user", "content": [{ "type": "text", "text": text }] }),
            Message::Assistant(turn) => {
                calls = &turn.calls;
                json!({ "role": "assistant", "content": content(turn) })
            }
            Message::Results(answers) => {
                let results = calls.iter().zip(answers).map(|(call, answer)| {
                    let mut result = json!({ "type": "tool_result", "tool_use_id": call.id });
                    if !is_blank(&answer.text) {
                        result["content"] = json!([{ "type": "text", "text": answer.text }]);
                    }
                    if answer.is_error {
                        result["is_error"] = json!(true);
                    }
                    result
                });
                json!({ "role": "user", "content": results.collect::<Vec<_>>() })
            }
        });
    }
    messages
}

/// The API takes no block of text that has nothing in it but spaces.
fn is_blank(text: &str) -> bool {
    text.trim().is_empty()
}

fn content(turn: &Turn) -> Value {
    if let Some(verbatim) = &turn.verbatim {
        return verbatim.clone();
    }
    let text = (!is_blank(&turn.text)).then(|| json!({ "type": "text", "text": turn.text }));
    let calls = turn
        .calls
        .iter()
        .map(|call| json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.input }));
    text.into_iter().chain(calls).collect()
}

/// A turn that is being said.
#[derive(Default)]
struct Draft {
    blocks: Vec<Value>,
    /// Of each block the JSON of its input, as far as it came in pieces.
    pieces: Vec<String>,
    usage: Usage,
    /// Whether the API told what was read, and what was written: what it does not tell is not nothing.
    told: (bool, bool),
    stop: Option<String>,
    over: bool,
}

impl Draft {
    fn count(&mut self, usage: &Value) {
        let take = |name: &str, field: &mut u64| {
            if let Some(tokens) = usage[name].as_u64() {
                *field = tokens;
            }
        };
        take("input_tokens", &mut self.usage.input);
        take("cache_read_input_tokens", &mut self.usage.cache_read);
        take("cache_creation_input_tokens", &mut self.usage.cache_write);
        take("output_tokens", &mut self.usage.output);
        self.told.0 |= usage["input_tokens"].is_u64();
        self.told.1 |= usage["output_tokens"].is_u64();
    }

    fn delta(&mut self, data: &Value, hear: &(dyn Fn(Heard<'_>) + Send + Sync)) -> Result<(), Trouble> {
        let at = place(data)?;
        let (Some(block), Some(pieces)) = (self.blocks.get_mut(at), self.pieces.get_mut(at)) else {
            return Err(Trouble::Wrong(format!("more of block {at}, which has not begun")));
        };
        let delta = &data["delta"];
        let mut append = |member: &str, more: &str| match &mut block[member] {
            Value::String(text) => text.push_str(more),
            other => *other = Value::from(more),
        };
        let more = |member: &str| delta[member].as_str().unwrap_or_default();
        match delta["type"].as_str().unwrap_or_default() {
            "text_delta" => {
                append("text", more("text"));
                hear(Heard::Words(more("text")));
            }
            "input_json_delta" => pieces.push_str(more("partial_json")),
            "thinking_delta" => append("thinking", more("thinking")),
            "signature_delta" => append("signature", more("signature")),
            // What this version does not know is not needed to go on.
            _ => {}
        }
        Ok(())
    }
}

fn place(data: &Value) -> Result<usize, Trouble> {
    let place = data["index"].as_u64().and_then(|place| usize::try_from(place).ok());
    place.filter(|place| *place < BLOCKS).ok_or_else(|| Trouble::Wrong("a block without a place".to_owned()))
}

impl Assemble for Draft {
    fn event(&mut self, data: &Value, hear: &(dyn Fn(Heard<'_>) + Send + Sync)) -> Result<(), Trouble> {
        match data["type"].as_str().unwrap_or_default() {
            "message_start" => self.count(&data["message"]["usage"]),
            "content_block_start" => {
                if place(data)? != self.blocks.len() {
                    return Err(Trouble::Wrong("blocks out of order".to_owned()));
                }
                if !data["content_block"].is_object() {
                    return Err(Trouble::Wrong("a block that is none".to_owned()));
                }
                self.blocks.push(data["content_block"].clone());
                self.pieces.push(String::new());
            }
            "content_block_delta" => self.delta(data, hear)?,
            "message_delta" => {
                self.count(&data["usage"]);
                self.stop = data["delta"]["stop_reason"].as_str().map(str::to_owned).or(self.stop.take());
            }
            "message_stop" => self.over = true,
            "error" => return Err(error(&data["error"])),
            _ => {}
        }
        Ok(())
    }

    fn whole(&mut self, body: &Value) -> Result<(), Trouble> {
        if body["type"] == "error" {
            return Err(error(&body["error"]));
        }
        let Some(blocks) = body["content"].as_array() else {
            return Err(Trouble::Wrong("a message without `content`".to_owned()));
        };
        if blocks.len() > BLOCKS {
            return Err(Trouble::Wrong(format!("a turn of {} blocks", blocks.len())));
        }
        self.blocks = blocks.clone();
        self.pieces = vec![String::new(); blocks.len()];
        self.count(&body["usage"]);
        self.stop = body["stop_reason"].as_str().map(str::to_owned);
        self.over = true;
        Ok(())
    }

    fn said(self: Box<Self>) -> Result<Said, Trouble> {
        if !self.over {
            return Err(Trouble::again("the stream ended before the turn did"));
        }
        let stop = stop_reason(self.stop.as_deref().unwrap_or_default());
        let mut turn = Turn::default();
        let mut kept = Vec::new();
        for (mut block, pieces) in self.blocks.into_iter().zip(self.pieces) {
            match block["type"].as_str().unwrap_or_default() {
                "text" => {
                    let text = block["text"].as_str().unwrap_or_default();
                    turn.text.push_str(text);
                    if is_blank(text) {
                        // The API does not take back what it said so.
                        continue;
                    }
                }
                "tool_use" => {
                    let mut input = block["input"].clone();
                    if !pieces.is_empty() {
                        input = serde_json::from_str(&pieces).unwrap_or(Value::String(pieces));
                    }
                    if input.is_object() {
                        block["input"] = input.clone();
                    } else {
                        block["input"] = json!({});
                    }
                    let text = |member: &str| block[member].as_str().unwrap_or_default().to_owned();
                    turn.calls.push(ToolUse { id: text("id"), name: text("name"), input });
                }
                _ => {}
            }
            kept.push(block);
        }
        turn.verbatim = Some(Value::Array(kept));
        let usage = (self.told == (true, true)).then_some(self.usage);
        Ok(Said { stop, ..Said::of(turn).using(usage) })
    }

    fn used(&self) -> Usage {
        self.usage
    }
}

/// An error that came within an answer that had begun well.
fn error(error: &Value) -> Trouble {
    let kind = error["type"].as_str().unwrap_or("error");
    let message = format!("{kind}: {}", error["message"].as_str().unwrap_or_default());
    match kind {
        "overloaded_error" | "api_error" | "rate_limit_error" | "timeout_error" => Trouble::again(message),
        _ => Trouble::Wrong(message),
    }
}

fn stop_reason(reason: &str) -> StopReason {
    match reason {
        "end_turn" | "stop_sequence" => StopReason::EndTurn,
        "tool_use" => StopReason::ToolUse,
        "max_tokens" => StopReason::MaxTokens,
        "model_context_window_exceeded" => StopReason::ContextFull,
        "refusal" => StopReason::Refusal,
        "pause_turn" => StopReason::Pause,
        other => StopReason::Other(other.chars().take(40).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversation::ToolAnswer;
    use crate::usage::Counted;

    #[test]
    fn usage_that_is_not_told_is_not_zero() {
        for (usage, known) in [
            (json!({ "input_tokens": 0, "cache_read_input_tokens": 9, "output_tokens": 3 }), true),
            (json!({ "input_tokens": 0, "output_tokens": 3 }), false),
            (json!({ "input_tokens": 3, "output_tokens": 0 }), false),
            (json!({ "input_tokens": 0, "output_tokens": 0 }), false),
            (json!({ "output_tokens": 3 }), false),
            (json!({ "input_tokens": 3 }), false),
            (json!({}), false),
            (Value::Null, false),
        ] {
            let body = json!({ "content": [{ "type": "text", "text": "a" }], "stop_reason": "end_turn", "usage": usage });
            let mut draft = Box::new(Draft::default());
            draft.whole(&body).unwrap();
            let said = draft.said().unwrap();
            assert_eq!((said.usage.is_some(), said.counted == Counted::Reported), (known, known), "{usage}");
        }
    }

    #[test]
    fn blank_texts_are_not_sent_back() {
        let call = json!({ "type": "tool_use", "id": "a", "name": "f", "input": {} });
        let body = json!({ "content": [{ "type": "text", "text": " \n" }, call], "stop_reason": "tool_use" });
        let mut draft = Box::new(Draft::default());
        draft.whole(&body).unwrap();
        let turn = draft.said().unwrap().turn;
        let by_hand = Turn { verbatim: None, ..turn.clone() };
        let answer = ToolAnswer { text: "\n".into(), is_error: false };
        for turn in [turn, by_hand] {
            let sent = messages(&[Message::Assistant(turn), Message::Results(vec![answer.clone()])]);
            assert_eq!(sent[0]["content"], json!([call]));
            assert_eq!(sent[1]["content"], json!([{ "type": "tool_result", "tool_use_id": "a" }]));
        }
    }

    #[test]
    fn input_in_pieces_is_put_together_and_what_is_no_json_stays_text() {
        let mut draft = Box::new(Draft::default());
        let deltas = |at: u32, pieces: &[&str]| -> Vec<Value> {
            let start = json!({ "type": "content_block_start", "index": at, "content_block":
                { "type": "tool_use", "id": format!("t{at}"), "name": "f", "input": {} } });
            let more = pieces.iter().map(|piece| {
                json!({ "type": "content_block_delta", "index": at,
                        "delta": { "type": "input_json_delta", "partial_json": piece } })
            });
            std::iter::once(start).chain(more).collect()
        };
        let mut events = deltas(0, &["", "{\"a\": ", "1}"]);
        events.extend(deltas(1, &["{\"a\""]));
        events.extend(deltas(2, &[]));
        let delta = json!({ "stop_reason": "tool_use" });
        events.push(json!({ "type": "message_delta", "delta": delta, "usage": { "input_tokens": 3, "output_tokens": 7 } }));
        events.push(json!({ "type": "message_stop" }));
        for event in &events {
            draft.event(event, &|_| ()).unwrap();
        }
        let said = draft.said().unwrap();
        let inputs: Vec<&Value> = said.turn.calls.iter().map(|call| &call.input).collect();
        assert_eq!(inputs, [&json!({ "a": 1 }), &json!("{\"a\""), &json!({})]);
        assert_eq!(said.turn.verbatim.unwrap()[1]["input"], json!({}));
        assert_eq!((said.stop, said.usage.unwrap().output), (StopReason::ToolUse, 7));
    }

    #[test]
    fn a_turn_is_bounded_and_made_in_time_however_it_comes() {
        let block = || json!({ "type": "text", "text": "a" });
        let whole = |count| {
            let body = json!({ "content": vec![block(); count], "stop_reason": "end_turn" });
            Draft::default().whole(&body)
        };
        assert_eq!(whole(BLOCKS), Ok(()));
        assert_eq!(whole(BLOCKS + 1), Err(Trouble::Wrong("a turn of 1001 blocks".to_owned())));
        for odd in [Value::Null, json!("text"), json!(["text"])] {
            let start = json!({ "type": "content_block_start", "index": 0, "content_block": odd });
            assert!(matches!(Draft::default().event(&start, &|_| ()), Err(Trouble::Wrong(_))), "{odd}");
        }
        let mut draft = Draft::default();
        let start = json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": 3 } });
        draft.event(&start, &|_| ()).unwrap();
        let piece = "0123456789".repeat(20);
        let delta = json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } });
        // Copied at each piece this would be 40 GB.
        for _ in 0..20_000 {
            draft.event(&delta, &|_| ()).unwrap();
        }
        assert_eq!(draft.blocks[0]["text"].as_str().unwrap().len(), 4_000_000);
    }

    #[test]
    fn a_stream_that_is_cut_is_no_turn() {
        let mut draft = Box::new(Draft::default());
        draft
            .event(
                &json!({ "type": "message_start", "message": { "usage": { "input_tokens": 5 } } }),
                &|_| (),
            )
            .unwrap();
        assert_eq!(draft.said(), Err(Trouble::again("the stream ended before the turn did")));
        let mut draft = Draft::default();
        let far = json!({ "type": "content_block_start", "index": 1e6, "content_block": {} });
        assert!(matches!(draft.event(&far, &|_| ()), Err(Trouble::Wrong(_))));
        let busy =
            json!({ "type": "error", "error": { "type": "overloaded_error", "message": "Overloaded" } });
        assert_eq!(draft.event(&busy, &|_| ()), Err(Trouble::again("overloaded_error: Overloaded")));
    }
}
