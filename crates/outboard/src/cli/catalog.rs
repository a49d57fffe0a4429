//! Saved replies to `tools/list`, for commands that look at tools without a server: the whole JSON-RPC reply, its result, or the
//! list of tools alone. They are read as a server's own reply would be.

use std::{path::Path, sync::Arc};

use outboard_runtime::{
    catalogue::{Catalogue, Listing, Placing, Snapshot, Terms},
    ids::UpstreamName,
};
use outboard_upstream::tolerant::parse_listing;
use serde_json::{Value, json};

use crate::report::{self, Failure, USAGE, escaped};

/// A catalogue of one upstream that lists what the file says; it has this name, or the file's.
pub(super) fn read(file: &Path, name: Option<&str>) -> Result<Arc<Snapshot>, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(format_args!("could not read {}: {error}", file.display())).code(USAGE)
    })?;
    let reply: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        Failure::new(format_args!("could not understand {}: {error}", file.display())).code(USAGE)
    })?;
    let Some(listed) = listed(reply) else { return Err(none(file)) };
    let (listing, warnings) = parse_listing(&listed);
    for warning in &warnings {
        report::warn(escaped(&warning.to_string()));
    }
    if listed.get("nextCursor").is_some_and(|cursor| !cursor.is_null()) {
        report::warn(format_args!(
            "{} is one page of several (it has `nextCursor`): the tools of the others are missing",
            file.display()
        ));
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(of(name.unwrap_or(&stem), Listing { instructions: instructions(&listed), ..listing }))
}

/// A catalogue of one upstream.
fn of(name: &str, listing: Listing) -> Arc<Snapshot> {
    let (upstream, catalogue) = (UpstreamName::new(name), Catalogue::new([]));
    catalogue.arrange([Placing { terms: Terms::default(), ..Placing::new(upstream.clone()) }]);
    catalogue.publish(&upstream, listing);
    catalogue.snapshot()
}

/// The result within a saved reply.
fn listed(reply: Value) -> Option<Value> {
    let has_tools = |value: &Value| value.get("tools").is_some_and(Value::is_array);
    match reply {
        Value::Array(tools) => Some(json!({ "tools": tools })),
        result if has_tools(&result) => Some(result),
        mut whole => whole.get_mut("result").filter(|result| has_tools(result)).map(Value::take),
    }
}

/// Some who save a reply add what the server said at its start.
fn instructions(result: &Value) -> Option<String> {
    result.get("instructions").and_then(Value::as_str).map(str::to_owned)
}

fn none(file: &Path) -> Failure {
    Failure::new(format_args!("{} holds no reply to `tools/list`", file.display()))
        .hint("such a file is the whole JSON-RPC reply, its result with `tools`, or the list of tools")
        .code(USAGE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_its_result_and_the_list_alone_are_the_same() {
        let tools = json!(["a", "b-c"].map(|name| json!({"name": name, "inputSchema": {"type": "object"}})));
        for (reply, expected) in [
            (tools.clone(), 2),
            (json!({"tools": tools}), 2),
            (json!({"jsonrpc": "2.0", "id": 1, "result": {"tools": tools}}), 2),
            (json!([]), 0),
        ] {
            let (listing, warnings) = parse_listing(&listed(reply.clone()).unwrap());
            assert_eq!((listing.tools.len(), warnings.len()), (expected, 0), "{reply}");
        }
        for reply in
            [json!(null), json!({}), json!({"result": {}}), json!({"tools": {"a": 1}}), json!("tools")]
        {
            assert_eq!(listed(reply.clone()), None, "{reply}");
        }
    }
}
