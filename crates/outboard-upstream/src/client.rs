//! One upstream while its connection lasts: opened, its tools listed, its tools called. It restarts
//! nothing, and it is not public: what is sent on behalf of a run goes through [`crate::Fleet`].

mod listing;

use std::{fmt, sync::Arc, time::Duration};

use outboard_runtime::{
    ids::{ToolName, UpstreamName},
    json::Json,
    operation::Requested,
    ports::upstream::Advance,
    reply::CallReply,
};
use serde::Serialize;
use serde_json::json;
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, warn};

use self::listing::RESOURCES;
use crate::{
    connection::{Changes, Connection, Failure},
    era::{self, Agreement},
    http::Http,
    spec::{Transport, UpstreamSpec},
    stdio::{self, Stdio},
    tolerant::read_reply,
};

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

    /// Calls a tool. Dropping the future abandons the call.
    pub(crate) async fn call(
        &self,
        tool: &ToolName,
        arguments: &Json,
        advances: Option<mpsc::Sender<Advance>>,
    ) -> Result<CallReply, Failure> {
        #[derive(Serialize)]
        struct Call<'a> {
            name: &'a ToolName,
            arguments: &'a Json,
        }
        let number = self.connection.number();
        let call = Call { name: tool, arguments };
        let params = match &advances {
            Some(_) => self.agreement.params_telling(call, number),
            None => self.agreement.params(call),
        };
        let subject = Some(tool.as_str());
        let answer =
            self.connection.request_numbered(number, "tools/call", subject, &params, advances).await?;
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
        let subject = match what {
            Requested::ListResources => return self.resources().await,
            Requested::ReadResource { uri }
            | Requested::Subscribe { uri }
            | Requested::Unsubscribe { uri } => Some(uri.as_str()),
            Requested::GetPrompt { name, .. } => Some(name.as_str()),
            Requested::Complete { .. } => None,
        };
        let params = self.agreement.params(what.parameters().to_value());
        let answer = self.connection.request(what.method(), subject, &params).await?;
        object(answer.result())
    }

    /// Every resource that is listed, as one page.
    async fn resources(&self) -> Result<Json, Failure> {
        let mut all = Vec::new();
        let cut = self.items(&RESOURCES, |raw| all.push(Json::from_raw(raw).to_value())).await?;
        if let Some(reason) = cut {
            warn!(upstream = %self.upstream, reason, "its resources were cut");
        }
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

    /// The resources that the upstream says have changed.
    pub(crate) fn updates(&self) -> broadcast::Receiver<Arc<str>> {
        self.connection.updates()
    }

    /// How often the upstream said that its lists changed.
    pub(crate) fn list_changes(&self) -> watch::Receiver<Changes> {
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
