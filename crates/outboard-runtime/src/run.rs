//! Runs: one execution of one script, from its text to its report.
//! It talks to the engine, the broker and the journal; it does not decide what may be called.

mod actor;
mod beside;
mod clock;
mod desk;
mod outside;
mod past;
pub(crate) mod program;
mod record;
mod recorded;
mod report;
mod requests;
mod single;
mod told;
mod turn;
mod types;

pub use actor::Progress;
pub use report::{Effect, Failure, FailureKind, Finding, Outcome, Position, RunReport};
pub use single::{OutsideRequest, ToolOutcome, ToolReport, ToolRequest};
pub use told::Told;

pub(crate) use actor::{RunActor, RunParts};
pub(crate) use clock::RunClock;
use outboard_script::Prepared;
pub(crate) use past::{GoesOn, Past};
pub(crate) use single::{Single, SingleParts, execute as execute_single};
pub(crate) use turn::Turn;
