//! The events of a run. Format version [`FORMAT`]: a reader refuses a journal whose first event
//! names a newer version; writers never append to a journal of another version.
//! Everything that a guest or an upstream said stands here as it was said: hostile input. Enums are externally tagged,
//! because JSON kept as text cannot be read through the buffer that other tagging needs.

use outboard_script::Language;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{RunTime, WallTime},
    ids::{ImageHash, Namespace, Principal, RequestId, RunId, ToolName, UpstreamName},
    json::Json,
    limits::Limits,
    ports::engine::{ConsoleLine, Delivered, Delivery, GuestRequest, NamespaceView, Reply, Stopped, Thrown},
};

/// Version of the event format. Version 1 named no language: such runs are TypeScript. Since version 3 a script can
/// give up on a request. Version 4 says when calls were sent, knows that a run was resumed, and where its record came from.
/// Version 5 holds what a script wrote to its console, and says who reads what the run gives.
pub const FORMAT: u32 = 6;

/// One entry of a run's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The run began. Always the first event.
    Opened(Box<Opened>),
    /// The guest asked for something.
    Asked(GuestRequest),
    /// A call passed the gate and is about to be sent.
    Intended(Intent),
    /// Something is about to be handed to the guest; the order of these is the run's history.
    Delivered(Delivery),
    /// The run was taken over after its owner had gone, or had let it go. Calls without an outcome may stand as intended once more.
    Resumed(Resumed),
    /// What the script wrote to its console, if anything. Right before the end.
    Wrote(Wrote),
    /// The run ended. Always the last event.
    Ended(Ending),
}

/// A run was taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumed {
    /// When.
    pub at: WallTime,
    /// The guest's start image from here on.
    pub image: ImageHash,
    /// Its owner had let it go while it waited for somebody. Older readers pass this over and take the run for interrupted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub let_go: bool,
}

/// What a script wrote to its console, and what was said there of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrote {
    /// Line by line; places are those of the script as it was given.
    pub lines: Vec<ConsoleLine>,
    /// Bytes that were dropped because of [`Limits::console`].
    #[serde(default)]
    pub dropped: u64,
}

/// Who reads what a run gives, as far as that is known when it begins. Records before version 5 do not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Of a single call, who reads its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reader: Option<Reader>,
    /// Tokens that the answer to a script may have; without them the whole value is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<usize>,
    /// What the same model had been shown since its session's last record, and has no record of its own.
    #[serde(default, skip_serializing_if = "Shown::is_nothing")]
    pub before: Shown,
}

/// Who reads the answer of a single call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// Whoever asked for it: it was given on.
    Asker,
    /// A program in the workspace of a session. What it prints is the answer of a command, which has a record of its own.
    Workspace,
    /// A program anywhere: who reads what it prints, nobody knows.
    Unknown,
    /// A model: it is no upstream's tool but a command in the model's workspace.
    Model,
}

/// Answers of Outboard's own: what a search found, why a script was not run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// How many.
    pub answers: u32,
    /// Their tokens, estimated by their length.
    pub tokens: u64,
}

impl Shown {
    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a run's record up to its first call of its own comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The run that it repeats.
    pub run: RunId,
    /// The first request that is made anew.
    pub from: RequestId,
}

/// What a guest started from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// [`FORMAT`] of the writer.
    pub format: u32,
    /// The run.
    pub run: RunId,
    /// The script as it was given; empty for a tool call outside any script, which has no guest to replay.
    pub source: String,
    /// The language that it was run as.
    #[serde(default)]
    pub language: Language,
    /// The guest's start image.
    pub image: ImageHash,
    /// The seed of all its randomness.
    pub seed: [u8; 32],
    /// The wall time at run time zero.
    pub started_at: WallTime,
    /// Its limits.
    pub limits: Limits,
    /// The slice of the catalogue that it can see.
    pub namespaces: Vec<NamespaceView>,
    /// The run whose record it repeats first, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// On whose behalf it is; runs that were recorded before that was do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<Principal>,
    /// Who reads what it gives.
    #[serde(default)]
    pub reading: Reading,
}

/// A call that is about to be sent. Its arguments stand in the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request that it answers.
    pub request: RequestId,
    /// When, by the run's clock.
    #[serde(default)]
    pub at: RunTime,
    /// Where it goes.
    pub upstream: UpstreamName,
    /// As scripts name the upstream.
    pub namespace: Namespace,
    /// The upstream's name of the tool.
    pub tool: ToolName,
    /// The upstream's claim that it changes nothing.
    pub read_only: bool,
    /// The upstream's claim that repeating it changes nothing more.
    pub idempotent: bool,
    /// Why policy let it pass.
    pub allowed_by: String,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// With a value (`None`: undefined).
    Value(Option<Json>),
    /// With an exception.
    Threw(Thrown),
    /// Waiting for a promise that nothing settles.
    Stuck,
    /// Stopped by the host.
    Stopped(Stopped),
    /// Outboard could not go on.
    Internal(String),
}

/// A place in an event where a script's or an upstream's words stand.
#[derive(Debug)]
pub enum Slot<'a> {
    /// A JSON value.
    Json(&'a mut Json),
    /// Text.
    Text(&'a mut String),
}

impl Event {
    /// Everything that a script or an upstream said, always in the same order: stores keep large values elsewhere, and
    /// secrets are taken out.
    pub fn slots(&mut self) -> Vec<Slot<'_>> {
        match self {
            Self::Opened(opened) => vec![Slot::Text(&mut opened.source)],
            Self::Asked(request) => request.what.slots(),
            Self::Intended(intent) => vec![Slot::Text(&mut intent.allowed_by)],
            Self::Delivered(Delivery { what: Delivered::Settled { reply, .. }, .. }) => match reply {
                Reply::Value(value) => vec![Slot::Json(value)],
                Reply::Failed(failure) => {
                    let content = failure.content.iter_mut().map(Slot::Json);
                    std::iter::once(Slot::Text(&mut failure.message)).chain(content).collect()
                }
            },
            Self::Wrote(wrote) => wrote.lines.iter_mut().map(|line| Slot::Text(&mut line.text)).collect(),
            Self::Ended(Ending::Value(Some(value))) => vec![Slot::Json(value)],
            Self::Ended(Ending::Threw(thrown)) => {
                let mut slots = vec![Slot::Text(&mut thrown.message), Slot::Text(&mut thrown.name)];
                slots.extend(thrown.tool.as_mut().map(|tool| Slot::Text(&mut tool.name)));
                slots.extend(thrown.frames.iter_mut().map(|frame| Slot::Text(&mut frame.function)));
                slots
            }
            Self::Ended(Ending::Internal(reason)) => vec![Slot::Text(reason)],
            Self::Delivered(_) | Self::Resumed(_) | Self::Ended(_) => Vec::new(),
        }
    }
}
