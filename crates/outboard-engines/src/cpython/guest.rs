//! One run's instance of the Python guest, from its opening to its end. Talks to the instance in the
//! functions of its world, on a stack of its own. Whatever the instance does, it ends in a step.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use futures::future::BoxFuture;
use outboard_runtime::{
    clock::RunTime,
    json::Json,
    limits::{Limit, Limits},
    ports::engine::{
        ConsoleLine, Delivery, Entry, Guest, GuestState, GuestWorld, Step, StopFlag, Stopped, Thrown,
    },
};
use wasmtime::{StoreContextMut, component::WasmList};

use super::{
    Inner,
    fresh::{Fresh, Outbox},
    random::Random,
    wire::{self, SPARE_CALLS},
};
use crate::{
    entering,
    errors::stopped_by,
    limits::Meter,
    wire::{Said, Standing, console_level},
};

/// What of the console's limit a line takes at least: short lines must come to an end too.
const SHORTEST_LINE: u64 = 8;

/// The guest's monotonic clock at the start of a run: some programs take zero for "never".
const MONOTONIC_START: Duration = Duration::from_secs(1_000);

/// What the store of an instance carries.
pub(crate) struct State {
    pub(super) meter: Meter,
    started_at: Duration,
    now: Duration,
    pub(crate) random: Random,
    console: Vec<ConsoleLine>,
    console_left: u64,
    console_dropped: u64,
}

impl State {
    /// At the beginning of a run.
    pub(super) fn of(world: &GuestWorld, abandoned: Arc<AtomicBool>) -> Self {
        Self {
            meter: Meter::new(&world.limits, world.stop.clone(), abandoned),
            started_at: Duration::from_millis(world.started_at.0),
            now: Duration::ZERO,
            random: Random::new(world.seed),
            console: Vec::new(),
            console_left: world.limits.console,
            console_dropped: 0,
        }
    }

    /// Before it belongs to a run.
    pub(super) fn of_nobody() -> Self {
        Self {
            meter: Meter::new(&Limits::default(), StopFlag::default(), Arc::default()),
            started_at: Duration::ZERO,
            now: Duration::ZERO,
            random: Random::new([0; 32]),
            console: Vec::new(),
            console_left: 0,
            console_dropped: 0,
        }
    }

    /// Time since 1970.
    pub(crate) fn wall(&self) -> Duration {
        self.started_at + self.now
    }

    /// Nanoseconds of a clock that only counts.
    pub(crate) fn monotonic(&self) -> u64 {
        u64::try_from((MONOTONIC_START + self.now).as_nanos()).unwrap_or(u64::MAX)
    }
}

/// An instance between two entries.
pub(crate) struct CPythonGuest {
    inner: Arc<Inner>,
    instance: Fresh,
    world: GuestWorld,
    asked: u32,
    abandoned: Arc<AtomicBool>,
}

impl CPythonGuest {
    /// One of the stock, or one made now.
    pub(crate) fn open(inner: Arc<Inner>, world: GuestWorld) -> wasmtime::Result<Self> {
        let abandoned = Arc::new(AtomicBool::new(false));
        let instance = match inner.made_ahead() {
            Some(mut instance) => {
                instance.belong_to(&world, Arc::clone(&abandoned))?;
                instance
            }
            None => Fresh::make(&inner.ready, State::of(&world, Arc::clone(&abandoned)))?,
        };
        Ok(Self { inner, instance, world, asked: 0, abandoned })
    }

    /// Runs to the next standstill.
    async fn step(mut self: Box<Self>, entry: Entry) -> Step {
        let inner = Arc::clone(&self.inner);
        let running = inner.ticker.running();
        let mut said = Said::default();
        let ended = self.run(entry, &mut said).await;
        drop(running);
        let state = self.state();
        let console = std::mem::take(&mut state.console);
        let console_dropped = said.console_dropped.saturating_add(std::mem::take(&mut state.console_dropped));
        let state = match ended {
            Err(stopped) => GuestState::Stopped(stopped),
            Ok(Ended::Waiting(timer)) => GuestState::Waiting { guest: self, timer },
            Ok(Ended::With(state)) => state,
        };
        Step { requests: said.requests, console, console_dropped, state }
    }

    async fn run(&mut self, entry: Entry, said: &mut Said) -> Result<Ended, Stopped> {
        self.state().meter.enter()?;
        self.instance.store.set_epoch_deadline(1);
        let ended = match entry {
            Entry::Start => self.begin(said).await,
            Entry::Deliver(deliveries) => self.deliver(&deliveries, said).await,
        };
        self.state().meter.leave();
        ended
    }

    async fn begin(&mut self, said: &mut Said) -> Result<Ended, Stopped> {
        if let Err(error) = self.instance.prepare().await {
            return Err(self.stopped(&error, said));
        }
        // Getting ready may have taken some of it, and must not matter to the run.
        self.state().random = Random::new(self.world.seed);
        let program = self.world.program.to_string();
        let called = self
            .instance
            .start
            .call_async(&mut self.instance.store, (program, wire::settings(&self.world)))
            .await;
        self.standing(called, said)
    }

