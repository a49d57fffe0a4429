//! Access tokens for a client's own credentials (RFC 6749, 4.4). Asked for once, kept in memory until shortly before they
//! end. Where they are asked for is a person's word, or the API's own address; never the document's alone.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use crate::{
    document::shown,
    http::{Http, Outgoing},
    request::{Unsendable, pair},
    spec::{Credential, Reach},
};

/// Before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(30);
/// A token of which nothing else is said is used so long.
const UNSAID: Duration = Duration::from_secs(300);
/// Bytes of an answer with a token.
const LARGEST: usize = 1 << 20;

#[derive(Debug, Default)]
pub(super) struct Tokens {
    known: Mutex<HashMap<String, Token>>,
    asking: tokio::sync::Mutex<()>,
}

struct Token {
    text: String,
    until: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("until", &self.until).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<f64>,
}

/// Where tokens are asked for.
pub(super) fn address(reach: &Reach, own: Option<&Url>, documents: Option<&str>) -> Result<Url, String> {
    if let Some(own) = own {
        return Ok(own.clone());
    }
    let base = reach.base.as_ref().ok_or("`baseUrl` is missing")?;
    let Some(said) = documents else {
        return Err("`tokenUrl` is missing, and the document does not name one".to_owned());
    };
    let url =
        base.join(said).map_err(|error| format!("the document's `{}` is no URL: {error}", shown(said)))?;
    match reach.confirms(&url) {
        true => Ok(url),
        false => Err(format!(
            "the document asks for tokens at {}, which nobody has confirmed: if that is right, add \"tokenUrl\": \"{}\"",
            shown(&url.origin().ascii_serialization()),
            shown(url.as_str())
        )),
    }
}

impl Tokens {
    pub(super) async fn get(
        &self,
        name: &str,
        credential: &Credential,
        reach: &Reach,
        documents: Option<&str>,
        http: &Http,
    ) -> Result<String, Unsendable> {
        if let Some(token) = self.usable(name) {
            return Ok(token);
        }
        // Several calls that begin together ask once.
        let _turn = self.asking.lock().await;
        if let Some(token) = self.usable(name) {
            return Ok(token);
        }
        let failed = |what: String| Unsendable(format!("no token was given for `auth.{name}`: {what}"));
        let Credential::Client { id, secret, scopes, token_url } = credential else {
            return Err(failed("it is no client".to_owned()));
        };
        let url = address(reach, token_url.as_ref(), documents).map_err(failed)?;
        let answer = ask(&url, id, secret, scopes, http).await.map_err(failed)?;
        let lasts =
            answer.expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or(UNSAID);
        let until = Instant::now() + lasts.saturating_sub(MARGIN).min(Duration::from_secs(86_400));
        let token = answer.access_token;
        self.lock().insert(name.to_owned(), Token { text: token.clone(), until });
        Ok(token)
    }

    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        self.lock().values().map(|token| token.text.clone()).collect()
    }

    fn usable(&self, name: &str) -> Option<String> {
        self.lock().get(name).filter(|token| token.until > Instant::now()).map(|token| token.text.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Token>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn ask(url: &Url, id: &str, secret: &str, scopes: &[String], http: &Http) -> Result<Answer, String> {
    let mut body = vec![pair("grant_type", "client_credentials")];
    if !scopes.is_empty() {
        body.push(pair("scope", &scopes.join(" ")));
    }
    // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
    let coded = format!("{}:{}", crate::request::value(id), crate::request::value(secret));
    let coded = BASE64_STANDARD.encode(coded);
    let mut basic =
        HeaderValue::from_str(&format!("Basic {coded}")).map_err(|_| "its id or secret cannot be sent")?;
    basic.set_sensitive(true);
    let outgoing = Outgoing {
        method: reqwest::Method::POST,
        url: url.clone(),
        headers: vec![
            (AUTHORIZATION, basic),
            (ACCEPT, HeaderValue::from_static("application/json")),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ],
        body: Some(body.join("&").into()),
    };
    let response = http.send_once(&outgoing).await.map_err(|failure| failure.to_string())?;
    let status = response.status();
    let bytes = crate::http::whole(response, LARGEST).await.map_err(|failure| failure.to_string())?;
    if !status.is_success() {
        // What is wrong is said there; it never repeats the secret.
        let said = String::from_utf8_lossy(&bytes).replace(secret, "***").replace(&coded, "***");
        return Err(format!("HTTP {status}: {}", shown(&said)));
    }
    serde_json::from_slice(&bytes).map_err(|_| "the answer has no `access_token`".to_owned())
}
