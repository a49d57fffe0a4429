//! What the host enforces upon a running guest: memory as it grows; processor time, the runtime's
//! stop flag and abandonment at every tick of the epoch. Does not enforce what the broker does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use outboard_runtime::{
    limits::{Limit, Limits},
    ports::engine::{StopFlag, StopReason, Stopped},
};
use wasmtime::ResourceLimiter;

/// The limits of one guest and what it has used of them.
#[derive(Debug)]
pub(crate) struct Meter {
    memory: Memory,
    cpu: Duration,
    cpu_used: Duration,
    /// Of its thread's processor time; `None` while the guest is on no thread. What its instance takes to be made is the
    /// host's.
    entered_at: Option<Duration>,
    stop: StopFlag,
    abandoned: Arc<AtomicBool>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, stop: StopFlag, abandoned: Arc<AtomicBool>) -> Self {
        let memory = Memory { limit: usize::try_from(limits.memory).unwrap_or(usize::MAX), refused: false };
        Self { memory, cpu: limits.cpu, cpu_used: Duration::ZERO, entered_at: None, stop, abandoned }
    }

    /// The guest is about to run on this thread. An error if it must not.
    pub(crate) fn enter(&mut self) -> Result<(), Stopped> {
        self.entered_at = Some(thread_time());
        self.check()
    }

    /// The guest has left this thread.
    pub(crate) fn leave(&mut self) {
        self.cpu_used += self.this_entry();
        self.entered_at = None;
    }

    /// Whether the guest may run on; called on its thread.
    pub(crate) fn check(&self) -> Result<(), Stopped> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Stopped::Cancelled);
        }
        match self.stop.reason() {
            Some(StopReason::Cancelled) => return Err(Stopped::Cancelled),
            Some(StopReason::Wall) => return Err(Stopped::Limit(Limit::Wall)),
            None => {}
        }
        if self.cpu_used + self.this_entry() > self.cpu {
            return Err(Stopped::Limit(Limit::Cpu));
        }
        Ok(())
    }

    /// Processor time since the guest came to this thread.
    fn this_entry(&self) -> Duration {
        self.entered_at.map_or(Duration::ZERO, |entered| thread_time().saturating_sub(entered))
    }

    /// Whether the guest has been denied memory.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory.refused
    }

    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

/// The guest's linear memory, as wasmtime asks about it.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    refused: bool,
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !granted;
        Ok(granted)
    }

    fn memory_grow_failed(&mut self, _: wasmtime::Error) -> wasmtime::Result<()> {
        self.refused = true;
        Ok(())
    }

    /// The one table has its size from the start; no instruction of the guest grows it.
    fn table_growing(&mut self, current: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(current == 0)
    }
}

/// Processor time that this thread has used.
#[cfg(unix)]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Where threads' processor time is not to be had, time in the guest counts as if it were.
#[cfg(not(unix))]
fn thread_time() -> Duration {
    use std::{sync::LazyLock, time::Instant};
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_not_charged_for_what_its_thread_did_before() {
        let limits = Limits { cpu: Duration::ZERO, ..Limits::default() };
        let mut meter = Meter::new(&limits, StopFlag::default(), Arc::default());
        while thread_time().is_zero() {}
        assert_eq!(meter.check(), Ok(()), "it is being opened");
        // Entering may itself take no measurable time, but going on does.
        let _ = meter.enter();
        while meter.check().is_ok() {}
        assert_eq!(meter.check(), Err(Stopped::Limit(Limit::Cpu)));
        meter.leave();
        assert_eq!(meter.check(), Err(Stopped::Limit(Limit::Cpu)), "what was used stays used");
    }
}
