//! One MCP endpoint: its URL, its headers, its session, and single HTTP requests to it. What a failed
//! request means for the call that it carried is decided here; nothing is tried twice.

use std::{
    error::Error,
    sync::{Once, OnceLock},
    time::Duration,
};

use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::{
    Client, RequestBuilder, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};
use url::{Host, Url};

use super::body;
use crate::connection::{Failure, message};

const SESSION: &str = "mcp-session-id";
const VERSION: &str = "mcp-protocol-version";
const CONNECT: Duration = Duration::from_secs(30);
/// Bytes read of a body that explains a failure, and bytes shown of it.
const EXPLANATION: usize = 1 << 20;
const SHOWN: usize = 500;

pub(super) struct Endpoint {
    client: Client,
    url: Url,
    session: OnceLock<HeaderValue>,
    agreed: OnceLock<Agreed>,
    pub(super) max_message_bytes: usize,
}

struct Agreed {
    version: HeaderValue,
    modern: bool,
}

/// Why a POST has no readable response.
#[derive(Debug)]
pub(super) enum PostFailure {
    /// The server no longer knows our session; it did nothing.
    SessionEnded(String),
    Failed(Failure),
}

impl Endpoint {
    pub(super) fn new(
        url: &Url,
        headers: &[(String, String)],
        max_message_bytes: usize,
    ) -> Result<Self, String> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("`{}:` is not a scheme that MCP servers are reached by", url.scheme()));
        }
        provide_cryptography();
        let mut builder = Client::builder()
            .default_headers(own_headers(headers)?)
            .connect_timeout(CONNECT)
            .redirect(Policy::none());
        if is_loopback(url) {
            // A proxy cannot reach our loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| chain(&error))?;
        let (session, agreed) = (OnceLock::new(), OnceLock::new());
        Ok(Self { client, url: url.clone(), session, agreed, max_message_bytes })
    }

    /// From now on requests say this version. The first agreement counts.
    pub(super) fn agree(&self, version: &str, modern: bool) {
        if let Ok(version) = HeaderValue::from_str(version) {
            self.agreed.get_or_init(|| Agreed { version, modern });
        }
    }

    pub(super) fn is_modern(&self) -> bool {
        self.agreed.get().is_some_and(|agreed| agreed.modern)
    }

    /// Sends a message; `about` is the method and subject of a request.
    pub(super) async fn post(
        &self,
        text: String,
        about: Option<(&'static str, Option<&str>)>,
    ) -> Result<Response, PostFailure> {
        let mut request = self
            .with_session(self.client.post(self.url.clone()))
            .header(ACCEPT, "application/json, text/event-stream")
            .header(CONTENT_TYPE, "application/json");
        if let Some((method, subject)) = about.filter(|_| self.is_modern()) {
            request = request.header("mcp-method", method);
            if let Some(subject) = subject {
                request = request.header("mcp-name", header_text(subject));
            }
        }
        let response =
            request.body(text).send().await.map_err(|error| PostFailure::Failed(unsent(&error)))?;
        if response.status().is_success() {
            if let Some(session) = response.headers().get(SESSION) {
                self.session.get_or_init(|| session.clone());
            }
            return Ok(response);
        }
        Err(self.refused(response).await)
    }

    /// Opens a stream of what the server says by itself, or resumes one.
    pub(super) async fn get(&self, last_event: Option<&str>) -> Result<Response, String> {
        let mut request =
            self.with_session(self.client.get(self.url.clone())).header(ACCEPT, "text/event-stream");
        if let Some(event) = last_event {
            request = request.header("last-event-id", event);
        }
        let response = request.send().await.map_err(|error| chain(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(format!("HTTP {}", response.status())) }
    }

    /// Tells the server that the session, if there is one, is over.
    pub(super) async fn end_session(&self) {
        if self.session.get().is_some() {
            // The server may refuse or be gone; we are leaving either way.
            let _ = self.with_session(self.client.delete(self.url.clone())).send().await;
        }
    }

    fn with_session(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(session) = self.session.get() {
            request = request.header(SESSION, session);
        }
        if let Some(agreed) = self.agreed.get() {
            request = request.header(VERSION, &agreed.version);
        }
        request
    }

    async fn refused(&self, response: Response) -> PostFailure {
        let status = response.status();
        if status == StatusCode::NOT_FOUND && self.session.get().is_some() {
            return PostFailure::SessionEnded(
                "the server ended the session; the next call opens one".to_owned(),
            );
        }
        let location = response.headers().get(LOCATION).and_then(|to| to.to_str().ok()).map(str::to_owned);
        let body = body::whole(response, EXPLANATION).await.unwrap_or_default();
        let text = String::from_utf8_lossy(&body).into_owned();
        // The id of such an error is often null, but there is only one request that it can answer.
        if let Some(refusal) = message::refusal(&text) {
            return PostFailure::Failed(Failure::Refused(refusal));
        }
        let reason = explain(status, location.as_deref(), &text);
        // A server that fails, or a proxy before it, may have carried the request out.
        PostFailure::Failed(if status.is_server_error() {
            Failure::Lost(reason)
        } else {
            Failure::Unavailable(reason)
        })
    }
}

fn explain(status: StatusCode, location: Option<&str>, body: &str) -> String {
    let hint = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            "; check the credentials in its headers".to_owned()
        }
        status if status.is_redirection() => {
            let to = location.unwrap_or("elsewhere").escape_debug().to_string();
            format!("; it redirects to {to}, which is not followed: configure that URL if it is right")
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            "; is this the URL of a Streamable HTTP endpoint?".to_owned()
        }
        _ => String::new(),
    };
    let said = body.trim();
    let said = said[..said.floor_char_boundary(SHOWN)].escape_debug().to_string();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    format!("HTTP {status}{hint}{said}")
}

