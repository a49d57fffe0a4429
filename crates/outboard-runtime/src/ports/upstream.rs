//! The upstream port: carries out an operation that a permit allows.
//!
//! Every sending method takes a [`Permit`], which only the broker can make, so an operation that
//! did not pass the gate does not compile.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{broker::Permit, ids::UpstreamName, json::Json, reply::CallReply};

/// A connection to one upstream, shared by all runs for the life of the process.
pub trait Upstream: Send + Sync + 'static {
    /// Waits until operations can be sent, starting the upstream if it is not there. Sends no operation itself. On a
    /// failure nothing was sent. The wait has an end of its own (the connect timeout) and is no part of a call's time.
    fn ready(&self) -> BoxFuture<'_, Result<(), SendFailure>> {
        Box::pin(std::future::ready(Ok(())))
    }

    /// Sends the permitted tool call and waits for its answer. If the upstream is still starting,
    /// waits for it first (within its connect timeout).
    ///
    /// Dropping the future abandons the operation and tells the upstream so
    /// (`notifications/cancelled`); whether it had an effect is then unknown.
    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>>;

    /// Sends a permitted request that is no tool call and waits for its result, a JSON object as the upstream sent it.
    /// Otherwise as [`Upstream::send`]. An upstream that knows tools only refuses, and nothing was sent.
    fn request(&self, permit: Permit) -> BoxFuture<'_, Result<Json, SendFailure>> {
        let reason = format!("{} has tools only", permit.operation().namespace());
        Box::pin(std::future::ready(Err(SendFailure::Unavailable { reason })))
    }
}

/// How far an operation is, by its upstream's word (MCP `notifications/progress`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advance {
    /// Grows from one to the next, in the upstream's own measure.
    pub progress: f64,
    /// What it grows to, if the upstream knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<f64>,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// An operation that got no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// Nothing was sent: the upstream is not there.
    #[error("{reason}")]
    Unavailable {
        /// What is known, for example the end of the child's stderr.
        reason: String,
    },
    /// Nothing was sent: no request can be made of these arguments.
    #[error("not sent: {reason}")]
    Unsendable {
        /// Which argument, what is wrong with it, what to do.
        reason: String,
    },
    /// It was sent and the connection was lost before the answer: the effect is unknown.
    #[error("the upstream was lost during the call: {reason}")]
    Lost {
        /// What is known.
        reason: String,
    },
    /// The upstream answered with a JSON-RPC error.
    #[error("{message} (code {code})")]
    Refused {
        /// JSON-RPC error code.
        code: i64,
        /// The upstream's message.
        message: String,
    },
    /// The answer could not be read as any result.
    #[error("the upstream's answer is not a tool result: {reason}")]
    Unreadable {
        /// What was wrong.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer within {waited:?}")]
    Timeout {
        /// The deadline that passed.
        waited: Duration,
    },
}

/// Finds upstreams by name.
pub trait Upstreams: Send + Sync + 'static {
    /// The connection to a configured upstream.
    fn get(&self, name: &UpstreamName) -> Option<Arc<dyn Upstream>>;
}
