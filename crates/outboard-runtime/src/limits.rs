//! Limits of a run. All are enforced by the host; a guest cannot lift them.
//! This module only names them: engines, broker and sessions enforce the ones in their care.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one run. The defaults are what a desktop user does not meet by accident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Time from start to end as a person sees it, waiting included. Does not count the wait for a turn when too many
    /// runs are under way.
    pub wall: Duration,
    /// Processor time spent inside the guest. Does not count waiting, nor the host's own work.
    pub cpu: Duration,
    /// Bytes of the guest's linear memory. Does not cover what the host holds for the run. A script that catches the
    /// refusal of more memory may go on with what it has.
    pub memory: u64,
    /// Tool calls a run may make in all, questions to Outboard itself (`tools.*`, `results.*`) included.
    pub calls: u32,
    /// Tool calls in flight at once; further ones queue.
    pub concurrent_calls: u32,
    /// Time that one tool call may take, from being sent to its answer. Queueing does not count.
    pub call: Duration,
    /// Bytes of console text kept; what exceeds is dropped and said to be.
    pub console: u64,
    /// Bytes of the script's value as JSON.
    pub value: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall: Duration::from_secs(600),
            cpu: Duration::from_secs(30),
            memory: 512 << 20,
            calls: 10_000,
            concurrent_calls: 64,
            call: Duration::from_secs(120),
            console: 1 << 20,
            value: 128 << 20,
        }
    }
}

/// The limit that ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// [`Limits::wall`].
    Wall,
    /// [`Limits::cpu`].
    Cpu,
    /// [`Limits::memory`].
    Memory,
    /// The WebAssembly stack, in the rare case that the guest's own check did not see it coming.
    Stack,
    /// [`Limits::value`].
    Value,
}
