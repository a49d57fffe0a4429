//! A call of an upstream's tool as it is: through the same gate as a script's, and answered in the upstream's own words.
//! What may be called is not decided here.

use std::sync::Arc;

use outboard_runtime::{
    journal::Reader,
    json::Json,
    present::Answer,
    reply::CallReply,
    run::{ToolOutcome, ToolReport, ToolRequest},
};
use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject},
    service::RequestContext,
};
use serde_json::Value;
use tokio::sync::mpsc;

use super::{
    Handler, SMALL,
    outside::{Attended, Call, gave_up},
    result, text,
};
use crate::offer::Meaning;

/// Words on how far a call is that wait to be told; further ones are dropped.
const ADVANCES: usize = 64;

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
            Some(ticket) => self.held(ticket, request.input_responses.as_ref(), context).await,
            None => Ok(self.begin_call(meaning, request.arguments.unwrap_or_default(), context)),
        };
        match call {
            Ok(call) => match self.attend(call, context).await {
                Attended::Over(report) => answered(report).await.into(),
                Attended::Form(form) => form.into(),
                Attended::Unanswered(why) => text(why, true).into(),
            },
            Err(why) => text(why, true).into(),
        }
    }

    fn begin_call(
        &self,
        meaning: &Meaning,
        arguments: JsonObject,
        context: &RequestContext<RoleServer>,
    ) -> Call {
        let (tell, advances) = mpsc::channel(ADVANCES);
        let call = self.begin(context, |id, client, cancel| {
            let request = ToolRequest {
                id: Some(id),
                namespace: meaning.namespace.clone(),
                tool: meaning.tool.clone(),
                arguments: Json::from(Value::Object(arguments)),
                client: Some(client),
                reader: Reader::Asker,
                advances: Some(tell),
            };
            Arc::clone(&self.backend).call(Arc::clone(&self.session), request, cancel)
        });
        call.advancing(advances)
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
        (None, ToolOutcome::Cancelled { effect_unknown }) => text(gave_up(effect_unknown), true),
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
