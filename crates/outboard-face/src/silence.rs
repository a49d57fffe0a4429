//! Tells a client that gave up waiting from one that wants a script stopped. Both send `notifications/cancelled`;
//! MCP's SDKs say in its reason when a timeout of theirs made them do so. It keeps the ids of requests, nothing else.

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
};

use rmcp::model::RequestId;

/// Ids kept at most. Beyond them a timeout counts as a cancellation.
const KEPT: usize = 1_000;

/// Requests that the client has stopped waiting for without wanting them stopped.
#[derive(Debug, Default)]
pub(crate) struct Silence(Mutex<HashSet<RequestId>>);

impl Silence {
    /// A request was cancelled for this reason.
    pub(crate) fn cancelled(&self, id: &RequestId, reason: Option<&str>) {
        let mut ids = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if reason.is_some_and(is_timeout) && ids.len() < KEPT {
            ids.insert(id.clone());
        }
    }

    /// Whether the client only gave up waiting for this request. Asked once, it is forgotten.
    pub(crate) fn take(&self, id: &RequestId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id)
    }
}

fn is_timeout(reason: &str) -> bool {
    let reason = reason.to_ascii_lowercase();
    ["timeout", "timed out", "time out", "deadline"].iter().any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_told_by_their_reason() {
        for (reason, expected) in [
            (Some("McpError: MCP error -32001: Request timed out"), true),
            (Some("request timeout"), true),
            (Some("TimeoutError: The operation was aborted due to timeout"), true),
            (Some("AbortError: This operation was aborted"), false),
            (Some("the user pressed escape"), false),
            (None, false),
        ] {
            let (silence, id) = (Silence::default(), RequestId::Number(1));
            silence.cancelled(&id, reason);
            assert_eq!((silence.take(&id), silence.take(&id)), (expected, false), "{reason:?}");
        }
    }
}
