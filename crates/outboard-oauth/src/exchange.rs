//! What is posted to a token endpoint, and what its answer means. Nothing is sent here; neither forms nor tokens can be
//! printed.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::Deserialize;
use serde_json::Value;
use url::form_urlencoded::{Serializer, byte_serialize};

use crate::attempt::{Attempt, Code, shown};

/// Characters of a token. A header has to hold it.
const LONGEST: usize = 16 << 10;

/// This program, as the authorisation server knows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret, if the server gave it one. What stands on a person's machine is none: PKCE protects the code.
    pub secret: Option<String>,
}

/// A form for a token endpoint, of type `application/x-www-form-urlencoded`.
#[derive(Clone)]
pub struct Form {
    /// Its body.
    pub body: String,
    /// The value of the header `Authorization`, if the client has a secret.
    pub authorization: Option<String>,
}

/// What a token endpoint gives.
#[derive(Clone, PartialEq, Eq)]
pub struct Tokens {
    /// A bearer token.
    pub access: String,
    /// What a new one can be had for.
    pub refresh: Option<String>,
    /// Seconds that it lasts, if that is said.
    pub expires_in: Option<u64>,
    /// What it allows, if that differs from what was asked for.
    pub scope: Option<String>,
}

/// A token endpoint's no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// What was presented, a code or a refresh token, holds no longer.
    #[error("{0}")]
    Over(String),
    /// Something else, which may be different later.
    #[error("{0}")]
    Other(String),
}

impl Form {
    /// Exchanges a code (RFC 6749, 4.1.3; RFC 7636, 4.5).
    pub fn of_code(client: &Client, attempt: &Attempt, code: &Code) -> Self {
        Self::new(
            client,
            &[
                ("grant_type", "authorization_code"),
                ("code", &code.0),
                ("redirect_uri", attempt.redirect().as_str()),
                ("code_verifier", attempt.verifier()),
            ],
        )
    }

    /// Asks for a new access token (RFC 6749, 6).
    pub fn of_refresh(client: &Client, refresh: &str) -> Self {
        Self::new(client, &[("grant_type", "refresh_token"), ("refresh_token", refresh)])
    }

    fn new(client: &Client, fields: &[(&str, &str)]) -> Self {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(fields);
        let authorization = match &client.secret {
            // RFC 6749, 2.3.1: both are encoded as in a form before they are joined.
            Some(secret) => {
                let coded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", coded(&client.id), coded(secret));
                Some(format!("Basic {}", BASE64_STANDARD.encode(pair)))
            }
            None => {
                body.append_pair("client_id", &client.id);
                None
            }
        };
        Self { body: body.finish(), authorization }
    }
}

/// What the answer of a token endpoint means.
///
/// # Errors
/// When it is a refusal, or no answer of a token endpoint. None of `secrets` is repeated.
pub fn answer(status: u16, body: &[u8], secrets: &[&str]) -> Result<Tokens, Refused> {
    // Some servers refuse with 200, so the body is looked at first.
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |key: &str| said.get(key).and_then(Value::as_str);
    let without = |text: &str| {
        let clean = secrets.iter().filter(|secret| !secret.is_empty());
        shown(&clean.fold(text.to_owned(), |text, secret| text.replace(secret, "***")))
    };
    if let Some(error) = text("error") {
        let words = text("error_description").map_or(String::new(), |words| format!(": {}", without(words)));
        let told = format!("HTTP {status}: {}{words}", without(error));
        return Err(match error {
            "invalid_grant" => Refused::Over(told),
            _ => Refused::Other(told),
        });
    }
    if !(200..300).contains(&status) {
        return Err(Refused::Other(format!("HTTP {status}")));
    }
    let other = |what: &str| Refused::Other(what.to_owned());
    let answer: Answer =
        serde_json::from_value(said).map_err(|_| other("the answer has no `access_token`"))?;
    if answer.token_type.as_deref().is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(other("the token is no bearer token, and no other kind is known here"));
    }
    let fits = |token: &str| {
        (1..=LONGEST).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !fits(&answer.access_token) || answer.refresh_token.as_deref().is_some_and(|token| !fits(token)) {
        return Err(other("the token has characters that no header may have, or too many"));
    }
    Ok(Tokens {
        expires_in: answer.expires_in.as_ref().and_then(whole_seconds),
        access: answer.access_token,
        refresh: answer.refresh_token,
        scope: answer.scope,
    })
}

