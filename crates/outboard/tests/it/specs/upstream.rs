//! Upstreams that answer as a page says. What they are told to wait for is an event, never a time, so that the order
//! of answers does not depend on how busy the machine is.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    broker::Permit,
    catalogue::{
        Beside, Entry, Listing, Occupant, Placing, Terms, ToolDefinition, ToolFilter, UpstreamState,
    },
    ids::UpstreamName,
    json::Json,
    operation::{Operation, Request, Requested, ToolCall},
    ports::upstream::{SendFailure, Upstream, Upstreams},
    reply::CallReply,
};
use serde_json::{Map, Value, json};
use tokio::sync::watch;

/// All upstreams of a stage.
#[derive(Clone)]
pub(super) struct Everyone(pub(super) Arc<BTreeMap<UpstreamName, Arc<Canned>>>);

impl Upstreams for Everyone {
    fn get(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>> {
        self.0.get(name).map(|canned| Arc::clone(canned) as _)
    }
}

impl Everyone {
    /// What all have been sent since it was last asked for.
    pub(super) fn take_sent(&self) -> Vec<String> {
        self.0.values().flat_map(|canned| std::mem::take(&mut *canned.sent.lock().unwrap())).collect()
    }
}

/// One upstream.
pub(super) struct Canned {
    answers: BTreeMap<String, Vec<Value>>,
    /// What can be read, by its URI.
    resources: Value,
    sent: Mutex<Vec<String>>,
    /// Calls that have arrived, and calls that have been answered.
    counted: watch::Sender<(u64, u64)>,
}

/// Its place in the catalogue, with its tools and what is denied of them.
pub(super) fn placing(name: &str, told: &Value) -> Placing {
    let tools = tools(told).map(|(name, tool)| {
        let mut definition: Map<String, Value> = tool.as_object().unwrap().clone();
        definition.remove("answers");
        definition.insert("name".to_owned(), name.into());
        Arc::new(serde_json::from_value::<ToolDefinition>(definition.into()).unwrap())
    });
    let entries = |kind: &str| {
        let told = told[kind].as_object().into_iter().flatten();
        let entry = |(name, definition): (&String, &Value)| Entry {
            name: name.clone(),
            definition: Json::from(definition.clone()),
        };
        told.map(entry).collect()
    };
    let (prompts, templates) = (entries("prompts"), entries("templates"));
    let resources = told["resources"].is_object();
    let beside = Beside { prompts, templates, resources, ..Beside::default() };
    let listing = Listing { tools: tools.collect(), beside, ..Listing::default() };
    let deny: Vec<String> = serde_json::from_value(told["deny"].clone()).unwrap_or_default();
    let terms = Terms { tools: ToolFilter::denying(&deny).unwrap(), ..Terms::default() };
    let state = UpstreamState::Ready { took: std::time::Duration::ZERO };
    Placing {
        upstream: UpstreamName::from(name),
        terms,
        occupant: Occupant::New { kept: Some(listing), state },
    }
}

fn tools(told: &Value) -> impl Iterator<Item = (&str, &Value)> {
    told["tools"].as_object().into_iter().flatten().map(|(name, tool)| (name.as_str(), tool))
}

impl Canned {
    pub(super) fn new(told: &Value) -> Self {
        let answers = tools(told)
            .map(|(name, tool)| (name.to_owned(), tool["answers"].as_array().cloned().unwrap_or_default()));
        let (answers, resources) = (answers.collect(), told["resources"].clone());
        Self { answers, resources, sent: Mutex::default(), counted: watch::Sender::new((0, 0)) }
    }

