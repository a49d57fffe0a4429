//! What the host enforces upon a running guest: memory as it grows; processor time, the runtime's
//! stop flag and abandonment at every tick of the epoch. Does not enforce what the broker does.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use outboard_runtime::{
    limits::{Limit, Limits},
    ports::engine::{StopFlag, StopReason, Stopped},
};
use wasmtime::{ResourceLimiter, UpdateDeadline};

use crate::{entering::SHORT, errors::StopNow};

/// The limits of one guest and what it has used of them.
#[derive(Debug)]
pub(crate) struct Meter {
    memory: Memory,
    cpu: Duration,
    cpu_used: Duration,
    entered: Arc<Entered>,
    /// It has left the thread that it was entered on, and has one of its own.
    moved: bool,
    stop: StopFlag,
    abandoned: Arc<AtomicBool>,
}

impl Meter {
    pub(crate) fn new(limits: &Limits, stop: StopFlag, abandoned: Arc<AtomicBool>) -> Self {
        let memory =
            Memory { limit: usize::try_from(limits.memory).unwrap_or(usize::MAX), used: 0, refused: false };
        Self {
            memory,
            cpu: limits.cpu,
            cpu_used: Duration::ZERO,
            entered: Arc::default(),
            moved: false,
            stop,
            abandoned,
        }
    }

    /// The guest is about to run on this thread. An error if it must not.
    pub(crate) fn enter(&mut self) -> Result<(), Stopped> {
        self.moved = false;
        self.entered.now();
        self.check_after(Duration::ZERO)
    }

    /// The guest has left this thread.
    pub(crate) fn leave(&mut self) {
        self.cpu_used += self.entered.ago();
        self.entered.forget();
    }

    /// What a guest does at a tick: end, go on, or first leave the thread that it was entered on.
    pub(crate) fn tick(&mut self) -> wasmtime::Result<UpdateDeadline> {
        let this_entry = self.entered.ago();
        self.check_after(this_entry).map_err(StopNow)?;
        if self.moved || this_entry < SHORT {
            return Ok(UpdateDeadline::Continue(1));
        }
        self.leave();
        self.moved = true;
        let move_away = MoveAway { left: false, entered: Arc::clone(&self.entered) };
        Ok(UpdateDeadline::YieldCustom(1, Box::pin(move_away)))
    }

    /// Whether the guest may run on after `this_entry` of processor time.
    fn check_after(&self, this_entry: Duration) -> Result<(), Stopped> {
        if self.abandoned.load(Ordering::Relaxed) {
            return Err(Stopped::Cancelled);
        }
        match self.stop.reason() {
            Some(StopReason::Cancelled) => return Err(Stopped::Cancelled),
            Some(StopReason::Wall) => return Err(Stopped::Limit(Limit::Wall)),
            None => {}
        }
        if self.cpu_used + this_entry > self.cpu {
            return Err(Stopped::Limit(Limit::Cpu));
        }
        Ok(())
    }

    /// Whether the guest has been denied memory.
    pub(crate) fn memory_refused(&self) -> bool {
        self.memory.refused
    }

    pub(crate) fn memory(&mut self) -> &mut Memory {
        &mut self.memory
    }
}

/// When a guest came to its thread, in nanoseconds of that thread's processor time; zero while it is on none. What its
/// instance takes to be made is the host's.
#[derive(Debug, Default)]
struct Entered(AtomicU64);

impl Entered {
    fn now(&self) {
        self.0.store(nanoseconds(thread_time()).max(1), Ordering::Relaxed);
    }

    fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Processor time since then; called on its thread.
    fn ago(&self) -> Duration {
        match self.0.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            entered => Duration::from_nanos(nanoseconds(thread_time()).saturating_sub(entered)),
        }
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Is pending once, and notes when the guest goes on, on the thread that it goes on on.
struct MoveAway {
    left: bool,
    entered: Arc<Entered>,
}

impl Future for MoveAway {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.left {
            self.entered.now();
            return Poll::Ready(());
        }
        self.left = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The guest's linear memory, as wasmtime asks about it.
#[derive(Debug)]
pub(crate) struct Memory {
    limit: usize,
    used: usize,
    refused: bool,
}

impl Memory {
    /// Bytes that it has grown to.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    /// Takes over a memory that has grown to `used` bytes.
    ///
    /// # Errors
    /// When that is beyond the limit.
    pub(crate) fn start_from(&mut self, used: usize) -> wasmtime::Result<()> {
        self.used = used;
        if used > self.limit {
            wasmtime::bail!("it takes {} KiB before anything runs", used >> 10);
        }
        Ok(())
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let granted = desired <= self.limit && maximum.is_none_or(|maximum| desired <= maximum);
        self.refused |= !granted;
        if granted {
            self.used = self.used.max(desired);
        }
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

    fn meter(cpu: Duration) -> Meter {
        let limits = Limits { cpu, ..Limits::default() };
        Meter::new(&limits, StopFlag::default(), Arc::default())
    }

    fn check(meter: &Meter) -> Result<(), Stopped> {
        meter.check_after(meter.entered.ago())
    }

    #[test]
    fn a_guest_is_not_charged_for_what_its_thread_did_before() {
        let mut meter = meter(Duration::ZERO);
        while thread_time().is_zero() {}
        assert_eq!(check(&meter), Ok(()), "it is being opened");
        assert_eq!(meter.enter(), Ok(()));
        // Going on takes time.
        while check(&meter).is_ok() {}
        meter.leave();
        assert_eq!(check(&meter), Err(Stopped::Limit(Limit::Cpu)), "what was used stays used");
        assert_eq!(meter.enter(), Err(Stopped::Limit(Limit::Cpu)));
    }

    #[test]
    fn a_guest_that_lasts_leaves_its_thread_once_and_is_charged_on_both() {
        let mut meter = meter(Duration::from_secs(3600));
        meter.enter().unwrap();
        let mut leaving = loop {
            match meter.tick().unwrap() {
                UpdateDeadline::Continue(1) => {}
                UpdateDeadline::YieldCustom(1, leaving) => break leaving,
                _ => panic!("neither goes on nor leaves"),
            }
        };
        let used = meter.cpu_used;
        assert!(used >= SHORT);
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(leaving.as_mut().poll(&mut context).is_pending());
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while thread_time() < SHORT * 4 {}
                assert!(leaving.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready());
                let before = thread_time();
                while thread_time() < before + SHORT {}
                assert!(matches!(meter.tick(), Ok(UpdateDeadline::Continue(1))), "it leaves once");
                meter.leave();
            });
        });
        let there = meter.cpu_used - used;
        assert!((SHORT..SHORT * 3).contains(&there), "{there:?} of the second thread");
    }
}