/// The client's own headers, which are credentials: none of their values is ever shown.
fn own_headers(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let shown = name.escape_debug();
        let name =
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("`{shown}` is no header name"))?;
        let mut value = HeaderValue::from_str(value)
            .map_err(|_| format!("the value of header `{shown}` has control characters"))?;
        value.set_sensitive(true);
        map.append(name, value);
    }
    Ok(map)
}

/// A header's text as 2026-07-28 wants it: as it is if it can be, else in Base64.
fn header_text(text: &str) -> String {
    let plain = text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    if plain { text.to_owned() } else { format!("=?base64?{}?=", BASE64_STANDARD.encode(text)) }
}

fn unsent(error: &reqwest::Error) -> Failure {
    let reason = chain(error);
    if error.is_connect() || error.is_builder() {
        Failure::Unavailable(reason)
    } else {
        Failure::Lost(reason)
    }
}

/// An error with everything that caused it, without the URL, which may carry a secret.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let text = match error {
        error if error.is_connect() => "it cannot be reached",
        error if error.is_timeout() => "it took too long",
        _ => "the request failed",
    };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(text.to_owned(), |text, cause| format!("{text}: {cause}"))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// TLS needs to be told once a process whose cryptography it uses.
fn provide_cryptography() {
    static PROVIDED: Once = Once::new();
    PROVIDED.call_once(|| {
        // It fails if somebody else has provided some, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_text_is_plain_where_it_can_be() {
        let cases = [
            ("create-issue", "create-issue"),
            ("söhne", "=?base64?c8O2aG5l?="),
            (" edge", "=?base64?IGVkZ2U=?="),
            ("=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?="),
        ];
        for (text, header) in cases {
            assert_eq!(header_text(text), header);
        }
    }

    #[test]
    fn a_bad_header_is_named_without_its_value() {
        let header = |name: &str, value: &str| own_headers(&[(name.to_owned(), value.to_owned())]);
        assert!(header("x-api-key", "secret").is_ok());
        for (name, value) in [("x api", "secret"), ("x-api", "sec\nret")] {
            let reason = header(name, value).unwrap_err();
            assert!(reason.contains(name) && !reason.contains("sec"), "{reason}");
        }
    }
}
