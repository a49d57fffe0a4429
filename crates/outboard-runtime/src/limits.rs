//! Limits of a run. All are enforced by the host; a guest cannot lift them.
//! This module only names them: engines, broker and sessions enforce the ones in their care.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits of one run. The defaults are what a desktop user does not meet by accident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Time from start to end as a person sees it, waiting included. Does not count the wait for a turn when too many
    /// runs are under way, nor what comes after the script's last instruction: abandoning its calls, making the answer.
    pub wall: Duration,
    /// Processor time spent inside the guest. Does not count waiting, nor the host's own work for the run: checking
    /// arguments, searching, copying results, making the answer; each of these is bounded by itself.
    pub cpu: Duration,
    /// Bytes of the guest's linear memory; it bounds the script's timers, promises and unsent requests too. Does not
    /// cover what the host holds for the run: [`pending`](Self::pending), [`console`](Self::console), the value and the
    /// journal. A script that catches the refusal of more memory may go on with what it has.
    pub memory: u64,
    /// Tool calls a run may make in all, questions to Outboard itself (`tools.*`, `results.*`) included. Does not count
    /// calls that were refused for their names or arguments: nothing was sent for them.
    pub calls: u32,
    /// Tool calls in flight at once; further ones queue. Does not cover other runs' calls to the same upstream.
    pub concurrent_calls: u32,
    /// Time that one tool call may take, from being sent to its answer. Neither queueing nor the start of the upstream
    /// counts, nor waiting for it to list its tools for the first time, which may take as long again. An upstream's
    /// [`Terms`](crate::catalogue::Terms) may say another time.
    pub call: Duration,
    /// Bytes that the host holds of what is under way between the script and its tools. A request whose arguments would
    /// exceed it is refused, and while answers that the script has not taken yet exceed it no further call is sent. Does
    /// not cover answers to calls that were sent before: each may be as long as an upstream's message may be.
    pub pending: u64,
    /// Bytes of console text kept; what exceeds is dropped and said to be. Does not cover Outboard's own remarks there,
    /// one for each call that was not awaited.
    pub console: u64,
    /// Bytes of the script's value as JSON. Does not cover what of it is shown: that is for the answer's token budget.
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
            pending: 512 << 20,
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
