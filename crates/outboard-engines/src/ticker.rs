//! The engine's epoch: a thread that makes running guests look at their limits every few
//! milliseconds. It sleeps while no guest runs. It does not know any guest.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, Thread},
    time::Duration,
};

use wasmtime::Engine;

use crate::EngineBroken;

/// Time between two looks of a guest at its limits; a limit is overrun by about as much.
pub const TICK: Duration = Duration::from_millis(2);

/// Ticks without a guest before the thread goes to sleep: waking it costs more than a short entry.
const IDLE_TICKS: u32 = 100;

/// Keeps the epoch of one engine moving while guests run.
#[derive(Debug)]
pub struct Ticker {
    shared: Arc<Shared>,
    thread: Thread,
}

#[derive(Debug, Default)]
struct Shared {
    running: AtomicUsize,
    asleep: AtomicBool,
}

/// A guest is running for as long as this lives.
#[derive(Debug)]
pub struct Running<'a>(&'a Shared);

impl Ticker {
    /// Starts the thread. It ends by itself after the ticker is dropped.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(engine: &Engine) -> Result<Self, EngineBroken> {
        let shared = Arc::new(Shared::default());
        let (engine, of_thread) = (engine.weak(), Arc::downgrade(&shared));
        let thread = thread::Builder::new()
            .name("outboard-epoch".into())
            .spawn(move || tick(&engine, &of_thread))
            .map_err(|source| EngineBroken { what: "start the epoch thread", source: source.into() })?;
        Ok(Self { shared, thread: thread.thread().clone() })
    }

    /// Marks a guest as running.
    pub fn running(&self) -> Running<'_> {
        self.shared.running.fetch_add(1, Ordering::SeqCst);
        if self.shared.asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
        Running(&self.shared)
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.asleep.store(false, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

fn tick(engine: &wasmtime::EngineWeak, shared: &Weak<Shared>) {
    let mut idle = 0;
    while let (Some(engine), Some(shared)) = (engine.upgrade(), shared.upgrade()) {
        idle = if shared.running.load(Ordering::SeqCst) > 0 { 0 } else { idle + 1 };
        if idle > IDLE_TICKS {
            shared.asleep.store(true, Ordering::SeqCst);
            // A guest that started just before has not seen the flag; it is seen here.
            if shared.running.load(Ordering::SeqCst) == 0 {
                drop((engine, shared));
                thread::park();
                idle = 0;
                continue;
            }
            shared.asleep.store(false, Ordering::SeqCst);
        }
        engine.increment_epoch();
        drop((engine, shared));
        thread::park_timeout(TICK);
    }
}
