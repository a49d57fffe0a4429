//! What a request to the endpoint is, and who answers it. Checks stand in the order in which they protect one another: who
//! may speak at all comes before a byte of the body is read.

use std::{future::poll_fn, pin::Pin, sync::Arc};

use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Body as _, Incoming},
    header::{self, HeaderName, HeaderValue},
    http::request::Parts,
};
use outboard_runtime::ids::Principal;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ErrorCode, ErrorData, GetMeta as _, JsonRpcMessage,
};
use tokio::sync::SemaphorePermit;

use super::{
    PATH, Server,
    accept::{Accepted, accepted, is_json},
    answer::{self, SESSION},
    body::{Events, Reply},
    guard::{Unknown, comes_from_here, one},
    headers::{self, Era},
    link::Link,
    sessions::Session,
    stream::{Event, Reader, Stream},
    streams::OPEN,
};
use crate::{
    handler::shown,
    wire::{Frame, read},
};

/// Bytes from which on a body is a long one.
const LONG: usize = 256 << 10;
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// A body, and its place among the long ones if it is one.
struct Text<'a> {
    bytes: Vec<u8>,
    place: Option<SemaphorePermit<'a>>,
}

/// How an answer begins.
enum Begun {
    /// It is there.
    Whole(Event),
    /// It takes longer, or has more before it.
    Streams(Option<Event>),
    /// There will be none.
    Nothing,
}

impl Server {
    /// Answers one HTTP request.
    pub(super) async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Response<Reply> {
        let token = self.under_way.token();
        let mut response = self.judged(request).await.unwrap_or_else(|refusal| *refusal);
        response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response.body_mut().hold(token);
        response
    }

    async fn judged(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Reply>, Box<Response<Reply>>> {
        let (parts, body) = request.into_parts();
        let refuse = |status, message: &str| Box::new(answer::closing(answer::refused(status, message)));
        self.hosts.reached(&parts.uri, &parts.headers).map_err(|why| {
            tracing::warn!(host = said(&parts.headers, &header::HOST), "refused a request: {why}");
            refuse(StatusCode::FORBIDDEN, why)
        })?;
        comes_from_here(&parts.headers).map_err(|why| {
            tracing::warn!(origin = said(&parts.headers, &header::ORIGIN), "refused a request: {why}");
            refuse(StatusCode::FORBIDDEN, why)
        })?;
        // Clients that are asked for a token look elsewhere for how to get one, and have to see that there is nothing.
        if parts.uri.path() != PATH {
            return Err(refuse(StatusCode::NOT_FOUND, "MCP is served at /mcp"));
        }
        let principal = self.keys.principal(&parts.headers).map_err(|unknown| Box::new(stranger(unknown)))?;
        if self.draining.is_cancelled() {
            return Err(Box::new(unavailable("Outboard is ending")));
        }
        let accepted = accepted(&parts.headers);
        match parts.method {
            Method::POST => {
                if !is_json(&parts.headers) {
                    let why = "`Content-Type` has to be application/json";
                    return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
                }
                if parts.headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity")
                {
                    let why = "bodies are taken as they are, without `Content-Encoding`";
                    return Err(refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
                }
                if !accepted.json && !accepted.events {
                    let why = "`Accept` has to list application/json and text/event-stream";
                    return Err(refuse(StatusCode::NOT_ACCEPTABLE, why));
                }
                let text = self.text(&parts.headers, body).await?;
                Ok(self.post(&parts, text, principal, accepted).await)
            }
            Method::GET | Method::DELETE => {
                let era = headers::era_of_headers(&parts.headers);
                if era.map_err(|why| Box::new(answer::error(StatusCode::BAD_REQUEST, None, why)))?
                    == Era::Alone
                {
                    return Err(Box::new(not_allowed("POST")));
                }
                let session = self.session(&parts.headers, principal.as_ref())?;
                if parts.method == Method::DELETE {
                    self.sessions.end(&session);
                    return Ok(answer::nothing(StatusCode::NO_CONTENT));
                }
                if !accepted.events {
                    let why = "`Accept` has to list text/event-stream";
                    return Err(Box::new(answer::refused(StatusCode::NOT_ACCEPTABLE, why)));
                }
                self.listen(&parts.headers, &session)
            }
            _ => Err(Box::new(answer::closing(not_allowed("POST, GET, DELETE")))),
        }
    }

    /// The body of a request, within its bounds.
    async fn text(&self, headers: &HeaderMap, mut body: Incoming) -> Result<Text<'_>, Box<Response<Reply>>> {
        let most = self.options.body;
        let refuse = |status, message: String| Box::new(answer::closing(answer::refused(status, message)));
        let too_long =
            || refuse(StatusCode::PAYLOAD_TOO_LARGE, format!("a message has at most {most} bytes"));
        let said =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if said.is_some_and(|said| said > most as u64) {
            return Err(too_long());
        }
        let reading = async {
            let mut text = Text { bytes: Vec::new(), place: None };
            while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
                let frame =
                    frame.map_err(|_| refuse(StatusCode::BAD_REQUEST, "the body broke off".to_owned()))?;
                if let Ok(data) = frame.into_data() {
                    if text.bytes.len() + data.len() > most {
                        return Err(too_long());
                    }
                    if text.bytes.len() + data.len() > LONG && text.place.is_none() {
                        text.place = self.long.acquire().await.ok();
                    }
                    text.bytes.extend_from_slice(&data);
                }
            }
            Ok(text)
        };
        let slow = |_| refuse(StatusCode::REQUEST_TIMEOUT, "the body took too long".to_owned());
        tokio::time::timeout(self.options.body_within, reading).await.map_err(slow)?
    }

