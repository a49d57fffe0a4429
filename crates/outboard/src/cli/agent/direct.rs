//! Mode `direct`: a model is offered the tools of all upstreams as they are, and each of its calls passes the gate. What it
//! reads is what the upstream answered, in the upstream's own words.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_agent::{Listing, ToolAnswer, ToolDefinition, Toolbox, ToolboxFailure, mcp};
use outboard_face::{is_plain, prefixed};
use outboard_runtime::{
    Runtime,
    catalogue::Snapshot,
    journal::Reader,
    json::Json,
    reply::CallReply,
    run::{ToolOutcome, ToolRequest},
    session::Session,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// The tools of all upstreams.
pub(in crate::cli) struct Direct {
    runtime: Arc<Runtime>,
    session: Arc<Session>,
    stop: CancellationToken,
    listing: Listing,
    /// What each name means.
    tools: HashMap<String, (String, String)>,
}

impl Direct {
    pub(super) fn new(runtime: Arc<Runtime>, session: Arc<Session>, stop: CancellationToken) -> Self {
        let snapshot = runtime.catalogue().snapshot();
        let (listing, tools) = offer(&snapshot);
        Self { runtime, session, stop, listing, tools }
    }
}

impl Toolbox for Direct {
    fn listing(&self) -> BoxFuture<'_, Result<Listing, ToolboxFailure>> {
        async move { Ok(self.listing.clone()) }.boxed()
    }

    fn call<'a>(
        &'a self,
        name: &'a str,
        input: &'a Value,
    ) -> BoxFuture<'a, Result<ToolAnswer, ToolboxFailure>> {
        async move {
            let Some((namespace, tool)) = self.tools.get(name).cloned() else {
                return Ok(ToolAnswer::error(format!("there is no tool `{name}`")));
            };
            let arguments = Json::from(input.clone());
            let request = ToolRequest {
                id: None,
                namespace,
                tool,
                arguments,
                client: None,
                reader: Reader::Asker,
                advances: None,
            };
            let report = self.runtime.call(&self.session, request, self.stop.clone()).await;
            match (report.reply, report.outcome) {
                (Some(reply), _) => Ok(shown(&reply)),
                (None, ToolOutcome::Value(value)) => {
                    Ok(ToolAnswer { text: value.to_string(), is_error: false })
                }
                (None, ToolOutcome::Failed(failure)) => Ok(ToolAnswer::error(failure.message)),
                (None, ToolOutcome::Cancelled { .. }) => {
                    Err(ToolboxFailure("the call was given up".to_owned()))
                }
            }
        }
        .boxed()
    }
}

fn shown(reply: &CallReply) -> ToolAnswer {
    let content: Vec<Value> = reply.content.iter().map(Json::to_value).collect();
    let structured = reply.structured.as_ref().map(Json::to_value);
    ToolAnswer { text: mcp::shown(&content, structured.as_ref()), is_error: reply.is_error }
}

/// What a client that loads everything would put before its model. Tools keep their own names as far as no other tool has
/// the same and APIs take them; the others get their upstream's name before it.
fn offer(snapshot: &Snapshot) -> (Listing, HashMap<String, (String, String)>) {
    let mut counts = BTreeMap::<&str, usize>::new();
    for member in snapshot.members() {
        for (_, tool) in member.tools() {
            *counts.entry(tool.name.as_str()).or_default() += 1;
        }
    }
    let (mut listing, mut meanings) = (Listing::default(), HashMap::new());
    let mut instructions = Vec::new();
    for member in snapshot.members() {
        let own = member.listing.as_ref().and_then(|listing| listing.instructions.as_deref());
        instructions.extend(own.map(str::trim).filter(|text| !text.is_empty()));
        for (identifier, tool) in member.tools() {
            let own = tool.name.as_str();
            let alone = counts.get(own) == Some(&1);
            let is_free = |name: &str| !meanings.contains_key(name);
            let name = name(own, alone, member.namespace.as_str(), identifier, &is_free);
            let description = tool.description.clone().or_else(|| tool.title.clone()).unwrap_or_default();
            let input_schema =
                tool.input().map_or_else(|| json!({ "type": "object" }), |schema| (*schema).clone());
            meanings.insert(name.clone(), (member.namespace.as_str().to_owned(), identifier.to_owned()));
            listing.tools.push(ToolDefinition { name, description, input_schema });
        }
    }
    listing.instructions = (!instructions.is_empty()).then(|| instructions.join("\n\n"));
    (listing, meanings)
}

/// The name that a model calls a tool by: `is_free` says which ones no other tool has.
fn name(own: &str, alone: bool, namespace: &str, identifier: &str, is_free: &dyn Fn(&str) -> bool) -> String {
    if alone && is_plain(own) && is_free(own) {
        own.to_owned()
    } else {
        prefixed(namespace, identifier, is_free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_keep_their_own_names_as_far_as_apis_take_them() {
        let free = |_: &str| true;
        for (own, alone, expected) in [
            ("create-issue", true, "create-issue"),
            ("create-issue", false, "github__create_issue"),
            ("create.issue", true, "github__create_issue"),
        ] {
            assert_eq!(name(own, alone, "github", "create_issue", &free), expected);
        }
        assert_eq!(name("echo", true, "fix", "echo", &|name| name != "echo"), "fix__echo");
    }
}
