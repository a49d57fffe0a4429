//! Whether a person is signed in where an entry wants it, as `list` and `doctor` tell and as `logout` changes it. Nothing
//! secret is shown, and no server is asked.

use outboard_oauth::{Key, Session, Store, seconds_now};

use crate::{
    config::{Configured, Transport},
    report,
};

/// How one sign-in stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    /// The token can be used, or a new one had for it.
    Good,
    /// Nobody has signed in, or for other addresses.
    Nobody,
    /// The token has ended, and nothing renews it.
    Ended,
    /// What is kept of it cannot be used, for this reason.
    Unusable(String),
}

impl SignIn {
    /// In a few words.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Good => "signed in",
            Self::Nobody => "not signed in",
            Self::Ended => "sign-in has ended",
            Self::Unusable(_) => "sign-in cannot be used",
        }
    }
}

/// The schemes that a person signs in for, with what their sessions are found by.
pub(super) fn keys(configured: &Configured) -> Vec<(String, Key)> {
    let Ok(entry) = &configured.entry else { return Vec::new() };
    let Transport::OpenApi(api) = &entry.transport else { return Vec::new() };
    let key = |scheme: &str| (scheme.to_owned(), Key::of(&api.login_key(&configured.file, scheme)));
    api.logins().map(key).collect()
}

/// How the sign-in that is furthest from being usable stands, if the entry wants any.
pub(super) fn standing(configured: &Configured, store: &Store) -> Option<SignIn> {
    let all: Vec<SignIn> = keys(configured).iter().map(|(_, key)| one(store, key)).collect();
    let bad = all.iter().find(|sign_in| **sign_in != SignIn::Good);
    bad.or(all.first()).cloned()
}

fn one(store: &Store, key: &Key) -> SignIn {
    let lasts = |session: &Session| session.refresh.is_some() || session.is_fresh(seconds_now());
    match store.read(key) {
        Ok(None) => SignIn::Nobody,
        Ok(Some(session)) if lasts(&session) => SignIn::Good,
        Ok(Some(_)) => SignIn::Ended,
        Err(problem) => SignIn::Unusable(report::chain(&problem)),
    }
}