    async fn post(
        self: &Arc<Self>,
        parts: &Parts,
        text: Text<'_>,
        principal: Option<Principal>,
        accepted: Accepted,
    ) -> Response<Reply> {
        let headers = &parts.headers;
        let message = match read(&text.bytes) {
            Frame::Message(message) => *message,
            Frame::Nothing => return answer::nothing(StatusCode::ACCEPTED),
            Frame::Refused(refusal) => {
                let modern = matches!(headers::era_of_headers(headers), Ok(Era::Alone));
                if modern && headers::names_removed(&text.bytes) {
                    return answer::error(StatusCode::NOT_FOUND, refusal.id(), headers::no_method());
                }
                let status = match refusal.code() {
                    ErrorCode::METHOD_NOT_FOUND if modern => StatusCode::NOT_FOUND,
                    // Between programs of a session, errors are answers like others.
                    ErrorCode::METHOD_NOT_FOUND | ErrorCode::INVALID_PARAMS if !modern => StatusCode::OK,
                    _ => StatusCode::BAD_REQUEST,
                };
                return answer::json(status, refusal.to_json());
            }
        };
        let id = match &message {
            JsonRpcMessage::Request(request) => Some(request.id.clone()),
            _ => None,
        };
        let era = headers::era(headers, &message, &text.bytes);
        // Others may be read while this one is served.
        drop(text);
        match era {
            Err(why) if why.code == ErrorCode::METHOD_NOT_FOUND => {
                answer::error(StatusCode::NOT_FOUND, id, why)
            }
            Err(why) => answer::error(StatusCode::BAD_REQUEST, id, why),
            Ok(Era::Alone) => self.alone(parts, message, principal, accepted).await,
            Ok(Era::Session) => {
                self.in_session(parts, message, principal, accepted).await.unwrap_or_else(|refusal| *refusal)
            }
        }
    }

    /// Answers a request that belongs to no session. It ends when its client goes.
    async fn alone(
        self: &Arc<Self>,
        parts: &Parts,
        message: ClientJsonRpcMessage,
        principal: Option<Principal>,
        accepted: Accepted,
    ) -> Response<Reply> {
        let client = match &message {
            JsonRpcMessage::Request(request) => request.request.get_meta().client_info(),
            // There are none that mean anything (MCP 2026-07-28, "Sending Messages").
            JsonRpcMessage::Notification(_) => return answer::nothing(StatusCode::ACCEPTED),
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => {
                return answer::refused(StatusCode::BAD_REQUEST, "nothing was asked: a POST is a request");
            }
        };
        let client = client.map(|client| client.name).unwrap_or_default();
        let Some(conversation) = self.visitors.meet(self, principal, &client) else {
            return unavailable("too many clients of different names");
        };
        let gone = conversation.stop.child_token();
        let stream = Stream::new(0);
        let mut reader = stream.read(0);
        let link = Link::One { request: Some(Box::new(message)), stream, answered: gone.clone() };
        let (face, ending, passthrough) =
            (Arc::clone(&self.face), self.draining.clone(), wants_no_scripts(parts));
        let (guard, token) = (gone.clone().drop_guard(), gone.clone());
        self.tasks.spawn(async move {
            face.answer_one(&conversation, link, token, ending, passthrough).await;
        });
        match self.begin(&mut reader, accepted).await {
            Begun::Whole(event) => answer::json(status_of(event.error), event.json),
            Begun::Nothing => answer::refused(StatusCode::SERVICE_UNAVAILABLE, "Outboard is ending"),
            Begun::Streams(event) => {
                let events = Events::new(reader, self.options.keep_alive).beginning_with(event);
                answer::events(events.with_guard(guard))
            }
        }
    }

