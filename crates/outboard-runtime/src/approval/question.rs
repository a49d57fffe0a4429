//! What a person is asked: one operation, or several of one tool that came up together, with all that there is to know.
//! Everything that a script or an upstream wrote stands here as it was written: hostile until it is rendered.

use std::{borrow::Cow, sync::Arc};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::render::{self, Medium};
use crate::{
    catalogue::Annotations,
    clock::WallTime,
    ids::{Principal, QuestionId, RequestId, RunId},
    operation::Operation,
    run::Effect,
};

/// Version of a sheet as other processes read it. A reader passes over what is newer.
pub const FORMAT: u32 = 1;

/// One operation that policy wants a person to decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The exact operation.
    pub operation: Operation,
    /// What the upstream claims of the tool.
    pub annotations: Annotations,
    /// Whether a person has vouched for these claims.
    pub vouched: bool,
    /// The place of the rule that asks, if a rule does.
    pub rule: Option<usize>,
    /// Why policy asks.
    pub reason: String,
    /// The command after which policy would not ask, if there is one to name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// The run that wants it.
    pub run: RunId,
    /// The run's number of it.
    pub request: RequestId,
    /// The line of the script that makes the call.
    pub line: Option<u32>,
    /// The script; `None` for a call outside any script.
    pub script: Option<Arc<str>>,
    /// What the run did before.
    pub so_far: SoFar,
    /// On whose behalf.
    pub principal: Principal,
    /// Whether whoever asks has proved to be that, so that a rule can be about them alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub proved: bool,
}

/// What a run did before it asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SoFar {
    /// Calls that were sent to tools declared read-only, by `namespace.tool`.
    pub read: Vec<(String, u32)>,
    /// Calls that changed something, or may have.
    pub changed: Vec<Effect>,
}

/// What a person sees at once: questions about one tool of one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// Its name.
    pub id: QuestionId,
    /// The questions, at least one, all of the same tool, run and principal.
    pub questions: Vec<Question>,
    /// How many calls "in this run" allows, those shown included.
    pub calls: u32,
    /// Until when it can be answered.
    pub expires: WallTime,
}

/// A question that no person could be shown whole, so that none can allow it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "its arguments take {characters} characters to show, and a person can be shown {limit}: what cannot be shown whole \
     cannot be approved. Make several smaller calls, or let a rule of the policy allow it"
)]
pub struct Unshowable {
    /// What they take.
    pub characters: usize,
    /// What may be shown.
    pub limit: usize,
}

/// For which run an operation is wanted, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The run.
    pub run: RunId,
    /// On whose behalf.
    pub principal: Principal,
}

impl Scope {
    /// Hash of all that an approval binds to: the operation as it is sent, byte for byte, the run, and on whose behalf.
    pub(super) fn digest(&self, operation: &Operation) -> String {
        // Operations are texts, which always serialise; arguments keep theirs.
        let operation = serde_json::to_string(operation).unwrap_or_default();
        let mut hash = Sha256::new();
        for part in [self.run.as_str(), self.principal.as_str(), &operation] {
            // With its length before it no part can pass for two.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Question {
    /// Hash of all that an approval of it binds to.
    pub fn digest(&self) -> String {
        self.scope().digest(&self.operation)
    }

    /// For which run, and on whose behalf.
    pub fn scope(&self) -> Scope {
        Scope { run: self.run.clone(), principal: self.principal.clone() }
    }

    /// What is asked about: `namespace.tool` by the upstream's own name of it, or the namespace and the MCP method.
    pub fn subject(&self) -> String {
        subject(&self.operation)
    }

    /// What it would be done with, as JSON: exactly and all of it.
    pub(crate) fn shown(&self) -> Cow<'_, str> {
        match &self.operation {
            Operation::CallTool(call) => Cow::Borrowed(call.arguments.as_str()),
            Operation::Request(request) => Cow::Owned(json(&request.what)),
            Operation::Asked(asked) => Cow::Borrowed(asked.parameters.as_str()),
        }
    }

    /// Whether both are of one tool of one run, on behalf of the same principal, and asked for the same reason: what a
    /// person allowed before the session had read private data is not what they would allow after.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self.scope() == other.scope()
            && self.operation.upstream() == other.operation.upstream()
            && self.subject() == other.subject()
            && self.annotations == other.annotations
            && self.vouched == other.vouched
            && self.reason == other.reason
    }
}

/// What an operation is about.
pub(super) fn subject(operation: &Operation) -> String {
    match operation {
        Operation::CallTool(call) => format!("{}.{}", call.namespace, call.tool),
        Operation::Request(_) | Operation::Asked(_) => {
            format!("{} {}", operation.namespace(), operation.kind().method())
        }
    }
}

fn json(value: &impl Serialize) -> String {
    // Texts only, which always serialise.
    serde_json::to_string(value).unwrap_or_default()
}

impl Sheet {
    /// The run that asks.
    pub fn run(&self) -> &RunId {
        &self.first().run
    }

    /// On whose behalf.
    pub fn principal(&self) -> &Principal {
        &self.first().principal
    }

    /// What is asked about.
    pub fn subject(&self) -> String {
        self.first().subject()
    }

    /// The first of its questions.
    pub fn first(&self) -> &Question {
        // Nothing makes one without; another process may have written one, which is refused when it is read.
        self.questions.first().expect("a sheet has a question")
    }

    /// Whether another process can have written this and it can be read by this version.
    pub fn is_sound(&self) -> bool {
        let alike = |first: &Question| self.questions.iter().all(|question| question.is_like(first));
        self.format <= FORMAT && self.questions.first().is_some_and(alike)
    }

    /// Whether all of it can be shown there.
    pub fn fits(&self, medium: Medium) -> bool {
        render::size(&self.questions) <= medium.shows()
    }
}
