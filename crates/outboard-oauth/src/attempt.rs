//! One try to sign in: where the browser is sent, and whether what comes back belongs to it. The verifier of PKCE and the
//! state are random, used once, and shown to nobody.

use std::fmt;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use url::{Url, form_urlencoded};

use crate::Endpoint;

/// Bytes of randomness in the state and in the verifier; RFC 7636, 7.1 asks for as much.
const RANDOM: usize = 32;
/// Characters of a server's words that are shown.
const SHOWN: usize = 200;

/// A try to sign in that is under way.
pub struct Attempt {
    endpoint: Endpoint,
    verifier: String,
    state: String,
    redirect: Url,
    expected: Expected,
}

/// Who has to have answered, where an answer says who it is from (RFC 9207).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this issuer.
    Issuer(String),
    /// Somebody at the origin that the browser was sent to: no issuer is known.
    Origin,
}

/// What the browser brought back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing of this attempt: it came from elsewhere, and does not end it.
    Stray(&'static str),
    /// The server's no, in its own words, escaped and shortened.
    Refused(String),
    /// The server's yes.
    Code(Code),
}

/// What is exchanged for tokens, once.
#[derive(PartialEq, Eq)]
pub struct Code(pub(crate) String);

impl Attempt {
    /// An attempt whose answer goes to `redirect`.
    ///
    /// # Panics
    /// If the operating system gives no random bytes.
    pub fn new(endpoint: Endpoint, redirect: Url, expected: Expected) -> Self {
        Self { endpoint, verifier: random(), state: random(), redirect, expected }
    }

    /// Where the browser is sent. What the endpoint's own query says stays in it (RFC 6749, 3.1), except where it would
    /// say something else than this.
    pub fn url(&self, client: &str, scopes: &[String]) -> Url {
        let mut own = vec![
            ("response_type", "code".to_owned()),
            ("client_id", client.to_owned()),
            ("redirect_uri", self.redirect.to_string()),
            ("state", self.state.clone()),
            ("code_challenge", challenge(&self.verifier)),
            ("code_challenge_method", "S256".to_owned()),
        ];
        if !scopes.is_empty() {
            own.push(("scope", scopes.join(" ")));
        }
        let mut url = self.endpoint.url().clone();
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| !own.iter().any(|(ours, _)| ours == name) && name != "response_mode")
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        url.query_pairs_mut().clear().extend_pairs(kept).extend_pairs(own);
        url
    }

    /// Judges the query of the redirect.
    pub(crate) fn judge(&self, query: &str) -> Verdict {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let one = Fields(&pairs);
        let (state, code, error, issuer) =
            (one.field("state"), one.field("code"), one.field("error"), one.field("iss"));
        let (Ok(state), Ok(code), Ok(error), Ok(issuer)) = (state, code, error, issuer) else {
            return Verdict::Stray("it says something twice");
        };
        if state != Some(self.state.as_str()) {
            return Verdict::Stray("its state is not the one that was sent");
        }
        if let Some(issuer) = issuer
            && !self.expects(issuer)
        {
            return Verdict::Refused(format!(
                "the answer is from {}, and the person was sent to {}: if both are one server, the entry can say \
                 \"issuer\": \"{0}\"",
                shown(issuer),
                self.endpoint.origin()
            ));
        }
        match (error, code) {
            (Some(error), _) => {
                let said = one.field("error_description").ok().flatten().unwrap_or_default();
                let between = if said.is_empty() { "" } else { ": " };
                Verdict::Refused(format!("{}{between}{}", shown(error), shown(said)))
            }
            (None, Some(code)) if !code.is_empty() => Verdict::Code(Code(code.to_owned())),
            (None, _) => Verdict::Stray("it has neither `code` nor `error`"),
        }
    }

    fn expects(&self, issuer: &str) -> bool {
        match &self.expected {
            Expected::Issuer(expected) => issuer == expected,
            Expected::Origin => {
                Url::parse(issuer).is_ok_and(|issuer| issuer.origin() == self.endpoint.url().origin())
            }
        }
    }

    pub(crate) fn verifier(&self) -> &str {
        &self.verifier
    }

    pub(crate) fn redirect(&self) -> &Url {
        &self.redirect
    }
}

/// The fields of a form, none of which may stand there twice (RFC 6749, 3.1).
struct Fields<'a>(&'a [(String, String)]);

impl<'a> Fields<'a> {
    fn field(&self, name: &str) -> Result<Option<&'a str>, ()> {
        let mut all = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(()),
            (first, None) => Ok(first),
        }
    }
}

