//! What signing in needs of an API: where a person is sent, by whose word, and the exchange with the token endpoint. A
//! document only proposes addresses: whoever calls this shows them to a person before anybody is sent there.

use std::{collections::BTreeMap, time::Duration};

use outboard_oauth::{Endpoint, Form, Refused, Tokens};
use reqwest::{
    Method,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use url::Url;

use crate::{
    document::{Document, shown},
    http::{Http, Outgoing, whole},
    operation::{self, CodeFlow, Scheme},
    spec::{Credential, Login, Reach},
};

/// Bytes of an answer with tokens.
const LARGEST: usize = 1 << 20;
/// How long a token endpoint is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where a person signs in for one of an API's security schemes.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The scheme, by its name in the document.
    pub scheme: String,
    /// Where the browser goes.
    pub authorization: Endpoint,
    /// Where the code is exchanged for tokens.
    pub token: Endpoint,
    /// Whether one of them is the document's word, which a person has yet to confirm.
    pub unconfirmed: bool,
    /// What the document says may be asked for.
    pub scopes: Vec<String>,
}

/// Why there are no tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExchangeFailure {
    /// The token endpoint refused.
    #[error("{0}")]
    Refused(#[from] Refused),
    /// It could not be asked, or did not answer as one.
    #[error("{0}")]
    Unanswered(String),
}

/// The sign-ins that an entry asks for, each with where it is made, or why it cannot be.
pub fn sign_ins(document: &Document, reach: &Reach) -> BTreeMap<String, Result<SignIn, String>> {
    let schemes = operation::schemes(document);
    let logins = reach.credentials.iter().filter_map(|(name, credential)| match credential {
        Credential::Login(login) => Some((name.clone(), sign_in(name, login, schemes.get(name), reach))),
        Credential::Text(_) | Credential::Client { .. } => None,
    });
    logins.collect()
}

/// The schemes for which the document says where a person signs in.
pub fn offered(document: &Document) -> Vec<String> {
    let schemes = operation::schemes(document).into_iter();
    schemes
        .filter(|(_, scheme)| matches!(scheme, Scheme::Bearer { code: Some(_), .. }))
        .map(|(name, _)| name)
        .collect()
}

fn sign_in(name: &str, login: &Login, scheme: Option<&Scheme>, reach: &Reach) -> Result<SignIn, String> {
    let flow = match scheme {
        Some(Scheme::Bearer { code, .. }) => code.clone().unwrap_or_default(),
        Some(_) => return Err(format!("`auth.{name}`: the document does not have OAuth there")),
        None => return Err(format!("`auth.{name}` is no security scheme of the document")),
    };
    let base = reach.base.as_ref().ok_or("`baseUrl` is missing")?;
    let CodeFlow { authorization_url, token_url, scopes } = flow;
    let place = |key: &str, own: &Option<Endpoint>, said: Option<String>| match (own, said) {
        (Some(own), _) => Ok(own.clone()),
        (None, Some(said)) => {
            let wrong = |what: String| format!("the document's `{}` cannot be used: {what}", shown(&said));
            let url = base.join(&said).map_err(|error| wrong(error.to_string()))?;
            Endpoint::new(url).map_err(|unfit| wrong(unfit.to_string()))
        }
        (None, None) => Err(format!(
            "the document does not say where to sign in for `{name}`: add \"{key}\" to `auth.{name}`"
        )),
    };
    Ok(SignIn {
        scheme: name.to_owned(),
        authorization: place("authorizationUrl", &login.authorization, authorization_url)?,
        token: place("tokenUrl", &login.token, token_url)?,
        unconfirmed: login.authorization.is_none() || login.token.is_none(),
        scopes,
    })
}

/// Posts a form to a token endpoint that a person has confirmed. It is sent once, and no redirect is followed: what it
/// holds is for this server. None of `secrets` is repeated in a failure.
///
/// # Errors
/// When the endpoint refuses, cannot be reached or answers with something else.
pub async fn exchange(
    endpoint: &Endpoint,
    form: &Form,
    private: bool,
    secrets: &[&str],
) -> Result<Tokens, ExchangeFailure> {
    let unanswered = ExchangeFailure::Unanswered;
    let http = Http::new(vec![endpoint.url().clone()], private).map_err(unanswered)?;
    let mut headers = vec![
        (ACCEPT, HeaderValue::from_static("application/json")),
        (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
    ];
    if let Some(authorization) = &form.authorization {
        let mut value = HeaderValue::from_str(authorization)
            .map_err(|_| unanswered("the client's id or secret cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        headers.push((AUTHORIZATION, value));
    }
    let outgoing = Outgoing {
        method: Method::POST,
        url: Url::clone(endpoint.url()),
        headers,
        body: Some(form.body.clone().into()),
    };
    let asked = async {
        let response = http.send_once(&outgoing).await.map_err(|failure| failure.to_string())?;
        let status = response.status();
        if status.is_redirection() {
            return Err(format!("HTTP {status}: it redirects, and tokens are not asked for elsewhere"));
        }
        let body = whole(response, LARGEST).await.map_err(|failure| failure.to_string())?;
        Ok((status.as_u16(), body))
    };
    let (status, body) = tokio::time::timeout(PATIENCE, asked)
        .await
        .map_err(|_| unanswered(format!("no answer within {PATIENCE:?}")))?
        .map_err(unanswered)?;
    // Also as it was sent: a server may echo the header.
    let coded = form.authorization.as_deref().and_then(|value| value.strip_prefix("Basic "));
    let secrets: Vec<&str> = secrets.iter().copied().chain(coded).collect();
    Ok(outboard_oauth::answer(status, &body, &secrets)?)
}
