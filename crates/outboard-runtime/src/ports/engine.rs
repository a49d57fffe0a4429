//! The engine port: a guest language behind a wall.
//!
//! A guest is entered, runs until it can go no further, and hands back what it asks for. It never
//! waits inside the host and the host never blocks inside it. The runtime does all the waiting.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::{
    clock::{RunTime, WallTime},
    ids::{ImageHash, Namespace, RequestId},
    journal::Slot,
    json::Json,
    limits::{Limit, Limits},
    reply::{FailureCode, ToolFailure},
};

/// Runs guests of one language. Shared by all runs.
pub trait Engine: Send + Sync + 'static {
    /// Hash of the start image: a replay is exact only with the same one.
    fn image(&self) -> &ImageHash;

    /// Prepares a fresh guest. Cheap: microseconds. Fails when the pool of slots is exhausted.
    fn open(&self, world: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused>;
}

/// No guest could be prepared.
#[derive(Debug, thiserror::Error)]
#[error("start a sandbox: {reason}")]
pub struct EngineRefused {
    /// What was missing, as a lower-case fragment.
    pub reason: String,
}

/// Everything that a guest will ever know besides what is delivered to it.
#[derive(Clone, Debug)]
pub struct GuestWorld {
    /// In the engine's language. Plain JavaScript has a completion value that, awaited, is the script's value; in
    /// Python it is for the guest to find.
    pub program: Arc<str>,
    /// The namespaces that exist, with the names of their tools where the script uses them.
    pub namespaces: Vec<NamespaceView>,
    /// Where all randomness of the guest comes from.
    pub seed: [u8; 32],
    /// The wall time at run time zero.
    pub started_at: WallTime,
    /// The limits; the engine enforces `cpu`, `memory`, `console` and `value`.
    pub limits: Limits,
    /// Lets the runtime stop a guest that is running.
    pub stop: StopFlag,
}

/// A namespace as a guest sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamespaceView {
    /// A JavaScript identifier.
    pub namespace: Namespace,
    /// Identifiers of its tools, for enumeration only; calls of other names are passed on too.
    pub tools: Vec<String>,
}

/// One guest between two entries.
pub trait Guest: Send + 'static {
    /// Enters the guest, lets it run to its next standstill and returns what came of it.
    ///
    /// Deliveries are handed over one by one, in order, and the guest runs to a standstill after
    /// each. The first entry starts the script and must be [`Entry::Start`]. Dropping the future
    /// discards the guest as soon as it can be stopped.
    fn enter(self: Box<Self>, entry: Entry) -> BoxFuture<'static, Step>;
}

/// Why a guest is entered.
#[derive(Debug)]
pub enum Entry {
    /// To start the script.
    Start,
    /// To be given what it waits for.
    Deliver(Vec<Delivery>),
}

/// Something handed to the guest at a moment of the run's clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The run's clock from now on; never earlier than the delivery before.
    pub at: RunTime,
    /// What is handed over.
    pub what: Delivered,
}

/// What is handed over to a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivered {
    /// The answer to one of its requests.
    Settled {
        /// Which.
        request: RequestId,
        /// The answer.
        reply: Reply,
    },
    /// Its clock moved: timers that are due by now fire.
    Timer,
}

/// The answer to a guest's request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// A value.
    Value(Json),
    /// An error to be thrown where the request was made.
    Failed(ToolFailure),
}

impl Reply {
    /// Roughly the bytes that it holds.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Value(value) => value.as_str().len(),
            Self::Failed(failure) => {
                failure.message.len()
                    + failure.content.iter().map(|block| block.as_str().len()).sum::<usize>()
            }
        }
    }
}

/// What came of one entry.
pub struct Step {
    /// New requests, in the order in which the guest made them.
    pub requests: Vec<GuestRequest>,
    /// New console lines, in order.
    pub console: Vec<ConsoleLine>,
    /// Bytes of console text that were dropped because of [`Limits::console`], in this step.
    pub console_dropped: u64,
    /// Where the guest stands.
    pub state: GuestState,
}

/// Where a guest stands after an entry.
pub enum GuestState {
    /// It waits for answers or for its clock.
    Waiting {
        /// The guest, to be entered again.
        guest: Box<dyn Guest>,
        /// When its next timer is due.
        timer: Option<RunTime>,
    },
    /// The script ended with this value (`None`: undefined).
    Finished(Option<Json>),
    /// The script threw and did not catch.
    Threw(Thrown),
    /// It waits for a promise that nothing will ever settle.
    Stuck,
    /// The host stopped it.
    Stopped(Stopped),
}

/// Something a guest asks of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestRequest {
    /// Counted by the guest from 1.
    pub id: RequestId,
    /// What it asks. The texts come from the guest: hostile input.
    pub what: GuestAsk,
    /// Where in the program it asked, if known.
    pub position: Option<ProgramPosition>,
}

