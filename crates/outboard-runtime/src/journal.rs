//! The record of a run: append-only, enough to audit it, to resume it and to replay it exactly.
//!
//! A call's intent is recorded before it is sent: no record, no call. The journal does not decide anything; [`fold`] and
//! [`replay`] read it.

mod event;
mod fold;
mod memory;
mod redact;
mod replay;
mod savings;
mod store;
mod timeline;

pub use event::{
    Ending, Event, FORMAT, Intent, Opened, Origin, Reader, Reading, Resumed, Shown, Slot, Wrote,
};
pub use fold::{Folded, Malformed, fold};
pub use memory::MemoryStore;
pub use redact::{BadPattern, REDACTED, Redactor};
pub use replay::{Divergence, Replayed, replay, replay_redacted};
pub use savings::{Answers, By, Savings, savings, signed, split};
pub use store::{Append, Lease, RunEntry, RunState, Store, StoreFailure, StoreTrouble, Which, Written};
pub use timeline::{Step, StepOutcome, timeline};
