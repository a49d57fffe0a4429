//! Answers the client's requests: what there is, what is found, what a run gave.
//! It holds no transport and does not know which revision of MCP a client speaks beyond what rmcp tells.

use std::sync::{Arc, Mutex, PoisonError};

use outboard_runtime::{
    RunRequest,
    catalogue::Snapshot,
    present::{self, Answer},
    run::{Outcome, RunReport},
    session::Session,
};
use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, CustomRequest, CustomResult,
        Implementation, InitializeRequestParams, InitializeResult, ListToolsResult, PaginatedRequestParams,
        ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
    },
    service::{RequestContext, SubscriptionContext},
};
use serde_json::Value;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    arguments,
    backend::Backend,
    changes::Changes,
    offer::Offer,
    progress,
    server::{FIRST_LIST, FaceOptions},
};

/// Values up to this many bytes are made into text where they are; larger ones on a thread for such work.
const SMALL: usize = 64 << 10;
/// More tokens than this are never given, whatever a call asks for.
const LARGEST_BUDGET: usize = 200_000;

/// One client's server.
pub(crate) struct Handler {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) session: Arc<Session>,
    pub(crate) options: FaceOptions,
    pub(crate) changes: Arc<Changes>,
    /// Runs in progress hold a token of it.
    pub(crate) runs: TaskTracker,
    /// Ends all runs.
    pub(crate) stop: CancellationToken,
    /// The client says no more.
    pub(crate) ended: CancellationToken,
    pub(crate) offer: Mutex<Option<(Arc<Snapshot>, Arc<Offer>)>>,
}

