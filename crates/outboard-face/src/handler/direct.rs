//! A call of an upstream's tool as it is: through the same gate as a script's, and answered in the upstream's own words.
//!
//! A client that is handed a form calls again with it; until then the call is held here. What may be called is not decided here.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use outboard_runtime::{
    approval::Ticket,
    ids::RunId,
    journal::Reader,
    json::Json,
    present::Answer,
    reply::CallReply,
    run::{Progress, ToolOutcome, ToolReport, ToolRequest},
};
use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject},
    service::RequestContext,
};
use serde_json::Value;
use tokio::{sync::watch, task::JoinHandle};
use tokio_util::sync::DropGuard;

use super::{HandBack, Handler, SMALL, result, text};
use crate::{asking, offer::Meaning, progress};

/// Calls of one client that are held at most; a further one takes the place of the oldest.
const HELD: usize = 64;

/// A call under way. It is given up when this is dropped.
pub(crate) struct Call {
    id: RunId,
    report: JoinHandle<ToolReport>,
    cancel: DropGuard,
}

impl Call {
    /// Gives it up, and says what became of it.
    async fn give_up(self) -> Option<ToolReport> {
        drop(self.cancel);
        self.report.await.ok()
    }
}

/// Calls whose clients were handed a form.
#[derive(Default)]
pub(crate) struct Held(Mutex<VecDeque<Call>>);

impl Held {
    fn put(&self, call: Call) {
        let mut all = self.all();
        if all.len() == HELD {
            all.pop_front();
        }
        all.push_back(call);
    }

    fn take(&self, id: &RunId) -> Option<Call> {
        let mut all = self.all();
        let place = all.iter().position(|call| call.id == *id)?;
        all.remove(place)
    }

