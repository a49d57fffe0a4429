//! Tokens of a sign-in that a person made: read from where they are kept at each call, so that signing in and out counts
//! at once, and renewed when they have ended. A server may take a used refresh token for a theft, so only one of all
//! processes renews at a time, and no renewal is given up once it was sent.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outboard_oauth::{Endpoint, Form, Key, Locked, Refused, Session, seconds_now};
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
    /// The access token of each sign-in that was handed out last, and when it was given.
    latest: Vec<(Key, String, u64)>,
    /// Those that were refused, one of each sign-in.
    refused: Vec<(Key, String)>,
    /// Sessions that could not be kept when they were renewed.
    unkept: Vec<(Key, Session)>,
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
        if self.shared.is_usable(&login.key, &session) {
            return Ok(self.shared.hand_out(&login.key, &session));
        }
        let (shared, login, reach) = (Arc::clone(&self.shared), login.clone(), reach.clone());
        let renewal = self.renewals.spawn(async move { shared.renewed(&login, &reach).await });
        renewal.await.map_err(|error| Unsendable(format!("the renewal of a token broke: {error}")))?
    }

    /// A token that was handed out last was refused. Of several sign-ins it may be any one's: each asks for another.
    pub(super) fn refused(&self) {
        let mut known = self.shared.lock();
        for (key, token, given) in std::mem::take(&mut known.latest) {
            if given.saturating_add(YOUNG) <= seconds_now() {
                known.refused.retain(|(of, _)| *of != key);
                known.refused.push((key, token));
            }
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
        let kept = checked(login, reach, locked.read().map_err(|problem| unusable(&problem))?)?;
        let mut session = self.newer(&login.key, kept, &locked);
        if self.is_usable(&login.key, &session) {
            return Ok(self.hand_out(&login.key, &session));
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
                tracing::info!(upstream = %login.upstream, "the token of the sign-in was renewed");
                if let Err(problem) = locked.write(&session) {
                    // The server may have taken the old one back: this is all that is left of the sign-in.
                    tracing::warn!(upstream = %login.upstream, %problem, "the renewed token cannot be kept yet");
                    self.lock().unkept.push((login.key.clone(), session.clone()));
                }
                Ok(self.hand_out(&login.key, &session))
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

    /// The session as it was renewed, where that could not be kept and nobody has signed in since; it is kept now, if it
    /// can be.
    fn newer(&self, key: &Key, kept: Session, locked: &Locked) -> Session {
        let mut known = self.lock();
        let Some(place) = known.unkept.iter().position(|(of, _)| of == key) else { return kept };
        let (_, renewed) = known.unkept.remove(place);
        if kept.given >= renewed.given {
            return kept;
        }
        if locked.write(&renewed).is_err() {
            known.unkept.push((key.clone(), renewed.clone()));
        }
        renewed
    }

    fn is_usable(&self, key: &Key, session: &Session) -> bool {
        let is_refused = |(of, token): &(Key, String)| of == key && *token == session.access;
        session.is_fresh(seconds_now()) && !self.lock().refused.iter().any(is_refused)
    }

    fn hand_out(&self, key: &Key, session: &Session) -> String {
        for token in session.refresh.iter().chain([&session.access]) {
            self.remember(token);
        }
        let mut known = self.lock();
        known.latest.retain(|(of, ..)| of != key);
        known.latest.push((key.clone(), session.access.clone(), session.given));
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
