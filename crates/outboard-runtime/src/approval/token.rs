//! Signed tokens: what a person was asked, and what they answered. A token binds to exact operations, one run and one
//! principal, ends at a moment, and is used up with the record of the call that it allowed.
//!
//! Format `ob1.<claims>.<tag>`: claims as JSON, the tag HMAC-SHA256 over all before it, both in base64 for URLs. A reader
//! refuses what it does not know. Tokens hide nothing, and whoever has the key can make them.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::question::{Question, Sheet};
use crate::{
    clock::WallTime,
    ids::{Principal, QuestionId, RunId},
};

const PREFIX: &str = "ob1";
/// How long an answer may wait for the call that it allows: for its upstream to start, for a place there.
const ANSWER_HOLDS: Duration = Duration::from_secs(3_600);

/// What signs tokens: 32 secret bytes, shared by the Outboards of one user.
#[derive(Clone)]
pub struct SigningKey([u8; 32]);

/// What a person said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Yes, to exactly what was shown.
    Once,
    /// Yes, and to further calls of this tool in this run, up to the number shown.
    InRun,
    /// No.
    No,
}

/// A person's yes, good for the calls that were shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    pub(super) token: Arc<str>,
    /// Which of the operations shown; `None` for a yes to the tool in this run.
    pub(super) item: Option<usize>,
    pub(super) calls: u32,
    pub(super) nonce: Arc<str>,
}

/// What is used up when a call that was approved is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spending {
    /// What is used up.
    pub key: String,
    /// How often it may be used.
    pub uses: u32,
}

/// A token that nothing follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Nobody with the key made it, or it was changed since.
    #[error("it was not made by this Outboard, or was changed")]
    Forged,
    /// Its time is over.
    #[error("its time is over")]
    Stale,
    /// It is of another run, another client or other operations.
    #[error("it belongs to something else")]
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Question,
    Answer(Said),
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Claims {
    pub(super) kind: Kind,
    /// Random; names the token where its use is recorded.
    pub(super) nonce: String,
    pub(super) question: QuestionId,
    pub(super) run: RunId,
    pub(super) principal: Principal,
    pub(super) subject: String,
    /// [`Question::digest`] of each operation, in the order shown.
    pub(super) digests: Vec<String>,
    pub(super) calls: u32,
    pub(super) expires: WallTime,
}

impl SigningKey {
    /// A key of these bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A key that nobody else has.
    pub fn random() -> Self {
        Self(Self::fresh())
    }

    /// The bytes of a new key.
    pub fn fresh() -> [u8; 32] {
        let mut bytes = [0; 32];
        // Without randomness anybody could make tokens, so there is nothing safe to go on with.
        getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
        bytes
    }

    pub(super) fn seal(&self, claims: &Claims) -> String {
        // Claims are texts and numbers, which always serialise.
        let claims = serde_json::to_vec(claims).unwrap_or_default();
        let signed = format!("{PREFIX}.{}", URL_SAFE_NO_PAD.encode(claims));
        let tag = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The claims of a token that was sealed with this key and whose time is not over.
    pub(super) fn open(&self, token: &str, now: WallTime) -> Result<Claims, BadToken> {
        let (signed, tag) = token.rsplit_once('.').ok_or(BadToken::Forged)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| BadToken::Forged)?;
        self.mac(signed).verify_slice(&tag).map_err(|_| BadToken::Forged)?;
        let claims =
            signed.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('.')).ok_or(BadToken::Forged)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| BadToken::Forged)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| BadToken::Forged)?;
        if claims.expires <= now { Err(BadToken::Stale) } else { Ok(claims) }
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key may have any length");
        mac.update(signed.as_bytes());
        mac
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl Claims {
    pub(super) fn of(sheet: &Sheet, kind: Kind, expires: WallTime) -> Self {
        let mut nonce = [0; 16];
        // As with a key.
        getrandom::fill(&mut nonce).expect("the operating system gives random bytes");
        Self {
            kind,
            nonce: URL_SAFE_NO_PAD.encode(nonce),
            question: sheet.id.clone(),
            run: sheet.run().clone(),
            principal: sheet.principal().clone(),
            subject: sheet.subject(),
            digests: sheet.questions.iter().map(Question::digest).collect(),
            calls: sheet.calls,
            expires,
        }
    }

    /// Whether they are of exactly what this sheet shows.
    pub(super) fn are_of(&self, sheet: &Sheet) -> bool {
        self.question == sheet.id
            && self.run == *sheet.run()
            && self.principal == *sheet.principal()
            && self.subject == sheet.subject()
            && self.calls == sheet.calls
            && self.digests.iter().eq(&sheet.questions.iter().map(Question::digest).collect::<Vec<_>>())
    }
}

