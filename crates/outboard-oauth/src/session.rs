//! What is kept of a sign-in: the tokens, how long they last, and to whom they may go. It is a stored format; the version
//! stands in the store's file.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use crate::Tokens;

/// So long before its end a token is not used any more.
const MARGIN: u64 = 30;

/// A sign-in that a person made.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is, for people who look into the file.
    pub upstream: String,
    /// The client that the tokens were given to.
    pub client: String,
    /// Where new tokens are asked for, as a person confirmed it.
    pub token_endpoint: String,
    /// Origins that the access token may be sent to, as a person confirmed them.
    pub origins: Vec<String>,
    /// The access token.
    pub access: String,
    /// What a new one can be had for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh: Option<String>,
    /// When the access token was given, in seconds since 1970.
    pub given: u64,
    /// When it ends, if the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<u64>,
    /// What it allows, if the server said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl Session {
    /// Takes what a server gave `now`. It may keep quiet about what it gave before: a refresh token goes on until there is
    /// another (RFC 6749, 6).
    pub fn take(&mut self, tokens: Tokens, now: u64) {
        self.access = tokens.access;
        self.refresh = tokens.refresh.or_else(|| self.refresh.take());
        self.given = now;
        self.ends = tokens.expires_in.map(|seconds| now.saturating_add(seconds));
        self.scope = tokens.scope.or_else(|| self.scope.take());
    }

    /// Whether the access token can still be used.
    pub fn is_fresh(&self, now: u64) -> bool {
        self.ends.is_none_or(|ends| now.saturating_add(MARGIN) < ends)
    }
}

/// Seconds since 1970.
pub fn seconds_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("upstream", &self.upstream)
            .field("token_endpoint", &self.token_endpoint)
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}