    /// Takes a message to its session, and answers it if it is a request. That goes on if its client goes.
    async fn in_session(
        self: &Arc<Self>,
        parts: &Parts,
        message: ClientJsonRpcMessage,
        principal: Option<Principal>,
        accepted: Accepted,
    ) -> Result<Response<Reply>, Box<Response<Reply>>> {
        let opening =
            matches!(&message, JsonRpcMessage::Request(request) if request.request.method() == "initialize");
        let session = if opening {
            let begun = self.sessions.begin(self, principal, wants_no_scripts(parts));
            begun.ok_or_else(|| Box::new(unavailable("too many sessions: end one with DELETE")))?
        } else {
            self.session(&parts.headers, principal.as_ref())?
        };
        let asked = match &message {
            JsonRpcMessage::Request(request) => {
                Some((request.id.clone(), request.request.get_meta().get_progress_token()))
            }
            JsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    session.streams.give_up(id);
                }
                None
            }
            JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_) => None,
        };
        let in_use = |refusal: Box<crate::wire::Refusal>| {
            Box::new(answer::json(StatusCode::BAD_REQUEST, refusal.to_json()))
        };
        let message = session.requests.admit(message).map_err(in_use)?;
        let Some((id, progress)) = asked else {
            if !session.hear(message).await {
                return Err(Box::new(unknown_session()));
            }
            return Ok(answer::nothing(StatusCode::ACCEPTED));
        };
        let stream = session.streams.open(id.clone(), progress, accepted.events);
        let stream = stream.ok_or_else(|| {
            session.requests.forget(&id);
            Box::new(unavailable(&format!("{OPEN} requests of this session are under way")))
        })?;
        let mut reader = stream.read(0);
        if !session.hear(message).await {
            return Err(Box::new(unknown_session()));
        }
        if opening {
            return Ok(self.opened(&session, reader, accepted).await);
        }
        Ok(match self.begin(&mut reader, accepted).await {
            Begun::Whole(event) => {
                session.streams.forget(reader.number());
                answer::json(StatusCode::OK, event.json)
            }
            Begun::Nothing => {
                let why =
                    ErrorData::new(ErrorCode::INTERNAL_ERROR, "the request or its session was ended", None);
                answer::error(StatusCode::OK, Some(id), why)
            }
            Begun::Streams(event) => {
                let events = Events::new(reader, self.options.keep_alive);
                let events = events.with_ids(session.streams.primes()).beginning_with(event);
                answer::events(events)
            }
        })
    }

    /// The answer to `initialize`, which names the session if there is one from now on.
    async fn opened(
        &self,
        session: &Arc<Session>,
        mut reader: Reader,
        accepted: Accepted,
    ) -> Response<Reply> {
        let Some(event) = reader.next().await else {
            self.sessions.end(session);
            return unavailable("Outboard is ending");
        };
        if event.error.is_some() {
            self.sessions.end(session);
            return answer::json(StatusCode::OK, event.json);
        }
        self.sessions.keep(session);
        session.streams.forget(reader.number());
        let mut response = if accepted.json {
            answer::json(StatusCode::OK, event.json)
        } else {
            answer::events(Events::new(reader, self.options.keep_alive).beginning_with(Some(event)))
        };
        if let Ok(name) = HeaderValue::from_str(&session.name) {
            response.headers_mut().insert(SESSION, name);
        }
        response
    }

    /// Waits for an answer as long as it is worth while before a stream is begun, or to its end if the client takes nothing
    /// else.
    async fn begin(&self, reader: &mut Reader, accepted: Accepted) -> Begun {
        let whole = |event: Event| {
            if event.last && accepted.json { Begun::Whole(event) } else { Begun::Streams(Some(event)) }
        };
        if accepted.events {
            let first = tokio::time::timeout(self.options.patience, reader.next()).await;
            return first.map_or(Begun::Streams(None), |event| event.map_or(Begun::Nothing, whole));
        }
        while let Some(event) = reader.next().await {
            if event.last {
                return Begun::Whole(event);
            }
        }
        Begun::Nothing
    }

    /// The stream beside all requests, or what was missed of another one.
    fn listen(
        &self,
        headers: &HeaderMap,
        session: &Arc<Session>,
    ) -> Result<Response<Reply>, Box<Response<Reply>>> {
        let refuse = |why: &str| Box::new(answer::refused(StatusCode::BAD_REQUEST, why));
        let last =
            one(headers, &LAST_EVENT).map_err(|()| refuse("`Last-Event-ID` has to stand there once"))?;
        let (stream, after) = match last.filter(|last| !last.is_empty()) {
            None => (session.streams.common(), 0),
            Some(last) => {
                let parsed = last.split_once('-').and_then(|(stream, event)| {
                    Some((stream.parse::<u64>().ok()?, event.parse::<u64>().ok()?))
                });
                let (number, after) = parsed.ok_or_else(|| refuse("`Last-Event-ID` is no id of ours"))?;
                let stream = session.streams.numbered(number);
                (
                    stream.ok_or_else(|| refuse("nothing is left of the stream of this `Last-Event-ID`"))?,
                    after,
                )
            }
        };
        let prime = session.streams.primes() && last.is_none();
        let number = stream.number;
        let events = Events::new(stream.read(after), self.options.keep_alive).with_ids(prime);
        // What answers nobody must not hold up the end.
        let draining = (number == 0).then(|| self.draining.clone().cancelled_owned());
        Ok(answer::events(match draining {
            Some(draining) => events.until(draining),
            None => events,
        }))
    }

    /// The session that a request names.
    fn session(
        &self,
        headers: &HeaderMap,
        principal: Option<&Principal>,
    ) -> Result<Arc<Session>, Box<Response<Reply>>> {
        let refuse = |why: &str| Box::new(answer::refused(StatusCode::BAD_REQUEST, why));
        let name = one(headers, &SESSION).map_err(|()| refuse("`Mcp-Session-Id` has to stand there once"))?;
        let name = name.ok_or_else(|| {
            refuse("`Mcp-Session-Id` is missing: begin with `initialize`, or name a version in `_meta`")
        })?;
        self.sessions.find(name, principal).ok_or_else(|| Box::new(unknown_session()))
    }
}

