//! The first step of the gate: from the names that a script wrote to one tool of one upstream.
//! It waits for an upstream that has not listed its tools yet; it never guesses.

use std::{sync::Arc, time::Duration};

use outboard_script::Language;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::CallRequest;
use crate::{
    catalogue::{
        Annotations, Catalogue, Snapshot, ToolDefinition, Unresolved, UpstreamState, call_signature,
    },
    clock::RunTime,
    ids::{Namespace, RequestId, UpstreamName},
    journal::Intent,
    json::Json,
    operation::{Operation, ToolCall},
    policy::{Facts, Labels, Standing},
    ports::upstream::Upstreams,
    reply::{FailureCode, ToolFailure},
};

/// A real tool that a call goes to.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) upstream: UpstreamName,
    pub(super) namespace: Namespace,
    pub(super) identifier: String,
    pub(super) tool: Arc<ToolDefinition>,
    /// Time that a call may take there, if its upstream has a time of its own.
    pub(super) timeout: Option<Duration>,
    /// Why its upstream is not there, if that is known.
    pub(super) failed: Option<String>,
    pub(super) labels: Labels,
    trusted: bool,
    standing: Standing,
    pub(super) seat: u64,
    places: Option<Arc<Semaphore>>,
}

impl Target {
    /// How it is called, for messages.
    pub(super) fn signature(&self, language: Language) -> String {
        call_signature(language, self.namespace.as_str(), &self.identifier, &self.tool)
    }

    /// Waits for a place among the calls in flight to its upstream. The place is free again when the returned value is
    /// dropped.
    pub(super) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(self.places.as_ref()?).acquire_owned().await.ok()
    }

    /// Whether both are the same tool of the same upstream, as it was described, on the same terms.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.seat == other.seat
            && (self.trusted, self.standing, self.labels) == (other.trusted, other.standing, other.labels)
            && (Arc::ptr_eq(&self.tool, &other.tool) || self.tool == other.tool)
            && match (&self.places, &other.places) {
                (Some(these), Some(those)) => Arc::ptr_eq(these, those),
                (None, None) => true,
                _ => false,
            }
    }

    pub(super) fn operation(&self, arguments: Json) -> Operation {
        Operation::CallTool(ToolCall {
            upstream: self.upstream.clone(),
            namespace: self.namespace.clone(),
            tool: self.tool.name.clone(),
            arguments,
        })
    }

    /// What is known of calling it so.
    pub(super) fn facts<'a>(&'a self, operation: &'a Operation) -> Facts<'a> {
        Facts {
            identifier: &self.identifier,
            claims: self.tool.annotations,
            standing: self.standing,
            trusted: self.trusted,
            labels: self.labels,
            ..Facts::of(operation)
        }
    }

    pub(super) fn intent(&self, request: RequestId, allowed_by: String) -> Intent {
        let vouched = self.standing.vouches(self.trusted);
        let claims = if vouched { self.tool.annotations } else { Annotations::default() };
        Intent {
            request,
            // When it is sent, the ledger says.
            at: RunTime::default(),
            upstream: self.upstream.clone(),
            namespace: self.namespace.clone(),
            tool: self.tool.name.clone(),
            read_only: claims.read_only_hint == Some(true),
            idempotent: claims.idempotent_hint == Some(true),
            allowed_by,
        }
    }
}

/// Finds the tool, waiting for its upstream's list if there is none yet: up to `patience`, or as long as a call may take
/// there.
pub(super) async fn resolve(
    catalogue: &Catalogue,
    upstreams: &dyn Upstreams,
    request: &CallRequest,
    patience: Duration,
) -> Result<Target, ToolFailure> {
    match look_up(&catalogue.snapshot(), request) {
        // Few calls wait, so that what waiting takes is not set aside for all of them.
        Err(Missing::Unlisted(_)) => Box::pin(wait_for_list(catalogue, upstreams, request, patience)).await,
        found => found.map_err(Missing::into),
    }
}

async fn wait_for_list(
    catalogue: &Catalogue,
    upstreams: &dyn Upstreams,
    request: &CallRequest,
    patience: Duration,
) -> Result<Target, ToolFailure> {
    let mut snapshots = catalogue.watch();
    let member = snapshots.borrow().member(&request.namespace).map(|member| Arc::clone(&member.terms));
    let patience = member.and_then(|terms| terms.timeout).unwrap_or(patience);
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
    let unlisted = unlisted_upstream(catalogue, request).and_then(|upstream| upstreams.get(&upstream));
    let waking = async {
        if let Some(upstream) = unlisted {
            // It may be one that starts only when it is wanted. Why it does not stands in the catalogue.
            let _ = upstream.ready().await;
        }
        std::future::pending::<()>().await;
    };
    let found_out = async {
        tokio::select! {
            biased;
            () = waiting => {}
            () = waking => {}
        }
    };
    // When patience ends, what was found last stands.
    let _ = tokio::time::timeout(patience, found_out).await;
    found.map_err(Missing::into)
}

/// The upstream that is meant, if nothing is known of its tools.
fn unlisted_upstream(catalogue: &Catalogue, request: &CallRequest) -> Option<UpstreamName> {
    let snapshot = catalogue.snapshot();
    let member = snapshot.member(&request.namespace).filter(|member| member.listing.is_none())?;
    Some(member.upstream.clone())
}

/// Finds the tool as it is at this moment.
pub(super) fn resolve_now(catalogue: &Catalogue, request: &CallRequest) -> Result<Target, ToolFailure> {
    look_up(&catalogue.snapshot(), request).map_err(Missing::into)
}

impl From<Missing> for ToolFailure {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::Unknown(message) => Self::new(FailureCode::UnknownTool, message),
            Missing::Unlisted(message) | Missing::Unavailable(message) => {
                Self::new(FailureCode::UpstreamUnavailable, message)
            }
        }
    }
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
            timeout: resolved.member.terms.timeout,
            failed: match &resolved.member.state {
                UpstreamState::Failed { reason } => Some(reason.clone()),
                _ => None,
            },
            labels: resolved.member.terms.labels,
            trusted: resolved.member.terms.trusted,
            standing: resolved.member.tool_standing(resolved.identifier),
            seat: resolved.member.seat,
            places: resolved.member.places.clone(),
        }),
        Err(Unresolved::Unknown(member)) => Err(match &member.state {
            UpstreamState::Failed { reason } => {
                Missing::Unavailable(format!("{} is not available: {reason}", member.namespace))
            }
            UpstreamState::Asleep | UpstreamState::Starting | UpstreamState::Ready { .. } => {
                Missing::Unlisted(format!(
                    "{} is still starting and has not listed its tools",
                    member.namespace
                ))
            }
        }),
        Err(unresolved) => Err(Missing::Unknown(unresolved.explain(&request.namespace, &request.tool))),
    }
}