    fn told(&self, request: &Request) -> Result<Json, SendFailure> {
        let subject = match &request.what {
            Requested::ReadResource { uri } => uri.as_str(),
            Requested::GetPrompt { name, .. } => name.as_str(),
            _ => "",
        };
        let what = format!("{}.{} {subject}", request.upstream, request.what.method());
        self.sent.lock().unwrap().push(what.trim_end().to_owned());
        let answer = match &request.what {
            Requested::ListResources => {
                let uris = self.resources.as_object().into_iter().flatten();
                json!({ "resources": uris.map(|(uri, _)| json!({ "uri": uri, "name": uri })).collect::<Vec<_>>() })
            }
            Requested::ReadResource { uri } => match self.resources.get(uri) {
                Some(text) => json!({ "contents": [{ "uri": uri, "text": text }] }),
                None => {
                    return Err(SendFailure::Refused {
                        code: -32002,
                        message: "Resource not found".to_owned(),
                    });
                }
            },
            Requested::GetPrompt { arguments, .. } => {
                let content = json!({ "type": "text", "text": arguments.to_string() });
                json!({ "description": "As written", "messages": [{ "role": "user", "content": content }] })
            }
            other => panic!("nobody asks for this: {other:?}"),
        };
        Ok(Json::from(answer))
    }

    async fn answer(&self, call: ToolCall) -> Result<CallReply, SendFailure> {
        self.sent.lock().unwrap().push(format!("{}.{} {}", call.upstream, call.tool, call.arguments));
        self.counted.send_modify(|(arrived, _)| *arrived += 1);
        let arguments = call.arguments.to_value();
        let answers = self.answers.get(call.tool.as_str()).into_iter().flatten();
        let fitting = answers.into_iter().find(|answer| fits(&answer["when"], &arguments));
        let Some(answer) = fitting else {
            let message = format!("the page has no answer for {} {arguments}", call.tool);
            return Err(SendFailure::Refused { code: -32603, message });
        };
        self.wait(answer).await;
        let reply = reply(&filled(answer, &arguments));
        self.counted.send_modify(|(_, answered)| *answered += 1);
        reply
    }

    /// Waits for what the answer waits for: so many calls under way, so many answered before it, or for ever.
    async fn wait(&self, answer: &Value) {
        let mut counted = self.counted.subscribe();
        let number = |key: &str| answer[key].as_u64().unwrap_or(0);
        let (together, after) = (number("together"), number("after"));
        counted.wait_for(|(arrived, answered)| *arrived >= together && *answered >= after).await.unwrap();
        if answer["never"] == true {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether all that `when` names is among the arguments.
fn fits(when: &Value, arguments: &Value) -> bool {
    when.as_object().is_none_or(|when| when.iter().all(|(key, value)| arguments.get(key) == Some(value)))
}

/// `"$name"` is the argument of that name, as it was given.
fn filled(answer: &Value, arguments: &Value) -> Value {
    let mut text = answer.to_string();
    for (key, value) in arguments.as_object().into_iter().flatten() {
        text = text.replace(&format!("\"${key}\""), &value.to_string());
    }
    serde_json::from_str(&text).unwrap()
}

fn reply(answer: &Value) -> Result<CallReply, SendFailure> {
    let text = |text: &Value| Json::from(json!({"type": "text", "text": text}));
    let said = |key: &str| answer[key].as_str().map(str::to_owned);
    if let Some(reason) = said("lost") {
        return Err(SendFailure::Lost { reason });
    }
    if let Some(message) = said("refused") {
        return Err(SendFailure::Refused { code: -32602, message });
    }
    let raw = |key: &str| said(key).map(|raw| Json::parse(raw).unwrap());
    let blocks = answer["content"].as_array().into_iter().flatten().cloned().map(Json::from);
    let error = answer.get("error");
    Ok(CallReply {
        content: blocks.chain(answer.get("text").or(error).map(text)).collect(),
        structured: raw("raw").or_else(|| answer.get("structured").cloned().map(Json::from)),
        is_error: error.is_some(),
        next: None,
    })
}

impl Upstream for Canned {
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        let Operation::CallTool(call) = permit.into_operation() else { panic!("scripts call tools") };
        self.answer(call).boxed()
    }

    fn request(&self, permit: Permit) -> BoxFuture<'_, Result<Json, SendFailure>> {
        let Operation::Request(request) = permit.into_operation() else { panic!("this is no request") };
        futures::future::ready(self.told(&request)).boxed()
    }
}
