//! The heart of Outboard: catalogue, policy, approvals, broker, journal and runs.
//!
//! It knows no network, no process, no file and no environment: everything that touches the
//! world is a port ([`ports`]) that a crate above implements.

pub mod approval;
pub mod broker;
pub mod catalogue;
pub mod clock;
pub mod engines;
pub mod ids;
pub mod journal;
pub mod json;
pub mod limits;
pub mod operation;
pub mod policy;
pub mod ports;
pub mod present;
pub mod reply;
pub mod run;
pub mod runtime;
pub mod session;

pub use engines::Engines;
pub use outboard_script::{Language, UnknownLanguage};
pub use runtime::{NotResumed, Parts, RepeatRequest, RunRequest, Runtime, TakenRun};
