//! One upstream while its connection lasts: opened, its tools listed, its tools called. It restarts
//! nothing, and it is not public: what is sent on behalf of a run goes through [`crate::Fleet`].

use std::{collections::HashSet, fmt, sync::Arc, time::Duration};

use outboard_runtime::{
    catalogue::Listing,
    ids::{ToolName, UpstreamName},
    json::Json,
    operation::Requested,
    reply::CallReply,
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::{sync::watch, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use crate::{
    connection::{Connection, Failure},
    era::{self, Agreement},
    http::Http,
    spec::{Transport, UpstreamSpec},
    stdio::{self, Stdio},
    tolerant::{Page, Tools, Warning, read_page, read_reply},
};

/// A listing is not followed beyond this many pages and tools.
const MAX_PAGES: usize = 1_000;
const MAX_TOOLS: usize = 20_000;
const MAX_RESOURCES: usize = 20_000;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFailure {
    #[error("start `{program}`: {hint}")]
    Start { program: String, hint: String },
    #[error("use the URL or a header: {0}")]
    Endpoint(String),
    #[error("{step}: {failure}")]
    Step { step: &'static str, failure: Failure },
    #[error("{step} within {waited:?}: {last_words}")]
    Silent { step: &'static str, waited: Duration, last_words: String },
}

pub(crate) struct Client {
    upstream: UpstreamName,
    connection: Connection,
    agreement: Agreement,
    last_words: LastWords,
}

impl Client {
    /// Connects and agrees on a protocol within `limit`. Its tasks run in `tasks` and end with `stop`,
    /// or when the client is dropped.
    pub(crate) async fn open(
        spec: &UpstreamSpec,
        limit: Duration,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, ConnectFailure> {
        let (connection, last_words) = connect(spec, tasks, stop)?;
        let step = "open the connection";
        let agreement = match timeout(limit, era::open(&connection)).await {
            Ok(agreed) => agreed.map_err(|failure| ConnectFailure::Step { step, failure })?,
            Err(_) => return Err(last_words.silent(step, limit)),
        };
        debug!(upstream = %spec.name, version = %agreement.version, "connected");
        Ok(Self { upstream: spec.name.clone(), connection, agreement, last_words })
    }

    /// What the upstream lists now. Oddities are logged and left out.
    pub(crate) async fn list(&self, limit: Duration) -> Result<Listing, ConnectFailure> {
        let step = "list the tools";
        let mut tools = Tools::default();
        let listed = timeout(limit, self.pages(&mut tools)).await;
        match listed {
            Err(_) => return Err(self.last_words.silent(step, limit)),
            Ok(Err(failure)) => return Err(ConnectFailure::Step { step, failure }),
            Ok(Ok(())) => {}
        }
        for warning in &tools.warnings {
            warn!(upstream = %self.upstream, "{warning}");
        }
        Ok(Listing { instructions: self.instructions(), tools: tools.found })
    }

    /// Reads every page into `tools`.
    pub(crate) async fn pages(&self, tools: &mut Tools) -> Result<(), Failure> {
        let mut cursors = HashSet::new();
        let mut page_params = json!({});
        loop {
            let params = self.agreement.params(&page_params);
            let answer = match self.connection.request("tools/list", None, &params).await {
                // A server without tools need not know the method.
                Err(Failure::Refused(refusal)) if refusal.code == -32601 && cursors.is_empty() => {
                    return Ok(());
                }
                other => other?,
            };
            let Page { tools: page, next } = match read_page(answer.result()) {
                Ok(page) => page,
                // What the first pages listed is not lost with a later one.
                Err(reason) if !cursors.is_empty() => return cut(tools, reason),
                Err(reason) => return Err(Failure::Unreadable(reason)),
            };
            for raw in page {
                if tools.found.len() == MAX_TOOLS {
                    return cut(tools, format!("it has more than {MAX_TOOLS} tools"));
                }
                tools.add(raw);
            }
            let Some(next) = next.map(Json::from_raw) else { return Ok(()) };
            if !cursors.insert(next.as_str().to_owned()) {
                return cut(tools, "the server repeated a cursor".to_owned());
            }
            if cursors.len() == MAX_PAGES {
                return cut(tools, format!("it has more than {MAX_PAGES} pages"));
            }
            page_params["cursor"] = next.to_value();
        }
    }

    /// Calls a tool. Dropping the future abandons the call.
    pub(crate) async fn call(&self, tool: &ToolName, arguments: &Json) -> Result<CallReply, Failure> {
        #[derive(Serialize)]
        struct Call<'a> {
            name: &'a ToolName,
            arguments: &'a Json,
        }
        let params = self.agreement.params(Call { name: tool, arguments });
        let answer = self.connection.request("tools/call", Some(tool.as_str()), &params).await?;
        let parts = answer.into_parts();
        let parts = parts.map_err(|error| Failure::Unreadable(format!("expected an object: {error}")))?;
        let (reply, warnings) = read_reply(parts).map_err(Failure::Unreadable)?;
        for warning in warnings {
            warn!(upstream = %self.upstream, %tool, "{warning}");
        }
        Ok(reply)
    }

    /// Sends a request that is no tool call. The result is the object that the upstream sent; of a list, all pages.
    pub(crate) async fn request(&self, what: &Requested) -> Result<Json, Failure> {
        let (method, subject, params) = match what {
            Requested::ListResources => return self.resources().await,
            Requested::ReadResource { uri } => ("resources/read", Some(uri.as_str()), json!({ "uri": uri })),
            Requested::Subscribe { uri } => {
                ("resources/subscribe", Some(uri.as_str()), json!({ "uri": uri }))
            }
            Requested::GetPrompt { name, arguments } => {
                let arguments = arguments.to_value();
                ("prompts/get", Some(name.as_str()), json!({ "name": name, "arguments": arguments }))
            }
            Requested::Complete { reference, argument } => {
                let params = json!({ "ref": reference.to_value(), "argument": argument.to_value() });
                ("completion/complete", None, params)
            }
        };
        let answer = self.connection.request(method, subject, &self.agreement.params(params)).await?;
        object(answer.result())
    }

    /// Every resource that is listed, as one page.
    async fn resources(&self) -> Result<Json, Failure> {
        let mut all = Vec::new();
        let mut cursors = HashSet::new();
        let mut page_params = json!({});
        loop {
            let params = self.agreement.params(&page_params);
            let answer = self.connection.request("resources/list", None, &params).await?;
            let mut page: Value = object(answer.result())?.to_value();
            if let Some(Value::Array(resources)) = page.get_mut("resources").map(Value::take) {
                all.extend(resources);
            }
            let next = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
            let Some(next) = next.filter(|next| cursors.len() < MAX_PAGES && cursors.insert(next.clone()))
            else {
                break;
            };
            if all.len() >= MAX_RESOURCES {
                warn!(upstream = %self.upstream, "it lists more than {MAX_RESOURCES} resources; the others are left out");
                break;
            }
            page_params["cursor"] = json!(next);
        }
        all.truncate(MAX_RESOURCES);
        Ok(Json::from(json!({ "resources": all })))
    }

    /// The upstream's `instructions`.
    pub(crate) fn instructions(&self) -> Option<String> {
        self.agreement.instructions.clone()
    }

    /// Why the connection ended, once it has.
    pub(crate) fn end(&self) -> Option<Arc<str>> {
        self.connection.end()
    }

    /// Waits for the end of the connection and says why it ended.
    pub(crate) async fn ended(&self) -> Arc<str> {
        self.connection.ended().await
    }

    /// Counts how often the upstream said that its tools changed.
    pub(crate) fn list_changes(&self) -> watch::Receiver<u64> {
        self.connection.list_changes()
    }
}

/// A result that must be an object.
fn object(result: &str) -> Result<Json, Failure> {
    match Json::parse(result) {
        Ok(json) if json.as_str().trim_start().starts_with('{') => Ok(json),
        _ => Err(Failure::Unreadable("expected an object".to_owned())),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it ends a listing that is kept")]
fn cut(tools: &mut Tools, reason: String) -> Result<(), Failure> {
    tools.warnings.push(Warning::Cut { reason });
    Ok(())
}

fn connect(
    spec: &UpstreamSpec,
    tasks: &TaskTracker,
    stop: CancellationToken,
) -> Result<(Connection, LastWords), ConnectFailure> {
    match &spec.transport {
        Transport::Stdio { command, args, env, cwd } => {
            let tail = Arc::<stdio::Tail>::default();
            let start = stdio::Command { program: command, args, env, cwd: cwd.as_deref() };
            let child =
                Stdio::start(spec.name.clone(), &start, spec.max_message_bytes, Arc::clone(&tail)).map_err(
                    |error| ConnectFailure::Start { program: command.clone(), hint: start_hint(&error) },
                )?;
            let (connection, wire) = Connection::open(spec.name.clone(), tasks, stop);
            tasks.spawn(child.run(wire));
            Ok((connection, LastWords(Some(tail))))
        }
        Transport::Http { url, headers } => {
            let http = Http::new(spec.name.clone(), url, headers, spec.max_message_bytes)
                .map_err(ConnectFailure::Endpoint)?;
            let (connection, wire) = Connection::open(spec.name.clone(), tasks, stop);
            tasks.spawn(http.run(wire));
            Ok((connection, LastWords(None)))
        }
    }
}

fn start_hint(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            format!("{error}; is it installed, on the PATH given to it, and does its `cwd` exist?")
        }
        _ => error.to_string(),
    }
}

/// What is known of a silent upstream.
struct LastWords(Option<Arc<stdio::Tail>>);

impl LastWords {
    fn silent(&self, step: &'static str, waited: Duration) -> ConnectFailure {
        let what = "no answer";
        let last_words = self.0.as_ref().map_or_else(|| what.to_owned(), |tail| tail.after(what));
        ConnectFailure::Silent { step, waited, last_words }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}