#[derive(Deserialize)]
struct Answer {
    access_token: String,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    refresh_token: Option<String>,
    #[serde(default)]
    expires_in: Option<Value>,
    #[serde(default)]
    scope: Option<String>,
}

/// Some servers write the number as a text.
fn whole_seconds(value: &Value) -> Option<u64> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.parse().ok())?;
    // More than a year means nothing.
    (seconds >= 0.0).then(|| seconds.min(31_536_000.0) as u64)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("id", &self.id).finish_non_exhaustive()
    }
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(…)")
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_in", &self.expires_in).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::{Endpoint, Expected};

    #[test]
    fn a_client_without_a_secret_says_who_it_is_and_one_with_a_secret_proves_it() {
        let endpoint = Endpoint::new(Url::parse("https://auth.example").unwrap()).unwrap();
        let redirect = Url::parse("http://127.0.0.1:7/callback").unwrap();
        let attempt = Attempt::new(endpoint, redirect, Expected::Origin);
        let public = Client { id: "a b".to_owned(), secret: None };
        let form = Form::of_code(&public, &attempt, &Code("c&d".to_owned()));
        let expected = format!(
            "grant_type=authorization_code&code=c%26d&redirect_uri=http%3A%2F%2F127.0.0.1%3A7%2Fcallback&code_verifier={}\
             &client_id=a+b",
            attempt.verifier()
        );
        assert_eq!((form.body, form.authorization), (expected, None));
        let secret = Client { secret: Some("p:w".to_owned()), ..public };
        let form = Form::of_refresh(&secret, "r+t");
        assert_eq!(form.body, "grant_type=refresh_token&refresh_token=r%2Bt");
        // a+b:p%3Aw
        assert_eq!(form.authorization.as_deref(), Some("Basic YStiOnAlM0F3"));
        assert!(!format!("{secret:?}").contains("p:w"));
    }

    #[test]
    fn an_answer_is_tokens_or_a_refusal_that_repeats_no_secret() {
        let tokens = |access: &str, refresh: Option<&str>, expires_in| {
            Ok(Tokens {
                access: access.to_owned(),
                refresh: refresh.map(str::to_owned),
                expires_in,
                scope: None,
            })
        };
        let other = |told: &str| Err(Refused::Other(told.to_owned()));
        for (status, body, expected) in [
            (
                200,
                r#"{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r"}"#,
                tokens("a", Some("r"), Some(3600)),
            ),
            (
                200,
                r#"{"access_token":"a","token_type":"bearer","expires_in":"60"}"#,
                tokens("a", None, Some(60)),
            ),
            (200, r#"{"access_token":"a","expires_in":-5}"#, tokens("a", None, None)),
            (200, r#"{"access_token":"a","expires_in":1e300}"#, tokens("a", None, Some(31_536_000))),
            (400, r#"{"error":"invalid_grant"}"#, Err(Refused::Over("HTTP 400: invalid_grant".to_owned()))),
            (200, r#"{"error":"bad_verification_code"}"#, other("HTTP 200: bad_verification_code")),
            (
                401,
                r#"{"error":"invalid_client","error_description":"s3cret is wrong\u001b"}"#,
                other("HTTP 401: invalid_client: *** is wrong\\u{1b}"),
            ),
            (502, "<html>", other("HTTP 502")),
            (200, "<html>", other("the answer has no `access_token`")),
            (200, "[]", other("the answer has no `access_token`")),
            (200, r#"{"access_token":7}"#, other("the answer has no `access_token`")),
            (
                200,
                r#"{"access_token":"a","token_type":"DPoP"}"#,
                other("the token is no bearer token, and no other kind is known here"),
            ),
            (
                200,
                r#"{"access_token":"a\r\nX: y"}"#,
                other("the token has characters that no header may have, or too many"),
            ),
            (
                200,
                r#"{"access_token":""}"#,
                other("the token has characters that no header may have, or too many"),
            ),
            (
                200,
                r#"{"access_token":"a","refresh_token":"b c"}"#,
                other("the token has characters that no header may have, or too many"),
            ),
        ] {
            assert_eq!(answer(status, body.as_bytes(), &["s3cret", ""]), expected, "{body}");
        }
    }
}
