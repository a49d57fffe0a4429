//! Chat completions as OpenAI has them, and the many that are compatible: a conversation becomes a request, a stream of
//! chunks becomes a turn. Sending and trying again is [`super::http`]'s.

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
    conversation::{Conversation, Message, ToolUse, Turn},
    usage::Usage,
};

/// Calls of one turn at most.
const CALLS: usize = 1_000;

/// A model behind chat completions.
pub struct OpenAi {
    api: Api,
    model: String,
    options: Options,
    /// What the limit of output is called: OpenAI's newer models refuse the elder name, others know no other.
    limit: &'static str,
}

impl OpenAi {
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
        let headers: Vec<_> =
            key.iter().map(|key| ("authorization", format!("Bearer {}", key.secret()))).collect();
        let limit = if endpoint.is_openai { "max_completion_tokens" } else { "max_tokens" };
        Ok(Self {
            api: Api::new(endpoint, key, &headers, patience)?,
            model: model.to_owned(),
            options,
            limit,
        })
    }

    fn body(&self, conversation: &Conversation) -> Value {
        let mut body = json!({
            "model": self.model,
            "messages": messages(conversation),
            "stream": self.options.stream,
        });
        body[self.limit] = json!(self.options.most_output);
        if let Some(effort) = self.options.effort {
            body["reasoning_effort"] = json!(effort.as_str());
        }
        if self.options.stream {
            body["stream_options"] = json!({ "include_usage": true });
        }
        if !conversation.listing.tools.is_empty() {
            let function = conversation.listing.tools.iter().map(|tool| {
                json!({ "type": "function", "function": {
                    "name": tool.name, "description": tool.description, "parameters": object_schema(&tool.input_schema) } })
            });
            body["tools"] = function.collect();
        }
        body
    }
}

impl Provider for OpenAi {
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

fn messages(conversation: &Conversation) -> Vec<Value> {
    let system = conversation.whole_system();
    let mut messages: Vec<Value> = Vec::new();
    if !system.is_empty() {
        messages.push(json!({ "role": "system", "content": system }));
    }
    let mut calls: &[ToolUse] = &[];
    for message in &conversation.messages {
        match message {
            Message::User(text) => messages.push(json!({ "role": "user", "content": text })),
            Message::Assistant(turn) => {
                calls = &turn.calls;
                messages.push(assistant(turn));
            }
            // This dialect has no mark for a tool's error: the text says it.
            Message::Results(answers) => messages.extend(calls.iter().zip(answers).map(
                |(call, answer)| json!({ "role": "tool", "tool_call_id": call.id, "content": answer.text }),
            )),
        }
    }
    messages
}

fn assistant(turn: &Turn) -> Value {
    let content = if turn.text.trim().is_empty() { Value::Null } else { json!(turn.text) };
    let mut message = json!({ "role": "assistant", "content": content });
    if !turn.calls.is_empty() {
        let calls = turn.calls.iter().map(|call| {
            let arguments = match &call.input {
                // What the model wrote and was no JSON goes back as it was.
                Value::String(text) => text.clone(),
                input => input.to_string(),
            };
            json!({ "id": call.id, "type": "function", "function": { "name": call.name, "arguments": arguments } })
        });
        message["tool_calls"] = calls.collect();
    }
    message
}

/// A turn that is being said.
#[derive(Default)]
struct Draft {
    text: String,
    calls: Vec<Call>,
    usage: Option<Usage>,
    stop: Option<String>,
}

#[derive(Clone, Default)]
struct Call {
    place: usize,
    id: String,
    name: String,
    arguments: String,
}

impl Draft {
    fn count(&mut self, usage: &Value) {
        let Some(prompt) = usage["prompt_tokens"].as_u64() else { return };
        let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64().unwrap_or(0).min(prompt);
        let Some(output) = usage["completion_tokens"].as_u64() else { return };
        self.usage = Some(Usage { input: prompt - cached, cache_read: cached, cache_write: 0, output });
    }