/// RFC 7636, 4.2.
fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()))
}

fn random() -> String {
    let mut bytes = [0; RANDOM];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A stranger's words, fit for a terminal.
pub(crate) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(SHOWN).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{}{more}", cut.escape_debug())
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(endpoint: &str, expected: Expected) -> Attempt {
        let endpoint = Endpoint::new(Url::parse(endpoint).unwrap()).unwrap();
        Attempt::new(endpoint, Url::parse("http://127.0.0.1:7/callback").unwrap(), expected)
    }

    fn fields(url: &Url) -> Vec<(String, String)> {
        url.query_pairs().into_owned().collect()
    }

    #[test]
    fn the_challenge_is_that_of_the_specification() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn the_browser_is_sent_with_all_that_the_server_needs_and_no_secret() {
        let attempt = attempt(
            "https://auth.example/authorize?tenant=a%20b&state=theirs&response_mode=form_post",
            Expected::Origin,
        );
        let url = attempt.url("me & you", &["a".to_owned(), "b:c".to_owned()]);
        let expected = [
            ("tenant", "a b"),
            ("response_type", "code"),
            ("client_id", "me & you"),
            ("redirect_uri", "http://127.0.0.1:7/callback"),
            ("state", &attempt.state),
            ("code_challenge", &challenge(&attempt.verifier)),
            ("code_challenge_method", "S256"),
            ("scope", "a b:c"),
        ];
        let expected: Vec<(String, String)> =
            expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(fields(&url), expected);
        assert!(!url.as_str().contains(&attempt.verifier));
        assert_eq!(attempt.verifier.len(), 43);
        assert!(!format!("{attempt:?}").contains(&attempt.state));
    }

    #[test]
    fn two_attempts_share_nothing() {
        let (one, other) =
            (attempt("https://a.example", Expected::Origin), attempt("https://a.example", Expected::Origin));
        assert!(one.state != other.state && one.verifier != other.verifier && one.state != one.verifier);
    }

    #[test]
    fn only_the_answer_to_this_attempt_ends_it() {
        let named = Expected::Issuer("https://auth.example/tenant".to_owned());
        for (expected, query, verdict) in [
            (Expected::Origin, "state=STATE&code=abc", "code"),
            (Expected::Origin, "code=abc&state=STATE&iss=https%3A%2F%2Fauth.example%2Ftenant", "code"),
            (named.clone(), "code=abc&state=STATE&iss=https%3A%2F%2Fauth.example%2Ftenant", "code"),
            (Expected::Origin, "code=abc", "stray"),
            (Expected::Origin, "code=abc&state=", "stray"),
            (Expected::Origin, "code=abc&state=STATEx", "stray"),
            (Expected::Origin, "code=abc&state=STATE&state=STATE", "stray"),
            (Expected::Origin, "code=abc&code=def&state=STATE", "stray"),
            (Expected::Origin, "error=access_denied", "stray"),
            (Expected::Origin, "state=STATE", "stray"),
            (Expected::Origin, "state=STATE&code=", "stray"),
            (Expected::Origin, "", "stray"),
            (Expected::Origin, "state=STATE&error=access_denied", "access_denied"),
            (
                Expected::Origin,
                "state=STATE&error=access_denied&error_description=no+way%1b%5b2J",
                "access_denied: no way\\u{1b}[2J",
            ),
            (Expected::Origin, "state=STATE&error=x&code=abc", "x"),
            (
                Expected::Origin,
                "state=STATE&code=abc&iss=https%3A%2F%2Fevil.example",
                "the answer is from https://evil.example, and the person was sent to https://auth.example: if both are \
                 one server, the entry can say \"issuer\": \"https://evil.example\"",
            ),
            (
                named,
                "state=STATE&code=abc&iss=https%3A%2F%2Fauth.example",
                "the answer is from https://auth.example, and the person was sent to https://auth.example: if both are \
                 one server, the entry can say \"issuer\": \"https://auth.example\"",
            ),
        ] {
            let attempt = attempt("https://auth.example/authorize", expected);
            let told = match attempt.judge(&query.replace("STATE", &attempt.state)) {
                Verdict::Stray(_) => "stray".to_owned(),
                Verdict::Refused(told) => told,
                Verdict::Code(code) => {
                    assert_eq!(code.0, "abc");
                    "code".to_owned()
                }
            };
            assert_eq!(told, verdict, "{query}");
        }
    }
}
