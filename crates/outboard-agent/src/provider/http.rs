//! Asks an API for a turn: sends one request, reads its events as they come, and tries again what may pass another time.
//! It knows neither dialect; an [`Assemble`] makes a turn of events. Redirects are not followed: a key would go along.

use std::{
    error::Error,
    io,
    sync::{
        Arc, Mutex, Once, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};
use reqwest::{
    Client, Response,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};
use serde_json::Value;
use sse_stream::SseByteStream;

use super::{
    Heard, ProviderFailure, Said, StopReason,
    endpoint::{Endpoint, Key, Sieve},
    retry::{Patience, any_share, asked_pause, may_pass},
};
use crate::usage::Usage;

const CONNECT: Duration = Duration::from_secs(30);
/// Between two looks for a name.
const ONCE_MORE: Duration = Duration::from_secs(2);
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
    /// It cannot be reached, and another time neither.
    Nowhere(String),
    /// What came makes no sense.
    Wrong(String),
}

impl Trouble {
    pub(crate) fn again(message: impl Into<String>) -> Self {
        Self::Again { status: None, message: message.into(), asked: None }
    }
}

/// Nobody has this name, by the second look too: the system does not tell a name that nobody has from a look that failed.
#[derive(Debug, thiserror::Error)]
#[error("the name `{name}` is not known: {source}")]
struct NoName {
    name: String,
    source: io::Error,
}

/// Looks names up as the system does, so that what fails then is known for what it is.
struct Names;

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let look = async || tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = match look().await {
                Ok(found) => Ok(found.collect::<Vec<_>>()),
                Err(_) => {
                    tokio::time::sleep(ONCE_MORE).await;
                    look().await.map(Iterator::collect)
                }
            };
            match found {
                Ok(found) => Ok(Box::new(found.into_iter()) as Addrs),
                Err(source) => Err(Box::new(NoName { name: name.as_str().to_owned(), source }) as _),
            }
        })
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
            .dns_resolver(Arc::new(Names))
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
                Trouble::Nowhere(message) => {
                    return Err(ProviderFailure::Unreachable { host, message: self.shown(&message) });
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
            let sieve = Mutex::new(Sieve::new(self.key.as_ref()));
            let through = |heard: Heard<'_>| match heard {
                Heard::Words(words) => {
                    let words = sieve.lock().unwrap_or_else(PoisonError::into_inner).pass(words);
                    if !words.is_empty() {
                        hear(Heard::Words(&words));
                    }
                }
                other => hear(other),
            };
            let read = events(response, &mut *assemble, &through).await;
            let rest = sieve.into_inner().unwrap_or_else(PoisonError::into_inner).rest();
            if !rest.is_empty() {
                hear(Heard::Words(&rest));
            }
            let used = assemble.used();
            let said = match read {
                Ok(()) => assemble.said(),
                Err(trouble) => Err(trouble),
            };
            if said.is_err() {
                *given_up += used;
            }
            return said.map(|said| self.harmless(said));
        }
        let body = limited(response, LARGEST).await?;
        let body = serde_json::from_slice(&body)
            .map_err(|error| Trouble::Wrong(format!("neither events nor JSON: {error}")))?;
        let whole = assemble.whole(&body);
        let used = assemble.used();
        let said = match whole {
            Ok(()) => assemble.said(),
            Err(trouble) => Err(trouble),
        };
        if said.is_err() {
            *given_up += used;
            hear(Heard::Uses(used));
        }
        said.map(|said| self.harmless(said))
    }

    /// A turn without the key in it: an API, or whatever stands before it, may give back what it was sent.
    fn harmless(&self, mut said: Said) -> Said {
        let Some(key) = &self.key else { return said };
        key.take_out_of_text(&mut said.turn.text);
        for call in &mut said.turn.calls {
            key.take_out_of_text(&mut call.id);
            key.take_out_of_text(&mut call.name);
            key.take_out_of(&mut call.input);
        }
        said.turn.verbatim.iter_mut().for_each(|verbatim| key.take_out_of(verbatim));
        if let StopReason::Other(reason) = &mut said.stop {
            key.take_out_of_text(reason);
        }
        said
    }

    /// A text without the key.
    pub(crate) fn without_key(&self, mut text: String) -> String {
        self.key.iter().for_each(|key| key.take_out_of_text(&mut text));
        text
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
    let mut told = Usage::default();
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
        let used = assemble.used();
        if used != told {
            told = used;
            hear(Heard::Uses(used));
        }
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
    } else if let Some(why) = hopeless(error) {
        Trouble::Nowhere(why)
    } else {
        Trouble::again(chain(error))
    }
}

/// Why asking again does not help, if it does not: a name that nobody has, or a server whom TLS does not believe.
fn hopeless(error: &(dyn Error + 'static)) -> Option<String> {
    match error.downcast_ref::<rustls::Error>() {
        Some(rustls::Error::AlertReceived(_)) | None => {}
        Some(tls) => return Some(tls.to_string()),
    }
    if let Some(nobody) = error.downcast_ref::<NoName>() {
        return Some(nobody.to_string());
    }
    // What is within an error of the system's is no cause of it: it is shown by no other way.
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(within) => hopeless(within),
        None => error.source().and_then(hopeless),
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
        #[derive(Debug, thiserror::Error)]
        #[error("it cannot be reached")]
        struct Outer(#[source] Box<dyn Error + Send + Sync>);
        let outer = |inner: Box<dyn Error + Send + Sync>| Outer(Box::new(Outer(inner)));
        // As it comes: an error of the system's within another one.
        let tls = |error: rustls::Error| {
            let inner = io::Error::new(io::ErrorKind::InvalidData, error);
            outer(Box::new(io::Error::new(io::ErrorKind::InvalidData, inner)))
        };
        let nobody = NoName { name: "a.invalid".into(), source: io::Error::other("no") };
        for (error, is_hopeless) in [
            (outer(Box::new(nobody)), true),
            (tls(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)), true),
            (tls(rustls::Error::AlertReceived(rustls::AlertDescription::InternalError)), false),
            (outer(Box::new(io::Error::from(io::ErrorKind::ConnectionRefused))), false),
            (outer(Box::new(io::Error::other("invalid peer certificate"))), false),
        ] {
            assert_eq!(hopeless(&error).is_some(), is_hopeless, "{error:?}");
        }
    }
}
