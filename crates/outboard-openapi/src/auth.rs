//! Credentials: which of those that were configured an operation asks for, and where in its request they go. They go into
//! requests to confirmed addresses only; who calls this has made sure of that.

mod session;
mod token;

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{
    StatusCode,
    header::{AUTHORIZATION, HeaderName, HeaderValue},
};

use crate::{
    document::shown,
    http::Http,
    operation::{Operation, Place, Requirement, Scheme, Schemes},
    request::{Request, Unsendable},
    spec::{Credential, Reach},
};
use session::Sessions;
use token::Tokens;

/// What is known of credentials for one API.
#[derive(Debug)]
pub(crate) struct Auth {
    schemes: Schemes,
    credentials: BTreeMap<String, Credential>,
    tokens: Tokens,
    sessions: Sessions,
}

/// Why the credentials that were configured cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unusable(String);

impl Auth {
    /// Checks what was configured against what the document has.
    pub(crate) fn new(schemes: Schemes, reach: &Reach) -> Result<Self, Unusable> {
        let names: Vec<&str> = schemes.keys().map(String::as_str).collect();
        for (name, credential) in &reach.credentials {
            let fault = match (schemes.get(name), credential) {
                (None, _) if names.is_empty() => {
                    format!("`auth.{name}`: the document has no security schemes; use `headers` instead")
                }
                (None, _) => {
                    format!(
                        "`auth.{name}` is no security scheme of the document; there are: {}",
                        shown(&names.join(", "))
                    )
                }
                (Some(Scheme::Other(kind)), _) => {
                    format!(
                        "`auth.{name}`: the scheme `{}` is not filled in here; use `headers`",
                        shown(kind)
                    )
                }
                (
                    Some(Scheme::ApiKey { .. } | Scheme::Basic),
                    Credential::Client { .. } | Credential::Login(_),
                ) => {
                    format!("`auth.{name}` must be a text: the document does not have OAuth there")
                }
                (Some(Scheme::Basic), Credential::Text(text)) if !text.contains(':') => {
                    format!("`auth.{name}` must be `user:password`")
                }
                (Some(Scheme::Bearer { token_url, .. }), Credential::Client { token_url: own, .. }) => {
                    match token::address(reach, own.as_ref(), token_url.as_deref()) {
                        Ok(_) => continue,
                        Err(fault) => format!("`auth.{name}`: {fault}"),
                    }
                }
                _ => continue,
            };
            return Err(Unusable(fault));
        }
        let (tokens, sessions) = (Tokens::default(), Sessions::default());
        Ok(Self { schemes, credentials: reach.credentials.clone(), tokens, sessions })
    }

    /// The schemes that are used for an operation: the first of its alternatives for which all is configured. `None`, if
    /// it asks for something that is not.
    fn chosen<'a>(&'a self, operation: &'a Operation) -> Option<Vec<&'a str>> {
        match &operation.security {
            // The document says nothing: what a person has configured is meant for it.
            None => Some(self.credentials.keys().next().map(String::as_str).into_iter().collect()),
            Some(alternatives) if alternatives.is_empty() => Some(Vec::new()),
            Some(alternatives) => {
                let complete = |requirement: &&Requirement| {
                    requirement.iter().all(|name| self.credentials.contains_key(name))
                };
                // An empty alternative means that nothing is needed; with something is better, if it is at hand.
                let at_hand = |requirement: &&Requirement| {
                    complete(requirement) && requirement.iter().all(|name| self.is_at_hand(name))
                };
                let with_something =
                    |requirement: &&Requirement| at_hand(requirement) && !requirement.is_empty();
                let all = || alternatives.iter();
                let best = all()
                    .find(with_something)
                    .or_else(|| all().find(at_hand))
                    .or_else(|| all().find(complete));
                best.map(|requirement| requirement.iter().map(String::as_str).collect())
            }
        }
    }

    /// Whether nobody has to sign in first.
    fn is_at_hand(&self, scheme: &str) -> bool {
        match self.credentials.get(scheme) {
            Some(Credential::Login(login)) => session::is_there(login),
            Some(_) => true,
            None => false,
        }
    }

    /// Whether a parameter is a credential that is filled in.
    pub(crate) fn fills(&self, operation: &Operation, place: Place, name: &str) -> bool {
        let chosen = self.chosen(operation).unwrap_or_default();
        chosen.into_iter().filter_map(|scheme| self.schemes.get(scheme)).any(|scheme| match scheme {
            Scheme::ApiKey { place: of, name: key } => *of == place && key.eq_ignore_ascii_case(name),
            _ => false,
        })
    }