    fn all(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handler {
    pub(super) async fn call_direct(
        &self,
        meaning: &Meaning,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> CallToolResponse {
        // What was seen by earlier runs comes back with their results.
        self.backend.notice_clearing(&self.session);
        // A call that brings a form back is no new call, whatever else stands in it.
        let call = match &request.request_state {
            Some(ticket) => self.held_call(ticket, &request, context).await,
            None => Ok(self.begin_call(meaning, request.arguments.unwrap_or_default(), context)),
        };
        match call {
            Ok(call) => self.attend(call, context).await,
            Err(why) => text(why, true).into(),
        }
    }

    fn begin_call(
        &self,
        meaning: &Meaning,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Call {
        let client = self.principal(context);
        self.session.set_client(client.clone());
        let (id, cancel) = (self.backend.next_call(), self.stop.child_token());
        let request = ToolRequest {
            id: Some(id.clone()),
            namespace: meaning.namespace.clone(),
            tool: meaning.tool.clone(),
            arguments: Json::from(Value::Object(arguments)),
            client: Some(client),
            reader: Reader::Asker,
        };
        let called = Arc::clone(&self.backend).call(Arc::clone(&self.session), request, cancel.clone());
        Call { id, report: self.runs.spawn(called), cancel: cancel.drop_guard() }
    }

    /// The call whose form this client brings back. What its person chose is heard first.
    async fn held_call(
        &self,
        ticket: &str,
        request: &CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<Call, String> {
        let nothing = |why: &dyn std::fmt::Display| {
            format!("nothing was called: the `requestState` of this call is no good: {why}")
        };
        let approvals = self.approvals.as_ref().ok_or_else(|| nothing(&"nobody is asked anything here"))?;
        let Ticket { run, question, principal } =
            approvals.read_ticket(ticket).map_err(|bad| nothing(&bad))?;
        if principal != self.principal(context) {
            return Err(nothing(&"it belongs to another connection"));
        }
        let call =
            self.held.take(&run).ok_or_else(|| nothing(&"its call is over, and its answer was given"))?;
        self.take_form(approvals, &run, &question, request).await;
        Ok(call)
    }

    /// Waits for a call, and has its person asked meanwhile. A client that gives up ends it.
    async fn attend(&self, mut call: Call, context: &RequestContext<RoleServer>) -> CallToolResponse {
        // A call by itself waits for nothing else while it waits for a person.
        let (_stands, seen) = watch::channel(Progress { stands: true, ..Progress::default() });
        let id = call.id.clone();
        let asking = self.ask(&id, seen, context, true);
        let told = progress::tell_time(&context.peer, context.meta.get_progress_token());
        let sheet = tokio::select! {
            biased;
            report = &mut call.report => return answered(report.ok()).await.into(),
            () = context.ct.cancelled() => return self.given_up(call).await.into(),
            () = self.nobody_answers(&id) => return self.unanswered(call).await.into(),
            handed_back = asking => match handed_back {
                HandBack::Form(sheet) => sheet,
                // It has the patience to wait for somebody elsewhere.
                HandBack::Waits => return self.unanswered(call).await.into(),
            },
            never = told => match never {},
        };
        let form = self.approvals.as_ref().and_then(|approvals| asking::input_required(approvals, &sheet));
        match form {
            Some(form) => {
                self.held.put(call);
                form.into()
            }
            None => self.unanswered(call).await.into(),
        }
    }

    /// Done when an answer is due, and a person has had the time to be asked.
    async fn nobody_answers(&self, call: &RunId) {
        let Some(approvals) = &self.approvals else { return std::future::pending().await };
        let mut open = approvals.watch();
        loop {
            open.borrow_and_update();
            if !approvals.open_of(call).is_empty() {
                tokio::time::sleep(self.options.respond_within).await;
                if !approvals.open_of(call).is_empty() {
                    return;
                }
            }
            if open.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn given_up(&self, call: Call) -> CallToolResult {
        answered(call.give_up().await).await
    }

    /// Somebody may have allowed it in this moment, so what became of it is told as it is.
    async fn unanswered(&self, call: Call) -> CallToolResult {
        let report = call.give_up().await;
        let sent =
            |report: &ToolReport| !matches!(report.outcome, ToolOutcome::Cancelled { effect_unknown: false });
        if report.as_ref().is_none_or(sent) {
            return answered(report).await;
        }
        let within = self.options.respond_within.as_secs();
        let why = format!(
            "not called: nobody has allowed it within {within} s. While such a call waits, `outboard approvals` shows it in another \
             terminal and `outboard approve` allows it; `outboard policy` tells how to allow a tool for good"
        );
        text(why, true)
    }
}

/// What the upstream answered, as it is; else why there is no answer.
async fn answered(report: Option<ToolReport>) -> CallToolResult {
    let Some(ToolReport { outcome, reply, .. }) = report else {
        return text("failed: Outboard could not make the call".to_owned(), true);
    };
    match (reply, outcome) {
        (Some(reply), _) if size(&reply) <= SMALL => as_it_is(&reply),
        (Some(reply), _) => {
            let result = tokio::task::spawn_blocking(move || as_it_is(&reply)).await;
            result.unwrap_or_else(|error| {
                tracing::error!(%error, "could not give on an answer");
                text("failed: Outboard could not give on what the tool answered".to_owned(), true)
            })
        }
        (None, ToolOutcome::Value(value)) => text(value.to_string(), false),
        (None, ToolOutcome::Failed(failure)) => {
            let code = failure.code.as_str();
            let answer = Answer {
                text: format!("{code}: {}", failure.message),
                is_error: true,
                media: failure.content,
            };
            result(answer)
        }
        (None, ToolOutcome::Cancelled { effect_unknown }) => {
            let sent =
                if effect_unknown { "it had been sent: its effect is unknown" } else { "nothing was sent" };
            text(format!("the call was given up: {sent}"), true)
        }
    }
}

/// Bytes of it.
fn size(reply: &CallReply) -> usize {
    reply.content.iter().chain(&reply.structured).map(|value| value.as_str().len()).sum()
}

fn as_it_is(reply: &CallReply) -> CallToolResult {
    let content = reply.content.iter().map(block).collect();
    let mut result =
        if reply.is_error { CallToolResult::error(content) } else { CallToolResult::success(content) };
    result.structured_content = reply.structured.as_ref().map(Json::to_value);
    result
}

/// A block as the upstream sent it. One of a kind that rmcp does not know becomes its text: nothing of it is lost.
fn block(block: &Json) -> ContentBlock {
    block.read().unwrap_or_else(|_| ContentBlock::text(block.as_str()))
}