/// What may be logged of a header of somebody who was refused.
fn said(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).map(|value| shown(&String::from_utf8_lossy(value.as_bytes()))).unwrap_or_default()
}

/// Whether the client names an endpoint without scripts: `?codemode=off` or `?codemode=false`, as clients append that write
/// scripts of their own.
fn wants_no_scripts(parts: &Parts) -> bool {
    let says = |pair: &str| matches!(pair.split_once('='), Some(("codemode", "off" | "false")));
    parts.uri.query().is_some_and(|query| query.split('&').any(says))
}

/// The status of an answer that belongs to no session (MCP 2026-07-28, "Request Metadata").
fn status_of(error: Option<i32>) -> StatusCode {
    match error.map(ErrorCode) {
        Some(ErrorCode::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        Some(
            ErrorCode::UNSUPPORTED_PROTOCOL_VERSION
            | ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY
            | ErrorCode::HEADER_MISMATCH,
        ) => StatusCode::BAD_REQUEST,
        _ => StatusCode::OK,
    }
}

fn unknown_session() -> Response<Reply> {
    answer::refused(StatusCode::NOT_FOUND, "there is no such session, or no more: begin with `initialize`")
}

fn unavailable(why: &str) -> Response<Reply> {
    let mut response = answer::refused(StatusCode::SERVICE_UNAVAILABLE, why);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    answer::closing(response)
}

fn not_allowed(allowed: &'static str) -> Response<Reply> {
    let mut response =
        answer::refused(StatusCode::METHOD_NOT_ALLOWED, format!("this endpoint takes {allowed}"));
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

fn stranger(unknown: Unknown) -> Response<Reply> {
    let (how, why) = match unknown {
        Unknown::Nobody => ("Bearer realm=\"outboard\"", "send a token: `Authorization: Bearer …`"),
        Unknown::Stranger => {
            tracing::warn!("refused a request with a token that nobody has");
            ("Bearer realm=\"outboard\", error=\"invalid_token\"", "nobody has this token")
        }
    };
    let mut response = answer::refused(StatusCode::UNAUTHORIZED, why);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(how));
    answer::closing(response)
}
