//! Tokens of a sign-in that a person made: read from where they are kept at each call, so that signing in and out counts
//! at once, and renewed when they have ended. A server may take a used refresh token for a theft, so only one of all
//! processes renews at a time, and no renewal is given up once it was sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_oauth::{Endpoint, Form, Refused, Session, seconds_now};
use tokio_util::task::TaskTracker;
use url::Url;

use crate::{
    login::{ExchangeFailure, exchange},
    request::Unsendable,
    spec::{Login, Reach},
};

/// A token that was given less than so many seconds ago and is refused would not be refused for its age.
const YOUNG: u64 = 60;
/// Tokens that are remembered, because an answer may still bring them back.
const REMEMBERED: usize = 16;

#[derive(Default)]
pub(super) struct Sessions {
    shared: Arc<Shared>,
    renewals: TaskTracker,
}

#[derive(Default)]
struct Shared {
    /// Whose turn it is in this process; over all processes it is the store's lock.
    turn: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Those handed out or read last, the latest last.
    tokens: Vec<String>,
    /// The access token that was handed out last.
    latest: Option<(String, u64)>,
    refused: Option<String>,
}

/// Whether somebody has signed in. What cannot be read is told of when it is used.
pub(super) fn is_there(login: &Login) -> bool {
    !matches!(login.store.read(&login.key), Ok(None))
}

impl Sessions {
    /// The access token, renewed if it has to be.
    pub(super) async fn token(&self, login: &Login, reach: &Reach) -> Result<String, Unsendable> {
        let session = login.store.read(&login.key);
        let session = checked(login, reach, session.map_err(|problem| unusable(&problem))?)?;
        if self.shared.is_usable(&session) {
            return Ok(self.shared.hand_out(&session));
        }
        let (shared, login, reach) = (Arc::clone(&self.shared), login.clone(), reach.clone());
        let renewal = self.renewals.spawn(async move { shared.renewed(&login, &reach).await });
        renewal.await.map_err(|error| Unsendable(format!("the renewal of a token broke: {error}")))?
    }

    /// The token that was handed out last was refused.
    pub(super) fn refused(&self) {
        let mut known = self.shared.lock();
        let old = known.latest.take().filter(|(_, given)| given.saturating_add(YOUNG) <= seconds_now());
        if let Some((token, _)) = old {
            known.refused = Some(token);
        }
    }

    /// Waits for renewals that are under way.
    pub(super) async fn settled(&self) {
        self.renewals.close();
        self.renewals.wait().await;
    }

    pub(super) fn secrets(&self) -> Vec<String> {
        self.shared.lock().tokens.clone()
    }
}

impl Shared {
    /// Renews the token, unless another has done it meanwhile.
    async fn renewed(&self, login: &Login, reach: &Reach) -> Result<String, Unsendable> {
        let _turn = self.turn.lock().await;
        let locked = login.store.lock(&login.key).await.map_err(|problem| unusable(&problem))?;
        let mut session = checked(login, reach, locked.read().map_err(|problem| unusable(&problem))?)?;
        if self.is_usable(&session) {
            return Ok(self.hand_out(&session));
        }
        let again = || again(login);
        let Some(refresh) = session.refresh.clone() else {
            return Err(Unsendable(format!("the sign-in has ended, and nothing renews it; {}", again())));
        };
        self.remember(&refresh);
        let unfit = |what: String| Unsendable(format!("the token cannot be renewed: {what}; {}", again()));
        let endpoint = Url::parse(&session.token_endpoint).map_err(|error| unfit(error.to_string()))?;
        let endpoint = Endpoint::new(endpoint).map_err(|what| unfit(what.to_string()))?;
        let form = Form::of_refresh(&login.client, &refresh);
        let secrets: Vec<&str> =
            [Some(refresh.as_str()), login.client.secret.as_deref()].into_iter().flatten().collect();
        match exchange(&endpoint, &form, reach.private, &secrets).await {
            Ok(tokens) => {
                session.take(tokens, seconds_now());
                locked.write(&session).map_err(|problem| unusable(&problem))?;
                tracing::info!(upstream = %login.upstream, "the token of the sign-in was renewed");
                Ok(self.hand_out(&session))
            }
            Err(ExchangeFailure::Refused(Refused::Over(said))) => {
                locked.remove().map_err(|problem| unusable(&problem))?;
                Err(Unsendable(format!(
                    "the sign-in has ended: {} says {said}; {}",
                    endpoint.origin(),
                    again()
                )))
            }
            // It may be there again in a minute; the session stays.
            Err(failure) => Err(Unsendable(format!(
                "the token has ended and could not be renewed at {}: {failure}",
                endpoint.origin()
            ))),
        }
    }

    fn is_usable(&self, session: &Session) -> bool {
        session.is_fresh(seconds_now()) && self.lock().refused.as_ref() != Some(&session.access)
    }

    fn hand_out(&self, session: &Session) -> String {
        for token in session.refresh.iter().chain([&session.access]) {
            self.remember(token);
        }
        self.lock().latest = Some((session.access.clone(), session.given));
        session.access.clone()
    }

    fn remember(&self, token: &str) {
        let mut known = self.lock();
        known.tokens.retain(|old| old != token);
        known.tokens.push(token.to_owned());
        if known.tokens.len() > REMEMBERED {
            known.tokens.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session, if it is one for these addresses and this client. Its key says as much; what is kept says it too.
fn checked(login: &Login, reach: &Reach, session: Option<Session>) -> Result<Session, Unsendable> {
    let session = session.ok_or_else(|| {
        Unsendable(format!("nobody is signed in to `{}`; {}", login.upstream, again(login)))
    })?;
    let everywhere = reach.confirmed().all(|url| {
        let origin = url.origin().ascii_serialization();
        session.origins.contains(&origin)
    });
    match everywhere && session.client == login.client.id {
        true => Ok(session),
        false => Err(Unsendable(format!(
            "the sign-in to `{}` was made for other addresses or another client; {}",
            login.upstream,
            again(login)
        ))),
    }
}

fn again(login: &Login) -> String {
    format!("a person can sign in: outboard login {}", login.upstream)
}

fn unusable(problem: &outboard_oauth::StoreProblem) -> Unsendable {
    let cause = std::error::Error::source(problem).map_or(String::new(), |source| format!(": {source}"));
    Unsendable(format!("could not {problem}{cause}"))
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions(…)")
    }
}