    /// The call that a piece belongs to. Some servers give their calls no places, and some all the same one: a new id is a new call,
    /// and so is another one in a list without places.
    fn call(&mut self, piece: &Value, in_list: usize) -> Result<&mut Call, Trouble> {
        let id = piece["id"].as_str().unwrap_or_default();
        let place = piece["index"].as_u64().map(|place| usize::try_from(place).unwrap_or(usize::MAX));
        let last = self.calls.iter().rposition(|call| place.is_none_or(|place| call.place == place));
        let goes_on = last.filter(|at| {
            let known = &self.calls[*at].id;
            let is_same = id.is_empty() || known.is_empty() || known == id;
            is_same && (place.is_some() || in_list == 0 || (known == id && !id.is_empty()))
        });
        let at = match goes_on {
            Some(at) => at,
            None => {
                let next = self.calls.iter().map(|call| call.place + 1).max().unwrap_or(0);
                let place = place.unwrap_or(next);
                if place >= CALLS || self.calls.len() >= CALLS {
                    return Err(Trouble::Wrong(format!("a call with the number {place}")));
                }
                self.calls.push(Call { place, ..Call::default() });
                self.calls.len() - 1
            }
        };
        Ok(&mut self.calls[at])
    }

    /// What is said in `said` goes on.
    fn take(&mut self, said: &Value, hear: &(dyn Fn(Heard<'_>) + Send + Sync)) -> Result<(), Trouble> {
        for member in ["content", "refusal"] {
            if let Some(more) = said[member].as_str().filter(|more| !more.is_empty()) {
                self.text.push_str(more);
                hear(Heard::Words(more));
            }
        }
        for (at, call) in said["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let draft = self.call(call, at)?;
            let more = |value: &Value, text: &mut String| text.push_str(value.as_str().unwrap_or_default());
            // Some repeat the id and the name with every piece.
            if draft.id.is_empty() {
                more(&call["id"], &mut draft.id);
            }
            if draft.name.is_empty() {
                more(&call["function"]["name"], &mut draft.name);
            }
            match &call["function"]["arguments"] {
                whole @ Value::Object(_) => draft.arguments = whole.to_string(),
                piece => more(piece, &mut draft.arguments),
            }
        }
        Ok(())
    }
}

impl Assemble for Draft {
    fn event(&mut self, data: &Value, hear: &(dyn Fn(Heard<'_>) + Send + Sync)) -> Result<(), Trouble> {
        without_error(data)?;
        self.count(&data["usage"]);
        let choice = &data["choices"][0];
        self.take(&choice["delta"], hear)?;
        self.stop = choice["finish_reason"].as_str().map(str::to_owned).or(self.stop.take());
        Ok(())
    }

    fn whole(&mut self, body: &Value) -> Result<(), Trouble> {
        without_error(body)?;
        let choice = &body["choices"][0];
        if !choice["message"].is_object() {
            return Err(Trouble::Wrong("a completion without `choices[0].message`".to_owned()));
        }
        self.count(&body["usage"]);
        self.take(&choice["message"], &|_| ())?;
        self.stop = choice["finish_reason"].as_str().map(str::to_owned);
        Ok(())
    }

    fn said(self: Box<Self>) -> Result<Said, Trouble> {
        let Some(stop) = self.stop else {
            return Err(Trouble::again("the stream ended before the turn did"));
        };
        let stop = match stop.as_str() {
            // Some say `stop` although there are calls.
            "stop" if !self.calls.is_empty() => StopReason::ToolUse,
            "stop" => StopReason::EndTurn,
            "tool_calls" | "function_call" => StopReason::ToolUse,
            "length" => StopReason::MaxTokens,
            "content_filter" => StopReason::Refusal,
            other => StopReason::Other(other.chars().take(40).collect()),
        };
        let mut calls = self.calls;
        calls.sort_by_key(|call| call.place);
        let calls = calls.into_iter().enumerate().map(|(at, Call { id, name, arguments, .. })| {
            let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
            let input = serde_json::from_str(&arguments).unwrap_or(Value::String(arguments));
            // Some servers name no calls; answers have to name them all the same.
            let id = if id.is_empty() { format!("call_{at}") } else { id };
            ToolUse { id, name, input }
        });
        let turn = Turn { text: self.text, calls: calls.collect(), verbatim: None };
        Ok(Said { stop, ..Said::of(turn).using(self.usage) })
    }

    fn used(&self) -> Usage {
        self.usage.unwrap_or_default()
    }
}

/// An error that is said in place of a turn, although the request was taken.
fn without_error(said: &Value) -> Result<(), Trouble> {
    if said["error"].is_null() {
        return Ok(());
    }
    Err(Trouble::again(said["error"]["message"].as_str().unwrap_or("an error without a message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_become_a_turn_whatever_pieces_they_come_in() {
        let chunk =
            |delta: Value, finish: Value| json!({ "choices": [{ "delta": delta, "finish_reason": finish }] });
        let mut draft = Box::new(Draft::default());
        for event in [
            chunk(json!({ "role": "assistant", "content": "First " }), Value::Null),
            chunk(json!({ "content": "this." }), Value::Null),
            chunk(
                json!({ "tool_calls": [{ "index": 1, "id": "b", "function": { "name": "g", "arguments": "" } }] }),
                Value::Null,
            ),
            chunk(
                json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": "{\"p\"" } }] }),
                Value::Null,
            ),
            chunk(
                json!({ "tool_calls": [{ "index": 0, "id": "a", "function": { "name": "f", "arguments": ": 2}" } }] }),
                json!("stop"),
            ),
            json!({ "choices": [], "usage": { "prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": { "cached_tokens": 5 } } }),
        ] {
            draft.event(&event, &|_| ()).unwrap();
        }
        let said = draft.said().unwrap();
        assert_eq!(said.turn.text, "First this.");
        let call = |id: &str, name: &str, input: Value| ToolUse { id: id.into(), name: name.into(), input };
        assert_eq!(said.turn.calls, [call("a", "f", json!({ "p": 2 })), call("b", "g", json!({}))]);
        assert_eq!(said.stop, StopReason::ToolUse);
        assert_eq!(said.usage, Some(Usage { input: 4, cache_read: 5, cache_write: 0, output: 4 }));
    }

    #[test]
    fn calls_without_places_are_told_apart_by_their_ids() {
        let piece = |id: &str, index: Value, name: &str, arguments: &str| json!({ "id": id, "index": index, "function": { "name": name, "arguments": arguments } });
        let none = || Value::Null;
        for (chunks, expected) in [
            // Whole calls, one in each chunk; all at the same place; pieces that repeat the id; pieces without one.
            (
                vec![vec![piece("a", none(), "f", "{\"p\":1}")], vec![piece("b", none(), "g", "{}")]],
                "f{\"p\":1} g{}",
            ),
            (vec![vec![piece("a", json!(0), "f", "{}")], vec![piece("b", json!(0), "g", "{}")]], "f{} g{}"),
            (
                vec![vec![piece("a", none(), "f", "{\"p\"")], vec![piece("a", none(), "f", ":1}")]],
                "f{\"p\":1}",
            ),
            (vec![vec![piece("a", none(), "f", "{\"p\"")], vec![piece("", none(), "", ":1}")]], "f{\"p\":1}"),
            (vec![vec![piece("", none(), "f", "{}"), piece("", none(), "g", "{}")]], "f{} g{}"),
            (vec![vec![piece("a", none(), "f", "{}"), piece("b", none(), "g", "{}")]], "f{} g{}"),
        ] {
            let mut draft = Box::new(Draft::default());
            for chunk in &chunks {
                let event = json!({ "choices": [{ "delta": { "tool_calls": chunk }, "finish_reason": "tool_calls" }] });
                draft.event(&event, &|_| ()).unwrap();
            }
            let calls = draft.said().unwrap().turn.calls;
            let told: Vec<String> = calls.iter().map(|call| format!("{}{}", call.name, call.input)).collect();
            assert_eq!(told.join(" "), expected);
            let ids: std::collections::HashSet<&str> = calls.iter().map(|call| call.id.as_str()).collect();
            assert_eq!(ids.len(), calls.len());
        }
    }

    #[test]
    fn blank_texts_are_not_sent_back() {
        for (text, content) in [(" \n", Value::Null), ("a ", json!("a "))] {
            let turn = Turn { text: text.into(), ..Turn::default() };
            assert_eq!(assistant(&turn)["content"], content, "{text:?}");
        }
    }

    #[test]
    fn a_stream_without_an_end_is_no_turn_and_a_far_call_is_refused() {
        assert_eq!(
            Box::new(Draft::default()).said(),
            Err(Trouble::again("the stream ended before the turn did"))
        );
        let far = json!({ "choices": [{ "delta": { "tool_calls": [{ "index": 4_000_000_000_u64 }] } }] });
        assert!(matches!(Draft::default().event(&far, &|_| ()), Err(Trouble::Wrong(_))));
    }
}
