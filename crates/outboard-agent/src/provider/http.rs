//! Asks an API for a turn: sends one request, reads its events as they come, and tries again what may pass another time.
//! It knows neither dialect; an [`Assemble`] makes a turn of events. Redirects are not followed: a key would go along.

use std::{
    error::Error,
    io,
    sync::{
        Once, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use reqwest::{
    Client, Response,
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde_json::Value;
use sse_stream::SseByteStream;

use super::{
    Heard, ProviderFailure, Said,
    endpoint::{Endpoint, Key},
    retry::{Patience, any_share, asked_pause, may_pass},
};
use crate::usage::Usage;

const CONNECT: Duration = Duration::from_secs(30);
/// Bytes of an answer at most.
const LARGEST: usize = 64 << 20;
/// Bytes read of a refusal, and characters shown of it.
const REFUSAL: usize = 64 << 10;
const SHOWN: usize = 600;
/// What a server says with a status that may pass, and will not.
const HOPELESS: [&str; 3] = ["insufficient_quota", "billing_hard_limit_reached", "billing_error"];

/// Makes a turn of what an API sends.
pub(crate) trait Assemble: Send {
    /// Takes an event of a stream.
    fn event(&mut self, data: &Value, hear: &(dyn Fn(Heard<'_>) + Send + Sync)) -> Result<(), Trouble>;

    /// Takes an answer that came whole.
    fn whole(&mut self, body: &Value) -> Result<(), Trouble>;

    /// The turn, if all of it came.
    fn said(self: Box<Self>) -> Result<Said, Trouble>;

    /// What the API said so far that it bills.
    fn used(&self) -> Usage;
}

/// Why an attempt gave no turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It may go well another time, after this pause if the server says so.
    Again { status: Option<u16>, message: String, asked: Option<Duration> },
    /// The server refuses it.
    Refused { status: u16, message: String },
    /// What came makes no sense.
    Wrong(String),
}

impl Trouble {
    pub(crate) fn again(message: impl Into<String>) -> Self {
        Self::Again { status: None, message: message.into(), asked: None }
    }
}

/// One API.
pub(crate) struct Api {
    client: Client,
    endpoint: Endpoint,
    key: Option<Key>,
    headers: HeaderMap,
    patience: Patience,
}

/// There is no way to an API.
#[derive(Debug, thiserror::Error)]
#[error("make ready for requests to a model's API: {0}")]
pub struct NoWay(String);

impl Api {
    /// A way to an API. `headers` are the dialect's, the key's among them.
    pub(crate) fn new(
        endpoint: Endpoint,
        key: Option<Key>,
        headers: &[(&'static str, String)],
        patience: Patience,
    ) -> Result<Self, NoWay> {
        provide_cryptography();
        let mut map = HeaderMap::new();
        map.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| NoWay(format!("the value of `{name}` cannot stand in a header")))?;
            value.set_sensitive(true);
            map.insert(HeaderName::from_static(name), value);
        }
        let mut builder = Client::builder()
            .connect_timeout(CONNECT)
            .read_timeout(patience.silence)
            .redirect(Policy::none())
            .user_agent(concat!("outboard/", env!("CARGO_PKG_VERSION")));
        if endpoint.is_here() {
            // A proxy cannot reach our loopback.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| NoWay(chain(&error)))?;
        Ok(Self { client, endpoint, key, headers: map, patience })
    }

    /// Asks until there is a turn, or there will be none.
    pub(crate) async fn ask(
        &self,
        body: &Value,
        assemble: impl Fn() -> Box<dyn Assemble>,
        hear: &(dyn Fn(Heard<'_>) + Send + Sync),
    ) -> Result<Said, ProviderFailure> {
        let text = body.to_string();
        let mut failed = 0;
        let mut given_up = Usage::default();
        loop {
            let trouble = match self.once(&text, assemble(), &mut given_up, hear).await {
                Ok(said) => return Ok(Said { retries: failed, given_up, ..said }),
                Err(trouble) => trouble,
            };
            failed += 1;
            let host = self.endpoint.host();
            let (status, message, asked) = match trouble {
                Trouble::Again { status, message, asked } => (status, self.shown(&message), asked),
                Trouble::Refused { status, message } => {
                    return Err(ProviderFailure::Refused { host, status, message: self.shown(&message) });
                }
                Trouble::Wrong(message) => {
                    return Err(ProviderFailure::Unreadable { host, message: self.shown(&message) });
                }
            };
            let Some(pause) = self.patience.pause(failed, asked, any_share()) else {
                return Err(match (asked, status) {
                    (Some(asked), Some(status)) if asked > self.patience.asked => ProviderFailure::Refused {
                        host,
                        status,
                        message: format!("{message} (it asks to wait {} s)", asked.as_secs()),
                    },
                    _ => ProviderFailure::Exhausted { host, tries: failed, message },
                });
            };
            tracing::info!(%host, failed, ?pause, "a turn is asked for again");
            hear(Heard::Again { why: &message, pause });
            tokio::time::sleep(pause).await;
        }
    }

    async fn once(
        &self,
        body: &str,
        mut assemble: Box<dyn Assemble>,
        given_up: &mut Usage,
        hear: &(dyn Fn(Heard<'_>) + Send + Sync),
    ) -> Result<Said, Trouble> {
        let request = self.client.post(self.endpoint.url.clone()).headers(self.headers.clone());
        let response = request.body(body.to_owned()).send().await.map_err(|error| trouble_of(&error))?;
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let is_stream = kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"));
        if is_stream {
            let read = events(response, &mut *assemble, hear).await;
            let used = assemble.used();
            let said = match read {
                Ok(()) => assemble.said(),
                Err(trouble) => Err(trouble),
            };
            if said.is_err() {
                *given_up += used;
            }
            return said;
        }
        let body = limited(response, LARGEST).await?;
        let body = serde_json::from_slice(&body)
            .map_err(|error| Trouble::Wrong(format!("neither events nor JSON: {error}")))?;
        assemble.whole(&body)?;
        assemble.said()
    }

    /// What a server says, short, without the key and without what a terminal would obey.
    fn shown(&self, text: &str) -> String {
        let text = self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.taken_out_of(text));
        let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        // Quotes are no danger and are many in JSON.
        shown.replace("\\\"", "\"").replace("\\'", "'")
    }
}

async fn events(
    response: Response,
    assemble: &mut dyn Assemble,
    hear: &(dyn Fn(Heard<'_>) + Send + Sync),
) -> Result<(), Trouble> {
    let mut read = 0;
    let broken = OnceLock::new();
    let bytes = response.bytes_stream().map(|chunk| {
        let chunk = chunk.map_err(|error| {
            let _ = broken.set(trouble_of(&error));
            io::Error::other(error)
        })?;
        read += chunk.len();
        if read > LARGEST {
            return Err(io::Error::other(format!("the turn has more than {LARGEST} bytes")));
        }
        Ok(chunk)
    });
    // The last event counts without an empty line behind it, too, if it is whole.
    let is_over = AtomicBool::new(false);
    let end = stream::once(async {
        is_over.store(true, Ordering::Relaxed);
        Ok("\n\n".into())
    });
    let mut events = std::pin::pin!(SseByteStream::new(bytes.chain(end)));
    loop {
        let event = match events.next().await {
            None => return Ok(()),
            Some(Err(error)) => {
                let broke = || Trouble::again(format!("the stream broke: {error}"));
                return Err(broken.get().cloned().unwrap_or_else(broke));
            }
            Some(Ok(event)) => event,
        };
        let data = event.data.unwrap_or_default();
        if data.is_empty() {
            continue;
        }
        if data.trim() == "[DONE]" {
            return Ok(());
        }
        let data = serde_json::from_str(&data).map_err(|error| match is_over.load(Ordering::Relaxed) {
            true => Trouble::again("the stream ended within an event"),
            false => Trouble::Wrong(format!("an event is no JSON: {error}")),
        })?;
        assemble.event(&data, hear)?;
    }
}

/// What a server says that answers with an error.
async fn refusal(response: Response) -> Trouble {
    let status = response.status().as_u16();
    let asked = asked_pause(|name| Some(response.headers().get(name)?.to_str().ok()?.to_owned()));
    let body = limited(response, REFUSAL).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body).into_owned();
    let said = serde_json::from_str::<Value>(&text).ok();
    let message = said.as_ref().and_then(|said| {
        let error = &said["error"];
        error["message"].as_str().or_else(|| error.as_str()).or_else(|| said["message"].as_str())
    });
    let message = message.map_or_else(|| text.trim().to_owned(), str::to_owned);
    let code = said.as_ref().map_or("", |said| {
        let error = &said["error"];
        error["code"].as_str().or_else(|| error["type"].as_str()).unwrap_or_default()
    });
    if may_pass(status) && !HOPELESS.contains(&code) {
        Trouble::Again { status: Some(status), message: format!("HTTP {status}: {message}"), asked }
    } else {
        Trouble::Refused { status, message }
    }
}

async fn limited(mut response: Response, limit: usize) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| trouble_of(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(Trouble::Wrong(format!("more than {limit} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an error means. A silence is not asked for again: it has taken its time, and may be billed.
fn trouble_of(error: &reqwest::Error) -> Trouble {
    if error.is_builder() {
        Trouble::Wrong(chain(error))
    } else if error.is_timeout() && !error.is_connect() {
        Trouble::Wrong("it has sent nothing for too long".to_owned())
    } else {
        trouble_by(chain(error))
    }
}

/// A name that nobody has and a certificate that is not good do not get better by asking again.
fn trouble_by(message: String) -> Trouble {
    let is_nowhere = message.contains("dns error") && !message.contains("Temporary failure");
    if is_nowhere || message.contains("invalid peer certificate") {
        Trouble::Wrong(message)
    } else {
        Trouble::again(message)
    }
}

/// An error with everything that caused it, without the URL.
fn chain(error: &reqwest::Error) -> String {
    let text = match error {
        error if error.is_connect() => "it cannot be reached",
        error if error.is_timeout() => "it took too long",
        _ => "the request failed",
    };
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(text.to_owned(), |text, cause| format!("{text}: {cause}"))
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
    fn what_asking_again_does_not_mend_is_not_asked_for_again() {
        for (message, again) in [
            (
                "it cannot be reached: client error (Connect): dns error: failed to lookup address information: Name or service not known",
                false,
            ),
            (
                "it cannot be reached: client error (Connect): dns error: failed to lookup address information: Temporary failure in name resolution",
                true,
            ),
            ("it cannot be reached: client error (Connect): invalid peer certificate: UnknownIssuer", false),
            ("it cannot be reached: client error (Connect): tcp connect error: Connection refused", true),
            ("the request failed: connection closed before message completed", true),
        ] {
            let is_again = matches!(trouble_by(message.to_owned()), Trouble::Again { .. });
            assert_eq!(is_again, again, "{message}");
        }
    }
}
