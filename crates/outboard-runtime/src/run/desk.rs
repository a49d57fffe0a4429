//! What a script can ask of Outboard itself: search and describe tools, read kept values.
//! Nothing here reaches an upstream. Arguments come from the script: hostile input, so each question counts, and a
//! run's questions are answered one after another, away from the threads that serve everyone.

use std::{sync::Arc, time::Duration};

use outboard_script::Language;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    broker::Budget,
    catalogue::{Catalogue, Detail, Member, Snapshot},
    json::Json,
    ports::engine::{GuestAsk, Reply},
    present::{grouped, limit_size},
    reply::{FailureCode, ToolFailure},
    session::{Keeping, Session},
};

/// How long a question waits for upstreams that have never been listed.
pub(super) const FIRST_LIST: Duration = Duration::from_secs(1);
/// Characters of a query that are looked at.
const QUERY: usize = 2_000;

/// Answers one run's questions.
pub(super) struct Desk {
    catalogue: Catalogue,
    session: Arc<Session>,
    /// In which tools are declared.
    language: Language,
    turn: Semaphore,
}

impl Desk {
    pub(super) fn new(catalogue: Catalogue, session: Arc<Session>, language: Language) -> Self {
        Self { catalogue, session, language, turn: Semaphore::new(1) }
    }

    /// The answer to a question that is no tool call.
    pub(super) async fn answer(&self, budget: &Budget, ask: GuestAsk) -> Reply {
        if let Err(refused) = budget.count() {
            return Reply::Failed(refused);
        }
        let _turn = self.turn.acquire().await;
        // At the very first start upstreams are about to list their tools: worth a moment.
        let snapshot = match ask {
            GuestAsk::Result(_) => self.catalogue.snapshot(),
            _ => self.catalogue.settled(FIRST_LIST).await,
        };
        let (session, language) = (Arc::clone(&self.session), self.language);
        let answered = tokio::task::spawn_blocking(move || match ask {
            GuestAsk::Search(arguments) => search(&snapshot, language, &arguments),
            GuestAsk::Describe(arguments) => describe(&snapshot, language, &arguments),
            GuestAsk::Result(arguments) => kept(&session, &arguments),
            GuestAsk::Call { .. } | GuestAsk::Request { .. } | GuestAsk::GiveUp(_) => {
                refused("this is not asked at the desk")
            }
        });
        answered
            .await
            .unwrap_or_else(|error| refused(&format!("the question could not be answered: {error}")))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SearchOptions {
    limit: Option<usize>,
    detail: Option<Detail>,
}

/// `tools.search(query, { limit?, detail? })`: `[{ name, description, signature }]`.
fn search(snapshot: &Snapshot, language: Language, arguments: &Json) -> Reply {
    let Ok((query, options)) = one_and_options::<SearchOptions>(arguments) else {
        return refused(
            "tools.search takes a string and optionally { limit: number, detail: \"name\" | \"signature\" | \"full\" }",
        );
    };
    let query: String = query.chars().take(QUERY).collect();
    let found: Vec<Value> = snapshot
        .find(&query, options.limit)
        .iter()
        .map(|tool| {
            json!({
                "name": tool.called(),
                "description": tool.tool.description,
                "signature": tool.declaration(language, options.detail.unwrap_or_default()),
            })
        })
        .collect();
    Reply::Value(Json::from(Value::from(found)))
}

/// `tools.describe(name)`: everything that is known of one tool, or the tools of a namespace.
fn describe(snapshot: &Snapshot, language: Language, arguments: &Json) -> Reply {
    let Ok((name, Value::Null)) = one_and_options::<Value>(arguments) else {
        return refused("tools.describe takes one string, for example \"github.create_issue\" or \"github\"");
    };
    let Some(tool) = snapshot.resolve_full(&name) else {
        if let Some(member) = snapshot.member(name.trim()).filter(|member| member.listing.is_some()) {
            return Reply::Value(Json::from(namespace(member, language)));
        }
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
        "declaration": tool.declaration(language, Detail::Full),
        "inputSchema": tool.tool.input_schema,
        "outputSchema": tool.tool.output_schema,
        "annotations": tool.tool.annotations,
        "upstreamInstructions": tool.member.instructions(),
    })))
}

/// A namespace with its tools, as a search lists them.
fn namespace(member: &Member, language: Language) -> Value {
    let tools = member.resolved().map(|resolved| {
        json!({
            "name": resolved.called(),
            "description": resolved.tool.description,
            "signature": resolved.declaration(language, Detail::Signature),
        })
    });
    json!({
        "name": member.namespace,
        "tools": tools.collect::<Vec<_>>(),
        "upstreamInstructions": member.instructions(),
    })
}

/// `results.get(handle)`: a value kept from an earlier run of this session.
fn kept(session: &Session, arguments: &Json) -> Reply {
    let Ok((handle, Value::Null)) = one_and_options::<Value>(arguments) else {
        return refused("results.get takes one string: the handle that stood in an earlier answer");
    };
    match session.kept(&handle) {
        Some(value) => Reply::Value(value),
        None => Reply::Failed(ToolFailure::new(FailureCode::UnknownHandle, unknown_handle(session.keeps()))),
    }
}

fn unknown_handle(keeps: Keeping) -> String {
    format!(
        "no kept value has this handle: it belongs to another session or was dropped for newer ones, because {} or {} \
         are kept (settings `limits.keptResults`, `limits.keptBytes`)",
        grouped(keeps.results),
        limit_size(keeps.bytes)
    )
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