impl Approval {
    /// What is used up with the record of the call.
    pub fn spending(&self) -> Spending {
        match self.item {
            Some(item) => Spending { key: format!("{}/{item}", self.nonce), uses: 1 },
            None => Spending { key: self.nonce.to_string(), uses: self.calls },
        }
    }

    /// How it came about, for the record.
    pub fn told(&self) -> String {
        match self.item {
            Some(_) => "allowed once by a person".to_owned(),
            None => format!("allowed by a person in this run, up to {} calls", self.calls),
        }
    }
}

/// The token of a person's answer. Only what a person was shown by [`super::render`] may be answered.
pub fn answer(key: &SigningKey, sheet: &Sheet, said: Said, now: WallTime) -> String {
    let expires = WallTime(now.0.saturating_add(ANSWER_HOLDS.as_millis() as u64));
    key.seal(&Claims::of(sheet, Kind::Answer(said), expires))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approval::approvals::tests::sheet;

    #[test]
    fn a_token_that_was_changed_in_any_place_is_forged() {
        let key = SigningKey::random();
        let token = answer(&key, &sheet(&["{}"]), Said::Once, WallTime(0));
        assert!(key.open(&token, WallTime(1)).is_ok());
        assert_eq!(SigningKey::random().open(&token, WallTime(1)), Err(BadToken::Forged));
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(key.open(&changed, WallTime(1)), Err(BadToken::Forged), "{at}");
        }
        for odd in ["", ".", "ob1", "ob1..", "ob1.e30.", &token[..token.len() - 1], &format!("{token}A")] {
            assert_eq!(key.open(odd, WallTime(1)), Err(BadToken::Forged), "{odd}");
        }
    }

    #[test]
    fn a_token_ends() {
        let key = SigningKey::random();
        let token = answer(&key, &sheet(&["{}"]), Said::Once, WallTime(1_000));
        assert!(key.open(&token, WallTime(3_600_999)).is_ok());
        assert_eq!(key.open(&token, WallTime(3_601_000)), Err(BadToken::Stale));
    }

    #[test]
    fn a_token_is_of_exactly_what_was_shown() {
        let of = |sheet: &Sheet| Claims::of(sheet, Kind::Question, WallTime(1));
        let shown = sheet(&["{\"a\":1}", "{\"a\":2}"]);
        assert!(of(&shown).are_of(&shown));
        let mut others = vec![
            sheet(&["{\"a\":1}"]),
            sheet(&["{\"a\":2}", "{\"a\":1}"]),
            sheet(&["{\"a\": 1}", "{\"a\":2}"]),
        ];
        others.push(Sheet { calls: 50, ..shown.clone() });
        others.push(Sheet { id: "other".into(), ..shown.clone() });
        for change in [
            |question: &mut Question| question.run = "r2-x".into(),
            |question: &mut Question| question.principal = "someone else".into(),
        ] {
            let mut other = shown.clone();
            other.questions.iter_mut().for_each(change);
            others.push(other);
        }
        for other in others {
            assert!(!of(&shown).are_of(&other), "{other:?}");
        }
    }
}
