//! HTTP as far as an untrusted document and an untrusted server may drive it: which addresses are reached, which redirects
//! are followed and with what, how long is waited when a server says so, and how much is read.

mod address;
mod pause;

use std::{error::Error, sync::Once, time::Duration};

use bytes::Bytes;
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{HeaderName, HeaderValue, LOCATION},
    redirect::Policy,
};
use url::Url;

pub(crate) use address::host_is_private;
pub(crate) use pause::{Pauses, asked_pause};

const CONNECT: Duration = Duration::from_secs(30);
/// Redirects that are followed for one request.
pub(crate) const REDIRECTS: usize = 5;
/// Pauses that one call makes because a server asks for them.
const PAUSES: u32 = 3;
/// The longest such pause. What asks for more is told to the script at once.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The ways to servers.
#[derive(Debug)]
pub(crate) struct Http {
    /// To addresses that a person has written down, wherever they are.
    written: Client,
    /// To all others: never to private addresses, unless that was configured.
    open: Client,
    confirmed: Vec<Url>,
    private: bool,
    pauses: Pauses,
}

/// A request as it is sent.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Cheap to clone: a redirect sends it again.
    pub(crate) body: Option<Bytes>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpFailure {
    /// Nothing was sent.
    #[error("{0}")]
    Unsent(String),
    /// It was sent, and what came of it is not known.
    #[error("{0}")]
    Lost(String),
}

impl Http {
    /// Ways to these addresses and from there.
    pub(crate) fn new(confirmed: Vec<Url>, private: bool) -> Result<Self, String> {
        provide_cryptography();
        let client = |resolver: Option<address::Public>| {
            let mut builder = Client::builder()
                .connect_timeout(CONNECT)
                .redirect(Policy::none())
                .user_agent(concat!("outboard/", env!("CARGO_PKG_VERSION")));
            if confirmed.iter().any(host_is_private) {
                // A proxy cannot reach our loopback.
                builder = builder.no_proxy();
            }
            if let Some(resolver) = resolver {
                builder = builder.dns_resolver(std::sync::Arc::new(resolver));
            }
            builder.build().map_err(|error| chain(&error))
        };
        let names = confirmed.iter().filter(|url| host_is_private(url)).filter_map(Url::host_str);
        let names = names.map(str::to_owned).collect();
        Ok(Self {
            written: client((!private).then(|| address::Public::but(names)))?,
            open: client((!private).then(address::Public::default))?,
            confirmed,
            private,
            pauses: Pauses::default(),
        })
    }

    /// Sends a request to a confirmed address and follows where that leads. `own` are headers that go to confirmed
    /// addresses only. Waits when the server asks for it; repeats only what is safe to repeat.
    pub(crate) async fn send(
        &self,
        outgoing: Outgoing,
        own: &[HeaderName],
        repeatable: bool,
    ) -> Result<Response, HttpFailure> {
        let origin = outgoing.url.origin();
        let mut tries = 0;
        loop {
            self.pauses.wait(&origin).await;
            let response = self.follow(&outgoing, own).await?;
            let asked = asked_pause(response.status(), response.headers());
            if let Some(pause) = asked.filter(|pause| *pause <= LONGEST_PAUSE) {
                self.pauses.ask(&origin, pause);
            }
            tries += 1;
            let again = repeatable
                && tries <= PAUSES
                && is_busy(&response)
                && asked.is_some_and(|pause| pause <= LONGEST_PAUSE);
            if !again {
                return Ok(response);
            }
            tracing::info!(status = %response.status(), pause = ?asked, "the server asks for a pause");
        }
    }

