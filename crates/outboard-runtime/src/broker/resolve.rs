//! The first step of the gate: from the names that a script wrote to one tool of one upstream.
//! It waits for an upstream that has not listed its tools yet; it never guesses.

use std::{sync::Arc, time::Duration};

use outboard_script::Language;

use super::CallRequest;
use crate::{
    catalogue::{Catalogue, Detail, Snapshot, ToolDefinition, Unresolved, UpstreamState, declaration},
    ids::{Namespace, RequestId, UpstreamName},
    journal::Intent,
    json::Json,
    operation::{Operation, ToolCall},
    reply::{FailureCode, ToolFailure},
};

/// A real tool that a call goes to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) upstream: UpstreamName,
    pub(super) namespace: Namespace,
    pub(super) identifier: String,
    pub(super) tool: Arc<ToolDefinition>,
}

impl Target {
    /// How it is called, for messages.
    pub(super) fn signature(&self, language: Language) -> String {
        declaration(language, self.namespace.as_str(), &self.identifier, &self.tool, Detail::Signature)
    }

    pub(super) fn operation(&self, arguments: Json) -> Operation {
        Operation::CallTool(ToolCall {
            upstream: self.upstream.clone(),
            namespace: self.namespace.clone(),
            tool: self.tool.name.clone(),
            arguments,
        })
    }

    pub(super) fn intent(&self, request: RequestId, allowed_by: String) -> Intent {
        let claims = self.tool.annotations;
        Intent {
            request,
            upstream: self.upstream.clone(),
            namespace: self.namespace.clone(),
            tool: self.tool.name.clone(),
            read_only: claims.read_only_hint == Some(true),
            idempotent: claims.idempotent_hint == Some(true),
            allowed_by,
        }
    }
}

/// Finds the tool, waiting up to `patience` for its upstream's list if there is none yet.
pub(super) async fn resolve(
    catalogue: &Catalogue,
    request: &CallRequest,
    patience: Duration,
) -> Result<Target, ToolFailure> {
    let mut snapshots = catalogue.watch();
    let mut found = Err(Missing::Unlisted(String::new()));
    let waiting = async {
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            found = look_up(&snapshot, request);
            let still_starting = matches!(found, Err(Missing::Unlisted(_)));
            if !still_starting || snapshots.changed().await.is_err() {
                return;
            }
        }
    };
    // When patience ends, what was found last stands.
    let _ = tokio::time::timeout(patience, waiting).await;
    found.map_err(|missing| match missing {
        Missing::Unknown(message) => ToolFailure::new(FailureCode::UnknownTool, message),
        Missing::Unlisted(message) | Missing::Unavailable(message) => {
            ToolFailure::new(FailureCode::UpstreamUnavailable, message)
        }
    })
}

enum Missing {
    Unknown(String),
    Unlisted(String),
    Unavailable(String),
}

fn look_up(snapshot: &Snapshot, request: &CallRequest) -> Result<Target, Missing> {
    match snapshot.resolve(&request.namespace, &request.tool) {
        Ok(resolved) => Ok(Target {
            upstream: resolved.member.upstream.clone(),
            namespace: resolved.member.namespace.clone(),
            identifier: resolved.identifier.to_owned(),
            tool: Arc::clone(resolved.tool),
        }),
        Err(Unresolved::Unknown(member)) => Err(match &member.state {
            UpstreamState::Failed { reason } => {
                Missing::Unavailable(format!("{} is not available: {reason}", member.namespace))
            }
            UpstreamState::Starting | UpstreamState::Ready { .. } => Missing::Unlisted(format!(
                "{} is still starting and has not listed its tools",
                member.namespace
            )),
        }),
        Err(unresolved) => Err(Missing::Unknown(unresolved.explain(&request.namespace, &request.tool))),
    }
}
