//! The events of a run. Format version [`FORMAT`]: a reader refuses a journal whose first event
//! names a newer version; writers never append to a journal of another version.
//! Everything that a guest or an upstream said stands here as it was said: hostile input. Enums are externally tagged,
//! because JSON kept as text cannot be read through the buffer that other tagging needs.

use outboard_script::Language;
use serde::{Deserialize, Serialize};

use crate::{
    clock::WallTime,
    ids::{ImageHash, Namespace, RequestId, RunId, ToolName, UpstreamName},
    json::Json,
    limits::Limits,
    ports::engine::{Delivery, GuestRequest, NamespaceView, Stopped, Thrown},
};

/// Version of the event format. Version 1 named no language: such runs are TypeScript. Since version 3 a script can
/// give up on a request.
pub const FORMAT: u32 = 3;

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
    /// The run ended. Always the last event.
    Ended(Ending),
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
}

/// A call that is about to be sent. Its arguments stand in the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// The request that it answers.
    pub request: RequestId,
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
