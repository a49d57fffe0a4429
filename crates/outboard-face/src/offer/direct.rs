//! The tools of upstreams as they are, for clients that write no scripts, or that have a sandbox of their own.
//! What an upstream says of a tool is given on in its words. Nothing is called here.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    sync::Arc,
};

use outboard_runtime::catalogue::{Annotations, Snapshot, ToolDefinition};
use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::{Beside, INSTRUCTIONS, Meaning, Offer, names::prefixed};

impl Offer {
    /// The tools of this catalogue as they are: under their own names where there is one upstream, else with their namespace
    /// before them.
    pub(super) fn direct(snapshot: &Snapshot) -> Self {
        let alone = snapshot.members().len() == 1;
        let own: HashSet<&str> = snapshot
            .members()
            .iter()
            .flat_map(|member| member.tools())
            .map(|(_, tool)| tool.name.as_str())
            .collect();
        let (mut tools, mut meanings) = (Vec::new(), HashMap::<String, Meaning>::new());
        for member in snapshot.members() {
            let namespace = member.namespace.as_str();
            for (identifier, tool) in member.tools() {
                let name = tool.name.as_str();
                let is_free = |name: &str| !(meanings.contains_key(name) || alone && own.contains(name));
                let name = if alone && !meanings.contains_key(name) {
                    name.to_owned()
                } else {
                    prefixed(namespace, identifier, &is_free)
                };
                let meaning = Meaning { namespace: namespace.to_owned(), tool: identifier.to_owned() };
                meanings.insert(name.clone(), meaning);
                tools.push(as_it_is(name, tool));
            }
        }
        Self {
            tools,
            instructions: instructions(snapshot),
            complete: false,
            beside: Beside::new(snapshot),
            meanings,
        }
    }
}

fn as_it_is(name: String, definition: &ToolDefinition) -> Tool {
    let mut input = object(definition.input().as_deref()).unwrap_or_default();
    // Clients refuse a whole list in which one lacks it.
    input.entry("type").or_insert_with(|| json!("object"));
    let mut tool = Tool::new_with_raw(name, definition.description.clone().map(Into::into), Arc::new(input));
    tool.title = definition.title.clone();
    tool.output_schema = object(definition.output().as_deref()).map(Arc::new);
    let annotations = definition.annotations;
    if annotations == Annotations::default() { tool } else { tool.annotate(claims(annotations)) }
}

fn object(schema: Option<&Value>) -> Option<JsonObject> {
    schema.and_then(Value::as_object).cloned()
}

fn claims(annotations: Annotations) -> ToolAnnotations {
    let Annotations { read_only_hint, destructive_hint, idempotent_hint, open_world_hint } = annotations;
    ToolAnnotations::from_raw(None, read_only_hint, destructive_hint, idempotent_hint, open_world_hint)
}

/// What the upstreams say of themselves, each under its name.
fn instructions(snapshot: &Snapshot) -> String {
    let mut text =
        "The tools of these servers, as they are; each call is checked and recorded by Outboard.".to_owned();
    for member in snapshot.members() {
        let own = member.listing.as_ref().and_then(|listing| listing.instructions.as_deref());
        if let Some(own) = own.map(str::trim).filter(|own| !own.is_empty()) {
            let _ = write!(text, "\n\n# {}\n{own}", member.namespace.as_str());
        }
    }
    match text.char_indices().nth(INSTRUCTIONS) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}
