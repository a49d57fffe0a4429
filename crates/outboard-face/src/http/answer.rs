//! Answers as HTTP has them: JSON texts, streams of events, and refusals, which say what to do.
//! Which one a request gets is decided elsewhere.

use hyper::{
    Response, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcMessage, RequestId, ServerJsonRpcMessage};

use super::body::Reply;

/// The name of a session.
pub(super) const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");

/// An answer with a JSON text.
pub(super) fn json(status: StatusCode, text: impl Into<hyper::body::Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::of(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer without a body.
pub(super) fn nothing(status: StatusCode) -> Response<Reply> {
    let mut response = Response::new(Reply::Whole(None));
    *response.status_mut() = status;
    response
}

/// A JSON-RPC error.
pub(super) fn error(status: StatusCode, id: Option<RequestId>, error: ErrorData) -> Response<Reply> {
    let message: ServerJsonRpcMessage = JsonRpcMessage::error(error, id);
    json(status, serde_json::to_vec(&message).unwrap_or_default())
}

/// A refusal of a whole request.
pub(super) fn refused(status: StatusCode, message: impl Into<String>) -> Response<Reply> {
    error(status, None, ErrorData::new(ErrorCode::INVALID_REQUEST, message.into(), None))
}

/// The headers of a stream of events.
pub(super) fn events(events: super::body::Events) -> Response<Reply> {
    let mut response = Response::new(Reply::Events(Box::new(events)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // For proxies that would hold events back (MCP 2026-07-28, "Receiving Messages").
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// The same, after which the connection ends: what follows on it was not read.
pub(super) fn closing(mut response: Response<Reply>) -> Response<Reply> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