/// What a guest can ask of the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestAsk {
    /// Call a tool: `namespace.tool(arguments)`.
    Call {
        /// The namespace as written.
        namespace: String,
        /// The tool as written: identifier or original name.
        tool: String,
        /// A JSON object, unless the script got it wrong.
        arguments: Json,
        /// Whether it is asked for as one of several pages (`tools.pages`): the answer then is
        /// `{ value, next }`, where `next` holds the arguments that differ in the call for the page after it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        paged: bool,
    },
    /// Ask an upstream for something else: a resource, a prompt.
    Request {
        /// The namespace as written.
        namespace: String,
        /// The MCP method.
        method: String,
        /// A JSON object.
        arguments: Json,
    },
    /// `tools.search(query, options)`: JSON array of the arguments.
    Search(Json),
    /// `tools.describe(name)`: JSON array of the arguments.
    Describe(Json),
    /// `results.get(handle)`: JSON array of the arguments.
    Result(Json),
    /// The script has given up waiting for an earlier request: JSON array of its number. There is no answer to this.
    GiveUp(Json),
}

impl GuestAsk {
    /// Its arguments.
    pub(crate) fn arguments(&self) -> &Json {
        let (Self::Call { arguments, .. }
        | Self::Request { arguments, .. }
        | Self::Search(arguments)
        | Self::Describe(arguments)
        | Self::Result(arguments)
        | Self::GiveUp(arguments)) = self;
        arguments
    }

    /// All that the script said in it.
    pub(crate) fn slots(&mut self) -> Vec<Slot<'_>> {
        match self {
            Self::Call { namespace, tool: name, arguments, .. }
            | Self::Request { namespace, method: name, arguments } => {
                vec![Slot::Text(namespace), Slot::Text(name), Slot::Json(arguments)]
            }
            Self::Search(arguments)
            | Self::Describe(arguments)
            | Self::Result(arguments)
            | Self::GiveUp(arguments) => vec![Slot::Json(arguments)],
        }
    }

    pub(crate) fn forget_arguments(&mut self) {
        let (Self::Call { arguments, .. }
        | Self::Request { arguments, .. }
        | Self::Search(arguments)
        | Self::Describe(arguments)
        | Self::Result(arguments)
        | Self::GiveUp(arguments)) = self;
        *arguments = Json::null();
    }
}

/// A place in the program given to the guest, 1-based, columns as the guest counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramPosition {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// One line that a script wrote to its console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsoleLine {
    /// `log`, `info`, `warn`, `error` or `debug`.
    pub level: ConsoleLevel,
    /// The formatted text; may hold line breaks.
    pub text: String,
}

/// The console method that a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are those of the console's methods")]
pub enum ConsoleLevel {
    Log,
    Info,
    Warn,
    Error,
    Debug,
}

/// An exception that left the script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thrown {
    /// For example `TypeError`.
    pub name: String,
    /// Its message.
    pub message: String,
    /// What it says of the tool, if it is a `ToolError`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<ThrownTool>,
    /// Frames of the script, innermost first.
    pub frames: Vec<Frame>,
}

/// The part of an exception that makes it a `ToolError`. A script can make such an exception itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrownTool {
    /// `namespace.tool` as the script wrote it.
    pub name: String,
    /// Its code, if it is one of ours.
    pub code: Option<FailureCode>,
}

/// One frame of a script's stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// Where.
    pub position: ProgramPosition,
    /// Name of the function, empty for the script itself.
    pub function: String,
}

/// Why the host stopped a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stopped {
    /// At a limit.
    Limit(Limit),
    /// Because its run was cancelled.
    Cancelled,
    /// Because the guest broke in a way that has no better name; the instance is discarded.
    Broken,
}

/// Asks a running guest to stop. Clones share the flag; the first reason stays.
#[derive(Clone, Debug, Default)]
pub struct StopFlag(Arc<AtomicU8>);

impl StopFlag {
    /// Asks the guest to stop at the next check (within a few milliseconds of guest time).
    pub fn stop(&self, reason: StopReason) {
        let _ = self.0.compare_exchange(0, reason as u8, Ordering::AcqRel, Ordering::Acquire);
    }

    /// The reason, once asked.
    pub fn reason(&self) -> Option<StopReason> {
        match self.0.load(Ordering::Acquire) {
            1 => Some(StopReason::Cancelled),
            2 => Some(StopReason::Wall),
            _ => None,
        }
    }
}

/// Why the runtime stops a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum StopReason {
    /// The run was cancelled.
    Cancelled = 1,
    /// [`Limits::wall`] was reached.
    Wall = 2,
}