    /// Hands over each delivery in its moment, with an entry of its own. What goes in together would decide where the
    /// script's objects lie, and so the order of its sets of tasks; a replay does not know what came together.
    async fn deliver(&mut self, deliveries: &[Delivery], said: &mut Said) -> Result<Ended, Stopped> {
        let mut last = Ended::Waiting(None);
        for delivery in deliveries {
            let at = delivery.at.0;
            self.state().now = at;
            let arguments = (at.as_secs_f64(), wire::deliveries(std::slice::from_ref(delivery)));
            let called = self.instance.deliver.call_async(&mut self.instance.store, arguments).await;
            last = self.standing(called, said)?;
            if !matches!(last, Ended::Waiting(_)) {
                break;
            }
        }
        Ok(last)
    }

    fn state(&mut self) -> &mut State {
        self.instance.store.data_mut()
    }

    /// What an entry that failed stopped by. Nothing may be sent for a run that is over.
    fn stopped(&self, error: &wasmtime::Error, said: &mut Said) -> Stopped {
        let stopped = stopped_by(error, self.instance.store.data().meter.memory_refused());
        if stopped == Stopped::Broken {
            tracing::error!(?error, "a guest broke");
        }
        said.requests.clear();
        stopped
    }

    /// Reads what an entry brought.
    fn standing(&mut self, called: wasmtime::Result<Outbox>, said: &mut Said) -> Result<Ended, Stopped> {
        let refused = self.instance.store.data().meter.memory_refused();
        let outbox = match called {
            Ok((outbox,)) => outbox,
            Err(error) => return Err(self.stopped(&error, said)),
        };
        let before = said.requests.len();
        let read = crate::wire::read(outbox.as_le_slice(&self.instance.store), said);
        let new = u32::try_from(said.requests.len() - before).unwrap_or(u32::MAX);
        self.asked = self.asked.saturating_add(new);
        // Each can be given up, which is a request too.
        let most = self.world.limits.calls.saturating_add(SPARE_CALLS).saturating_mul(2);
        let too_many = self.asked > most;
        // The console has a way of its own, on which it is counted.
        let told = said.console.is_empty();
        let value_limit = self.world.limits.value;
        let ended = said.standing.take().and_then(|standing| ended(standing, refused, value_limit));
        ended.filter(|_| read.is_ok() && !too_many && told).ok_or_else(|| {
            tracing::error!("a guest said what no guest says");
            said.requests.clear();
            Stopped::Broken
        })
    }
}

enum Ended {
    Waiting(Option<RunTime>),
    With(GuestState),
}

/// Where the guest stands, if it is one of the places for a Python guest.
fn ended(standing: Standing, memory_refused: bool, value_limit: u64) -> Option<Ended> {
    let out_of_memory = || Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Memory)));
    // The guest keeps this limit too, as long as its script lets it.
    let is_long = |value: &Json| u64::try_from(value.as_str().len()).is_ok_and(|length| length > value_limit);
    Some(match standing {
        Standing::Waiting(timer) => Ended::Waiting(timer),
        Standing::Returned(Some(value)) if is_long(&value) => {
            Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Value)))
        }
        Standing::Returned(value) => Ended::With(GuestState::Finished(value)),
        Standing::Threw(thrown) if memory_refused && is_out_of_memory(&thrown) => out_of_memory(),
        Standing::Threw(thrown) => Ended::With(GuestState::Threw(thrown)),
        Standing::Stuck if memory_refused => out_of_memory(),
        Standing::Stuck => Ended::With(GuestState::Stuck),
        Standing::ValueTooLong => Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Value))),
        Standing::Finished(_) => return None,
    })
}

fn is_out_of_memory(thrown: &Thrown) -> bool {
    thrown.name == "MemoryError"
}

impl Guest for CPythonGuest {
    fn enter(self: Box<Self>, entry: Entry) -> BoxFuture<'static, Step> {
        let abandoned = Arc::clone(&self.abandoned);
        entering::enter(abandoned, entering::bytes_of(&entry), self.step(entry))
    }
}

/// The guest's one import of ours: a line for the console, kept as far as the limit allows.
pub(crate) fn say(
    mut store: StoreContextMut<'_, State>,
    (level, text): (u8, WasmList<u8>),
) -> wasmtime::Result<()> {
    let left = store.data().console_left;
    let bytes = text.as_le_slice(&store);
    let length = u64::try_from(bytes.len())?;
    let kept = &bytes[..usize::try_from(length.min(left))?];
    let text = (left > 0).then(|| String::from_utf8_lossy(kept).into_owned());
    let state = store.data_mut();
    state.console_left = left.saturating_sub(length.max(SHORTEST_LINE));
    state.console_dropped = state.console_dropped.saturating_add(length.saturating_sub(left));
    let level = console_level(level);
    state.console.extend(text.zip(level).map(|(text, level)| ConsoleLine { level, text }));
    Ok(())
}
