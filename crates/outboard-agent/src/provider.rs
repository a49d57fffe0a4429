//! Who says a model's next turn: an API, or turns that stand in a file.
//!
//! [`anthropic`] and [`openai`] share [`http`], which sends, reads events and tries again. Nothing here calls tools.

pub mod anthropic;
pub mod endpoint;
pub mod http;
pub mod openai;
pub mod options;
pub mod recording;
pub mod retry;
mod schema;
pub mod scripted;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    conversation::{Conversation, Turn},
    usage::{Counted, Usage},
};

/// A model that is given the whole conversation and says its next turn.
pub trait Provider: Send + Sync {
    /// The next turn. `hear` is told of words as they come, and of attempts that failed.
    fn turn<'a>(
        &'a self,
        conversation: &'a Conversation,
        hear: &'a (dyn Fn(Heard<'_>) + Send + Sync),
    ) -> BoxFuture<'a, Result<Said, ProviderFailure>>;

    /// The model, as prices name it; `None` for turns that stand in a file.
    fn model(&self) -> Option<&str>;

    /// A text without the key that opens the API, wherever that came from.
    fn without_key(&self, text: String) -> String {
        text
    }
}

/// What is heard while a turn is under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    /// Some more of the model's words.
    Words(&'a str),
    /// What this attempt has used so far, as the API tells: no more than the last of these counts.
    Uses(Usage),
    /// An attempt failed and is made again, from its beginning: words that were heard of it do not count.
    Again {
        /// Why.
        why: &'a str,
        /// After this pause.
        pause: std::time::Duration,
    },
}

/// A model's turn, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The turn.
    pub turn: Turn,
    /// Why it ended.
    pub stop: StopReason,
    /// What it cost, if anyone but us knows.
    pub usage: Option<Usage>,
    /// Who counted that.
    pub counted: Counted,
    /// How often it was asked for in vain before. Whether those attempts are billed, no API says.
    pub retries: u32,
    /// What those attempts had used by then, as far as the API told. It is no part of `usage`.
    pub given_up: Usage,
}

impl Said {
    /// A turn of which nothing else is known.
    pub(crate) fn of(turn: Turn) -> Self {
        let stop = if turn.calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
        Self { turn, stop, usage: None, counted: Counted::Estimated, retries: 0, given_up: Usage::default() }
    }

    /// The same with what the API told of its usage, if it did. No turn reads nothing, and none that says something writes
    /// nothing: who tells so has not counted.
    pub(crate) fn using(self, usage: Option<Usage>) -> Self {
        let is_empty = self.turn.text.is_empty() && self.turn.calls.is_empty();
        let usage = usage.filter(|usage| usage.whole_input() > 0 && (usage.output > 0 || is_empty));
        let counted = if usage.is_some() { Counted::Reported } else { Counted::Estimated };
        Self { usage, counted, ..self }
    }
}

/// Why a turn ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model has said all.
    EndTurn,
    /// It waits for answers to its calls.
    ToolUse,
    /// The limit of a turn's output.
    MaxTokens,
    /// What was said is more than the model can read.
    ContextFull,
    /// It refuses, or a filter does.
    Refusal,
    /// The API made a pause: the conversation is to be sent again as it is.
    Pause,
    /// A reason that is not known here.
    Other(String),
}

/// There is no turn.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFailure {
    /// The API refused.
    #[error("{host} answered HTTP {status}: {message}")]
    Refused {
        /// Who.
        host: String,
        /// The status.
        status: u16,
        /// What it said, with the key taken out.
        message: String,
    },
    /// There is no way to it, and another time there will be none either.
    #[error("{host} cannot be reached: {message}")]
    Unreachable {
        /// Who.
        host: String,
        /// Why not.
        message: String,
    },
    /// It was tried often enough.
    #[error("{host} gave no turn in {tries} tries: {message}")]
    Exhausted {
        /// Who.
        host: String,
        /// How often.
        tries: u32,
        /// What went wrong last.
        message: String,
    },
    /// What came is no turn.
    #[error("{host} sent what is no turn: {message}")]
    Unreadable {
        /// Who.
        host: String,
        /// What is wrong with it.
        message: String,
    },
    /// The turns of a file do not go on here.
    #[error("{0}")]
    Script(String),
}