    /// Sends a request and follows redirects of a kind that repeats no effect. Whatever fails once a request that changes
    /// something has been answered, that request was sent.
    async fn follow(&self, outgoing: &Outgoing, own: &[HeaderName]) -> Result<Response, HttpFailure> {
        let (mut method, mut url) = (outgoing.method.clone(), outgoing.url.clone());
        let (mut headers, mut body) = (outgoing.headers.clone(), outgoing.body.clone());
        let changes = !outgoing.method.is_safe();
        let unfollowed =
            |what: String| if changes { HttpFailure::Lost(what) } else { HttpFailure::Unsent(what) };
        for hop in 0..=REDIRECTS {
            let next = Outgoing {
                method: method.clone(),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
            };
            let sent = self.send_once(&next).await;
            let response = sent.map_err(|failure| match failure {
                HttpFailure::Unsent(what) if hop > 0 => unfollowed(what),
                failure => failure,
            })?;
            let Some(to) = target(&response, &url) else { return Ok(response) };
            let refused = |what: &str| unfollowed(format!("it redirects to {}, {what}", shown_address(&to)));
            let keeps =
                matches!(response.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
            let same = to.origin() == url.origin();
            if !method.is_safe() && keeps && !same {
                return Err(refused(
                    "and what is to be changed is not sent elsewhere: configure that address if it is right",
                ));
            }
            if url.scheme() == "https" && to.scheme() != "https" {
                return Err(refused("which is not encrypted, and is not followed"));
            }
            if !method.is_safe() && !keeps {
                (method, body) = (Method::GET, None);
                headers.retain(|(name, _)| !name.as_str().starts_with("content-"));
            }
            if !same {
                // Only what a stranger may see goes to a stranger.
                headers.retain(|(name, _)| !own.contains(name) && *name == reqwest::header::ACCEPT);
            }
            url = to;
        }
        Err(unfollowed(format!("it redirects more than {REDIRECTS} times")))
    }

    /// Sends a request and follows nothing.
    pub(crate) async fn send_once(&self, outgoing: &Outgoing) -> Result<Response, HttpFailure> {
        let is_written = self.confirmed.iter().any(|url| url.origin() == outgoing.url.origin());
        if !is_written && !self.private && host_is_private(&outgoing.url) {
            return Err(HttpFailure::Unsent(address::refusal(outgoing.url.host_str().unwrap_or_default())));
        }
        let client = if is_written { &self.written } else { &self.open };
        let mut request = client.request(outgoing.method.clone(), outgoing.url.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &outgoing.body {
            request = request.body(body.clone());
        }
        request.send().await.map_err(|error| {
            let reason = chain(&error);
            match error.is_connect() || error.is_builder() {
                true => HttpFailure::Unsent(reason),
                false => HttpFailure::Lost(reason),
            }
        })
    }
}

/// Whether a server says that it did not do it because there is too much to do.
fn is_busy(response: &Response) -> bool {
    let out_of = |name: &str| response.headers().get(name).is_some_and(|left| left == "0");
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
        StatusCode::FORBIDDEN => out_of("x-ratelimit-remaining"),
        _ => false,
    }
}

/// Where a response redirects to, if it does.
pub(crate) fn target(response: &Response, from: &Url) -> Option<Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let to = from.join(response.headers().get(LOCATION)?.to_str().ok()?).ok()?;
    let mut to = Some(to).filter(|to| matches!(to.scheme(), "http" | "https"))?;
    // A name and password of a stranger's choosing are not sent.
    let _ = to.set_username("");
    let _ = to.set_password(None);
    to.set_fragment(None);
    Some(to)
}

/// An address without what may be secret in it.
pub(crate) fn shown_address(url: &Url) -> String {
    crate::document::shown(&format!("{}{}", url.origin().ascii_serialization(), url.path()))
}

/// The whole of a body, unless it is longer than `limit`.
pub(crate) async fn whole(mut response: Response, limit: usize) -> Result<Vec<u8>, HttpFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| HttpFailure::Lost(chain(&error)))? {
        if body.len() + chunk.len() > limit {
            return Err(HttpFailure::Lost(format!(
                "the response has more than {limit} bytes (setting `limits.toolResultBytes`)"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with everything that caused it, without the URL, which may carry a secret.
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
