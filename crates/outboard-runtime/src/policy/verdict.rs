//! What policy says of an operation, and what decided: read by the gate, scripts and people.
//! It knows no rule and no default itself.

use std::fmt;

use serde::Serialize;

/// What policy says of an operation, with the reason that scripts and people see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// It may be sent.
    Allow(Reason),
    /// A person decides.
    Ask(Reason),
    /// It may not be sent.
    Deny(Reason),
}

/// Why policy says what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What decided.
    pub by: Decider,
    /// The reason in words, without a full stop.
    pub text: String,
    /// What a person can do so that it is decided otherwise, if there is one thing to name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// The rule at this place of the user's configuration, counted from 0.
    Rule(usize),
    /// The limit at this place of the user's configuration, counted from 0.
    Limit(usize),
    /// Nobody has accepted the upstream.
    NotAccepted,
    /// The tool's definition is not the one that was accepted.
    Changed,
    /// What the upstream declares of the tool, or that it declares nothing.
    Declared,
    /// The configuration trusts the upstream.
    Trusted,
    /// The kind of operation.
    Kind,
    /// The session has seen private data and untrusted content.
    Taint,
    /// What the configuration says for whatever no rule decides.
    Otherwise,
}

impl Reason {
    /// A reason that names nothing to be done.
    pub fn new(by: Decider, text: impl Into<String>) -> Self {
        Self { by, text: text.into(), remedy: None }
    }

    /// The same reason with what a person can do.
    pub fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Verdict {
    /// Why.
    pub fn reason(&self) -> &Reason {
        let (Self::Allow(reason) | Self::Ask(reason) | Self::Deny(reason)) = self;
        reason
    }

    /// Its word: `allow`, `ask` or `deny`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Allow(_) => "allow",
            Self::Ask(_) => "ask",
            Self::Deny(_) => "deny",
        }
    }
}
