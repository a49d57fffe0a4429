//! What is known of a run when it has ended. Facts only:
//! [`crate::present`] turns them into text.

use serde::{Deserialize, Serialize};

use crate::{
    ids::{Namespace, RunId, ToolName},
    journal::Intent,
    json::Json,
    limits::{Limit, Limits},
    ports::engine::{ConsoleLine, Reply},
    reply::FailureCode,
};
use outboard_script::Language;
pub use outboard_script::{Finding, Position};

/// An ended run.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// Which.
    pub id: RunId,
    /// The script as it was given.
    pub source: String,
    /// Its language; of one that has mistakes, TypeScript unless the client said otherwise.
    pub language: Language,
    /// The limits it ran under.
    pub limits: Limits,
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote to its console.
    pub console: Vec<ConsoleLine>,
    /// Bytes of console text dropped at [`Limits::console`].
    pub console_dropped: u64,
    /// Calls that were sent and may have changed something, in the order of sending: all whose tool is not
    /// declared read-only, and whose answer was a value or leaves the effect unknown.
    pub effects: Vec<Effect>,
    /// What the script could do better, though it is right.
    pub hints: Vec<Finding>,
}

impl RunReport {
    /// Roughly the bytes that it holds.
    pub(crate) fn weight(&self) -> u64 {
        let outcome = match &self.outcome {
            Outcome::Value(Some(value)) => value.as_str().len(),
            // What a script throws is bounded by its console's measure of text, and findings by the script's length.
            Outcome::Value(None) | Outcome::NotRun(_) | Outcome::Failed(_) => 1 << 10,
        };
        let console: usize = self.console.iter().map(|line| line.text.len() + 32).sum();
        (self.source.len() + outcome + console + 64 * self.effects.len()) as u64
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// With this value; `None` is `undefined`.
    Value(Option<Json>),
    /// Nothing ran: the script has mistakes.
    NotRun(Vec<Finding>),
    /// It began and did not come to its end.
    Failed(Failure),
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind.
    pub kind: FailureKind,
    /// Where in the script, if known.
    pub position: Option<Position>,
    /// The script's frames, innermost first, when there is more than one.
    pub frames: Vec<(Position, String)>,
}

/// Kinds of failure, each with its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// A call failed and the script did not catch it.
    Tool {
        /// `namespace.tool` as the script wrote it.
        tool: String,
        /// Why.
        code: FailureCode,
        /// Why, for people and models.
        message: String,
    },
    /// The script threw something else.
    Threw {
        /// For example `TypeError`.
        name: String,
        /// Its message.
        message: String,
    },
    /// A limit ended it.
    Limit(Limit),
    /// It waits for a promise that nothing will settle.
    Stuck,
    /// It was refused before it began: too many others.
    Crowded {
        /// Runs that may be under way at once, and are.
        at_once: usize,
        /// Runs that may wait for their turn, and do.
        waiting: usize,
    },
    /// The client or a person cancelled it.
    Cancelled,
    /// It waits for a person and for another Outboard, because its own ends. It has not ended.
    LetGo,
    /// Outboard could not go on: no sandbox, or a broken one. The text says why.
    Internal(String),
}

/// A call that may have changed something outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its tool.
    pub tool: ToolName,
    /// Where in the script it was made.
    pub line: Option<u32>,
    /// Whether it is known to have been carried out; otherwise its effect is unknown.
    pub certain: bool,
}

impl Effect {
    /// What a call may have changed, until its answer is there; nothing if its tool only reads.
    pub(crate) fn possible(intent: &Intent, line: Option<u32>) -> Option<Self> {
        (!intent.read_only).then(|| Self {
            namespace: intent.namespace.clone(),
            tool: intent.tool.clone(),
            line,
            certain: false,
        })
    }

    /// What a call has changed or may have, by its answer if there is one; nothing if it was not carried out.
    pub(crate) fn of(intent: &Intent, line: Option<u32>, reply: Option<&Reply>) -> Option<Self> {
        let possible = Self::possible(intent, line)?;
        match reply {
            Some(Reply::Value(_)) => Some(Self { certain: true, ..possible }),
            Some(Reply::Failed(failure)) if !failure.code.leaves_effect_unknown() => None,
            Some(Reply::Failed(_)) | None => Some(possible),
        }
    }
}
