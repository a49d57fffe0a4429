//! What a script can ask of Outboard itself: search and describe tools, read kept values.
//! Nothing here reaches an upstream. Arguments come from the script: hostile input.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    catalogue::{Detail, Snapshot},
    json::Json,
    ports::engine::Reply,
    reply::{FailureCode, ToolFailure},
    session::Session,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct SearchOptions {
    limit: Option<usize>,
    detail: Option<Detail>,
}

/// `tools.search(query, { limit?, detail? })`: `[{ name, description, signature }]`.
pub(super) fn search(snapshot: &Snapshot, arguments: &Json) -> Reply {
    let Ok((query, options)) = one_and_options::<SearchOptions>(arguments) else {
        return refused(
            "tools.search takes a string and optionally { limit: number, detail: \"name\" | \"signature\" | \"full\" }",
        );
    };
    let found: Vec<Value> = snapshot
        .find(&query, options.limit)
        .iter()
        .map(|tool| {
            json!({
                "name": tool.called(),
                "description": tool.tool.description,
                "signature": tool.declaration(options.detail.unwrap_or_default()),
            })
        })
        .collect();
    Reply::Value(Json::from(Value::from(found)))
}

/// `tools.describe(name)`: everything that is known of one tool.
pub(super) fn describe(snapshot: &Snapshot, arguments: &Json) -> Reply {
    let Ok((name, Value::Null)) = one_and_options::<Value>(arguments) else {
        return refused("tools.describe takes one string, for example \"github.create_issue\"");
    };
    let Some(tool) = snapshot.resolve_full(&name) else {
        let (namespace, tool) = name.split_once('.').unwrap_or((&name, ""));
        let message = match snapshot.resolve(namespace, tool) {
            Err(unresolved) => unresolved.explain(namespace, tool),
            Ok(_) => format!("no tool has the name `{name}`"),
        };
        return Reply::Failed(ToolFailure::new(FailureCode::UnknownTool, message));
    };
    Reply::Value(Json::from(json!({
        "name": tool.called(),
        "title": tool.tool.title,
        "description": tool.tool.description,
        "declaration": tool.declaration(Detail::Full),
        "inputSchema": tool.tool.input_schema,
        "outputSchema": tool.tool.output_schema,
        "annotations": tool.tool.annotations,
    })))
}

/// `results.get(handle)`: a value kept from an earlier run of this session.
pub(super) fn kept(session: &Session, arguments: &Json) -> Reply {
    let Ok((handle, Value::Null)) = one_and_options::<Value>(arguments) else {
        return refused("results.get takes one string: the handle that stood in an earlier answer");
    };
    match session.kept(&handle) {
        Some(value) => Reply::Value(value),
        None => Reply::Failed(ToolFailure::new(
            FailureCode::UnknownHandle,
            "no kept value has this handle: it belongs to another session or was dropped for newer ones",
        )),
    }
}

fn one_and_options<T: Default + for<'de> Deserialize<'de>>(
    arguments: &Json,
) -> Result<(String, T), serde_json::Error> {
    let arguments: Vec<Value> = arguments.read()?;
    let mut arguments = arguments.into_iter();
    let first = serde_json::from_value(arguments.next().unwrap_or_default())?;
    let options = match arguments.next() {
        Some(value) if !value.is_null() => serde_json::from_value(value)?,
        _ => T::default(),
    };
    Ok((first, options))
}

fn refused(usage: &str) -> Reply {
    Reply::Failed(ToolFailure::new(FailureCode::InvalidArguments, usage))
}