    /// Puts the credentials into a request.
    pub(crate) async fn fill(
        &self,
        request: &mut Request,
        operation: &Operation,
        reach: &Reach,
        http: &Http,
    ) -> Result<(), Unsendable> {
        for name in self.chosen(operation).unwrap_or_default() {
            let (Some(scheme), Some(credential)) = (self.schemes.get(name), self.credentials.get(name))
            else {
                continue;
            };
            let text = match (scheme, credential) {
                (_, Credential::Text(text)) => text.clone(),
                (Scheme::Bearer { token_url, .. }, Credential::Client { .. }) => {
                    self.tokens.get(name, credential, reach, token_url.as_deref(), http).await?
                }
                (Scheme::Bearer { .. }, Credential::Login(login)) => {
                    self.sessions.token(login, reach).await?
                }
                (_, Credential::Client { .. } | Credential::Login(_)) => continue,
            };
            self.put(request, name, scheme, &text)?;
        }
        Ok(())
    }

    fn put(&self, request: &mut Request, name: &str, scheme: &Scheme, text: &str) -> Result<(), Unsendable> {
        let value = |text: &str| {
            let mut value = HeaderValue::from_str(text.trim()).map_err(|_| {
                Unsendable(format!("the credential `auth.{name}` has characters that no header may have"))
            })?;
            value.set_sensitive(true);
            Ok(value)
        };
        match scheme {
            Scheme::Basic => {
                request
                    .headers
                    .push((AUTHORIZATION, value(&format!("Basic {}", BASE64_STANDARD.encode(text)))?));
            }
            Scheme::Bearer { .. } => request.headers.push((AUTHORIZATION, value(&format!("Bearer {text}"))?)),
            Scheme::ApiKey { place: Place::Header, name: header } => {
                let header = HeaderName::from_bytes(header.as_bytes()).map_err(|_| {
                    Unsendable(format!("the document's `{}` is no header name", shown(header)))
                })?;
                request.headers.push((header, value(text)?));
            }
            Scheme::ApiKey { place: Place::Cookie, name: cookie } => {
                // What a cookie may hold stays as it is: servers compare it as it comes.
                let plain = text
                    .bytes()
                    .all(|byte| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e));
                let text = if plain { text.to_owned() } else { crate::request::value(text) };
                request.cookies.push(format!("{}={text}", crate::request::value(cookie)));
            }
            Scheme::ApiKey { name: parameter, .. } => {
                let pair = crate::request::pair(parameter, text);
                let query = match request.url.query() {
                    Some(own) if !own.is_empty() => format!("{own}&{pair}"),
                    _ => pair,
                };
                request.url.set_query(Some(&query));
            }
            Scheme::Other(_) => {}
        }
        Ok(())
    }

    /// A token that was refused is not used again. What is only not allowed is so with the next one, too.
    pub(crate) fn refused(&self, status: StatusCode) {
        self.tokens.forget();
        if status == StatusCode::UNAUTHORIZED {
            self.sessions.refused();
        }
    }

    /// Waits until what is asked for in the background has been kept.
    pub(crate) async fn settled(&self) {
        self.sessions.settled().await;
    }

    /// What to do about an answer that says that credentials are missing or wrong.
    pub(crate) fn advice(&self, operation: &Operation, status: StatusCode) -> Option<String> {
        if let Some(chosen) = self.chosen(operation) {
            let login = chosen.into_iter().find_map(|name| match self.credentials.get(name)? {
                Credential::Login(login) => Some(login),
                _ => None,
            })?;
            let name = &login.upstream;
            return Some(match status {
                StatusCode::UNAUTHORIZED => format!(
                    "the token of the sign-in was refused; a later call asks for a new one, and if that goes on, a person \
                     can sign in again: outboard login {name}"
                ),
                _ => format!(
                    "the sign-in may not allow this: a person can sign in again and ask for more: outboard login {name} \
                     --scope …"
                ),
            });
        }
        let names: Vec<&str> = operation.security.iter().flatten().flatten().map(String::as_str).collect();
        let first = names.first()?;
        let how = match self.schemes.get(*first) {
            Some(Scheme::Basic) => "\"${USER}:${PASSWORD}\"",
            Some(Scheme::Bearer { code: Some(_), .. }) => {
                "{ \"flow\": \"authorizationCode\", \"clientId\": … }"
            }
            Some(Scheme::Bearer { flows, .. })
                if flows.iter().any(|flow| flow == "clientCredentials" || flow == "application") =>
            {
                "{ \"clientId\", \"clientSecret\" }"
            }
            _ => "\"${TOKEN}\"",
        };
        Some(format!(
            "its document asks for `{}`: a person can configure \"auth\": {{ \"{0}\": {how} }}",
            shown(first)
        ))
    }

    /// Texts that must not come back to a script.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut secrets = Vec::new();
        for credential in self.credentials.values() {
            match credential {
                Credential::Text(text) => {
                    secrets.push(text.clone());
                    if let Some((_, password)) = text.split_once(':') {
                        secrets.push(password.to_owned());
                        secrets.push(BASE64_STANDARD.encode(text));
                    }
                }
                Credential::Client { secret, .. } => secrets.push(secret.clone()),
                Credential::Login(login) => secrets.extend(login.client.secret.clone()),
            }
        }
        secrets.extend(self.tokens.secrets());
        secrets.extend(self.sessions.secrets());
        secrets
    }
}