impl Handler {
    /// The offer for this snapshot, made once.
    fn offer(&self, snapshot: Arc<Snapshot>) -> Arc<Offer> {
        let mut last = self.offer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, offer)) = &*last
            && Arc::ptr_eq(of, &snapshot)
        {
            return Arc::clone(offer);
        }
        let offer = Arc::new(Offer::new(&snapshot, self.options));
        *last = Some((snapshot, Arc::clone(&offer)));
        offer
    }

    async fn search(&self, request: &CallToolRequestParams) -> CallToolResult {
        match arguments::search(&request.arguments.clone().unwrap_or_default()) {
            Ok(request) => {
                // As with the first list: what is about to be known is worth a moment.
                self.backend.catalogue().settled(FIRST_LIST).await;
                text(self.backend.search(&request), false)
            }
            Err(wrong) => text(wrong, true),
        }
    }

    async fn execute(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResult {
        let arguments = match arguments::execute(&request.arguments.unwrap_or_default()) {
            Ok(arguments) => arguments,
            Err(wrong) => return text(wrong, true),
        };
        let request =
            RunRequest { code: arguments.code, language: arguments.language, ..RunRequest::default() };
        let report = self.run(request, context).await;
        let budget = arguments.max_tokens.unwrap_or(self.options.result_budget).min(LARGEST_BUDGET);
        let mut answer = self.answer(report, budget).await;
        if !arguments.ignored.is_empty() {
            answer.text.push('\n');
            answer.text.push_str(&arguments::ignored_note(&arguments.ignored));
        }
        result(answer)
    }

    /// Runs a script, also to its end when it is cancelled: a run is never left behind.
    async fn run(&self, request: RunRequest, context: &RequestContext<RoleServer>) -> RunReport {
        let _token = self.runs.token();
        let cancel = self.stop.child_token();
        let progress = request.progress.subscribe();
        let told = progress::tell(&context.peer, context.meta.get_progress_token(), progress);
        let run = self.backend.run(&self.session, request, cancel.clone());
        tokio::pin!(run, told);
        tokio::select! {
            report = &mut run => return report,
            () = context.ct.cancelled() => cancel.cancel(),
            never = &mut told => match never {},
        }
        run.await
    }

    async fn answer(&self, report: RunReport, budget: usize) -> Answer {
        let size = match &report.outcome {
            Outcome::Value(Some(value)) => value.as_str().len(),
            Outcome::Value(None) | Outcome::NotRun(_) | Outcome::Failed(_) => 0,
        };
        if size <= SMALL {
            return present::answer(&report, &self.session, budget);
        }
        let session = Arc::clone(&self.session);
        let present = tokio::task::spawn_blocking(move || present::answer(&report, &session, budget));
        present.await.unwrap_or_else(|error| {
            tracing::error!(%error, "could not present a result");
            let text = "failed: Outboard could not turn the result into text; return less of it".to_owned();
            Answer { text, is_error: true, media: Vec::new() }
        })
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build();
        let server = Implementation::new("outboard", env!("CARGO_PKG_VERSION")).with_title("Outboard");
        let offer = self.offer(self.backend.catalogue().snapshot());
        ServerConfig::new(capabilities).with_server_info(server).with_instructions(offer.instructions.clone())
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        let answer = self.negotiate_initialize(&request)?;
        // What was agreed on counts from here on, not what was asked for.
        let mut agreed = request;
        agreed.protocol_version = answer.protocol_version.clone();
        context.peer.set_peer_info(agreed);
        Ok(answer)
    }

    async fn list_tools(
        &self,
        _request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        // Nothing is known of an upstream only at the very first start; a moment then saves the client a change.
        let snapshot = self.backend.catalogue().settled(FIRST_LIST).await;
        let offer = self.offer(snapshot);
        self.changes.told(&offer);
        Ok(ListToolsResult::with_all_items(offer.tools.clone()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let offer = self.offer(self.backend.catalogue().snapshot());
        offer.tools.iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        match request.name.as_ref() {
            "search" => Ok(self.search(&request).await.into()),
            "execute" => Ok(self.execute(request, &context).await.into()),
            other => Err(unknown_tool(other)),
        }
    }

    /// Requests that rmcp could not read: here only a tool call whose arguments are no object.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        let params = request.params.unwrap_or_default();
        let Some(name) = params.get("name").and_then(Value::as_str) else {
            return Err(ErrorData::invalid_params("the params of `tools/call` need a `name`", None));
        };
        let got = params.get("arguments").unwrap_or(&Value::Null);
        let wrong = arguments::not_an_object(name, got).ok_or_else(|| unknown_tool(name))?;
        let mut result = text(wrong, true);
        if context.protocol_version().is_none_or(|version| version.has_initialize()) {
            result.result_type = None;
        }
        let result = serde_json::to_value(result)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        Ok(CustomResult::new(result))
    }

    fn accepted_subscription_filter(&self, _requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(SubscriptionFilter::builder().tools_list_changed().build())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        let mut changes = self.changes.subscribe();
        loop {
            tokio::select! {
                () = subscription.cancelled() => return Ok(()),
                () = self.ended.cancelled() => return Ok(()),
                changed = changes.changed() => if changed.is_err() { return Ok(()) },
            }
            if let Err(error) = subscription.sink().notify_tool_list_changed().await {
                tracing::debug!(%error, "a subscription ended");
                return Ok(());
            }
        }
    }
}

fn unknown_tool(name: &str) -> ErrorData {
    let name: String = name.chars().take(80).flat_map(char::escape_debug).collect();
    let message =
        format!("there is no tool `{name}` here: `search` finds tools, a script in `execute` calls them");
    ErrorData::invalid_params(message, None)
}

fn text(text: String, is_error: bool) -> CallToolResult {
    result(Answer { text, is_error, media: Vec::new() })
}

/// Text and media only: clients that get structured content too show one of both, not always the same one.
fn result(answer: Answer) -> CallToolResult {
    let mut content = vec![ContentBlock::text(answer.text)];
    content.extend(answer.media.iter().filter_map(|block| block.read::<ContentBlock>().ok()));
    if answer.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) }
}
