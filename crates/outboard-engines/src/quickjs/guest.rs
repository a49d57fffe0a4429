//! One run's instance of the guest, from its opening to its end. Talks to the instance in the
//! messages of `wire`, on a stack of its own. Whatever the instance does, it ends in a step.

use std::{
    borrow::Cow,
    sync::{Arc, atomic::AtomicBool},
};

use futures::future::BoxFuture;
use outboard_runtime::{
    json::Json,
    limits::Limit,
    ports::engine::{Delivery, Entry, Guest, GuestState, GuestWorld, Step, Stopped, Thrown},
};
use wasmtime::{AsContext, Memory, Store, TypedFunc};

use super::{Inner, wire};
use crate::{
    entering,
    errors::stopped_by,
    limits::Meter,
    wire::{Said, Standing},
};

/// Results larger than this are not gathered with others into one message.
const BATCH_BYTES: usize = 1 << 20;

/// What the store of an instance carries.
pub(crate) struct State {
    pub(crate) meter: Meter,
    pub(crate) memory: Option<Memory>,
}

/// An instance between two entries.
pub(crate) struct QuickJsGuest {
    inner: Arc<Inner>,
    store: Store<State>,
    memory: Memory,
    functions: Functions,
    world: GuestWorld,
    abandoned: Arc<AtomicBool>,
}

/// The guest's exports that a run uses.
struct Functions {
    alloc: TypedFunc<u32, u32>,
    start: TypedFunc<(u32, u32), u32>,
    deliver: TypedFunc<(u32, u32), u32>,
    said: TypedFunc<(), u32>,
}

/// Ticks that a stopped guest has to say where its console lies: it takes microseconds.
const LAST_WORDS: u64 = 1_000;

impl QuickJsGuest {
    /// An instance in a slot of its own, nothing of it run yet.
    pub(crate) fn open(inner: Arc<Inner>, world: GuestWorld) -> wasmtime::Result<Self> {
        let abandoned = Arc::new(AtomicBool::new(false));
        let meter = Meter::new(&world.limits, world.stop.clone(), Arc::clone(&abandoned));
        let mut store = Store::new(inner.ready.module().engine(), State { meter, memory: None });
        store.limiter(|state| state.meter.memory());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
        let instance = inner.ready.instantiate(&mut store)?;
        let memory = instance
            .get_memory(&mut store, "memory")
            .ok_or_else(|| wasmtime::format_err!("the guest has no memory"))?;
        store.data_mut().memory = Some(memory);
        let functions = Functions {
            alloc: instance.get_typed_func(&mut store, "ob_alloc")?,
            start: instance.get_typed_func(&mut store, "ob_start")?,
            deliver: instance.get_typed_func(&mut store, "ob_deliver")?,
            said: instance.get_typed_func(&mut store, "ob_said")?,
        };
        Ok(Self { inner, store, memory, functions, world, abandoned })
    }

    /// Runs to the next standstill.
    async fn step(mut self: Box<Self>, entry: Entry) -> Step {
        let inner = Arc::clone(&self.inner);
        let running = inner.ticker.running();
        let mut said = Said::default();
        let ended = self.run(entry, &mut said).await;
        drop(running);
        let state = match ended {
            Err(stopped) => GuestState::Stopped(stopped),
            Ok(Ended::Waiting(timer)) => GuestState::Waiting { guest: self, timer },
            Ok(Ended::With(state)) => state,
        };
        Step { requests: said.requests, console: said.console, console_dropped: said.console_dropped, state }
    }

    async fn run(&mut self, entry: Entry, said: &mut Said) -> Result<Ended, Stopped> {
        self.store.data_mut().meter.enter()?;
        self.store.set_epoch_deadline(1);
        let ended = match entry {
            Entry::Start => {
                let message = wire::start(&self.world);
                self.call(&[message.into()], &self.functions.start.clone(), said).await
            }
            Entry::Deliver(deliveries) => self.deliver(&deliveries, said).await,
        };
        self.store.data_mut().meter.leave();
        ended
    }

    /// Hands deliveries over, small ones together and large ones alone.
    async fn deliver(&mut self, mut deliveries: &[Delivery], said: &mut Said) -> Result<Ended, Stopped> {
        let function = self.functions.deliver.clone();
        loop {
            let mut bytes = 0;
            let fitting = deliveries.iter().take_while(|delivery| {
                bytes += entering::size_of(delivery);
                bytes <= BATCH_BYTES
            });
            let (batch, rest) = deliveries.split_at(fitting.count().max(1).min(deliveries.len()));
            let ended = self.call(&wire::deliver(batch), &function, said).await?;
            if rest.is_empty() || !matches!(ended, Ended::Waiting(_)) {
                return Ok(ended);
            }
            deliveries = rest;
        }
    }

    /// One entry into the instance.
    async fn call(
        &mut self,
        message: &[Cow<'_, [u8]>],
        function: &TypedFunc<(u32, u32), u32>,
        said: &mut Said,
    ) -> Result<Ended, Stopped> {
        let called = self.exchange(message, function).await;
        let refused = self.store.data().meter.memory_refused();
        let step = match called {
            Ok(step) => step,
            Err(error) => {
                let stopped = stopped_by(&error, refused);
                if stopped == Stopped::Broken {
                    tracing::error!(?error, "a guest broke");
                } else {
                    self.take_last_words(said).await;
                }
                return Err(stopped);
            }
        };
        let data = self.memory.data(&self.store);
        read_step(data, step, said, refused, self.world.limits.value).ok_or_else(|| {
            tracing::error!("a guest said what no guest says");
            Stopped::Broken
        })
    }

    /// Takes what the script wrote to its console before the host stopped it. Its requests are not taken:
    /// nothing may be sent for a run that is over. A guest that cannot answer any more only loses its words.
    async fn take_last_words(&mut self, said: &mut Said) {
        self.store.set_epoch_deadline(LAST_WORDS);
        let Ok(step) = self.functions.said.call_async(&mut self.store, ()).await else { return };
        let mut last = Said::default();
        // The last record may be half written; what stands before it is whole.
        let _ = read_outbox(self.memory.data(&self.store), step, &mut last);
        said.console.append(&mut last.console);
        said.console_dropped = said.console_dropped.saturating_add(last.console_dropped);
    }

    async fn exchange(
        &mut self,
        message: &[Cow<'_, [u8]>],
        function: &TypedFunc<(u32, u32), u32>,
    ) -> wasmtime::Result<u32> {
        let length = u32::try_from(message.iter().map(|part| part.len()).sum::<usize>())?;
        let at = self.functions.alloc.call_async(&mut self.store, length).await?;
        let mut next = usize::try_from(at)?;
        for part in message {
            self.memory.write(&mut self.store, next, part)?;
            next += part.len();
        }
        function.call_async(&mut self.store, (at, length)).await
    }
}

enum Ended {
    Waiting(Option<outboard_runtime::clock::RunTime>),
    With(GuestState),
}

/// Reads the description of a standstill at `step`. The guest keeps the limit of the value by itself; it is kept here
/// too, before the value is read.
fn read_step(
    data: &[u8],
    step: u32,
    said: &mut Said,
    memory_refused: bool,
    value_limit: u64,
) -> Option<Ended> {
    let is_long = |length: usize| u64::try_from(length).is_ok_and(|length| length > value_limit);
    let too_long = || Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Value)));
    read_outbox(data, step, said)?;
    Some(match said.standing.take()? {
        Standing::Waiting(timer) => Ended::Waiting(timer),
        Standing::Finished(false) => Ended::With(GuestState::Finished(None)),
        Standing::Finished(true) => {
            let text = span_of_step(data, step, 2)?;
            if is_long(text.len()) {
                return Some(too_long());
            }
            let text = std::str::from_utf8(text).ok()?;
            Ended::With(GuestState::Finished(Some(Json::parse(text).ok()?)))
        }
        Standing::Returned(Some(value)) if is_long(value.as_str().len()) => too_long(),
        Standing::Returned(value) => Ended::With(GuestState::Finished(value)),
        Standing::Threw(thrown) if memory_refused && is_out_of_memory(&thrown) => {
            Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Memory)))
        }
        Standing::Threw(thrown) => Ended::With(GuestState::Threw(thrown)),
        // What would have settled the promise was lost with the memory for it.
        Standing::Stuck if memory_refused => Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Memory))),
        Standing::Stuck => Ended::With(GuestState::Stuck),
        Standing::ValueTooLong => too_long(),
    })
}

/// Reads the outbox that the description at `step` names, up to where it cannot be read.
fn read_outbox(data: &[u8], step: u32, said: &mut Said) -> Option<()> {
    crate::wire::read(span_of_step(data, step, 0)?, said).ok()
}

/// The bytes that two words of the description at `step` name: where, and how many.
fn span_of_step(data: &[u8], step: u32, index: usize) -> Option<&[u8]> {
    let word = |index: usize| -> Option<usize> {
        let from = usize::try_from(step).ok()?.checked_add(index * 4)?;
        let bytes = data.get(from..from.checked_add(4)?)?.first_chunk()?;
        usize::try_from(u32::from_le_bytes(*bytes)).ok()
    };
    let (from, length) = (word(index)?, word(index + 1)?);
    if length == 0 { Some(&[]) } else { data.get(from..from.checked_add(length)?) }
}

/// QuickJS throws an `InternalError` when memory is refused, `null` if there is none left for that, and
/// its texts may be lost in the same way.
fn is_out_of_memory(thrown: &Thrown) -> bool {
    matches!((&*thrown.name, &*thrown.message), ("InternalError", _) | ("Uncaught", "null") | ("", ""))
}

impl Guest for QuickJsGuest {
    fn enter(self: Box<Self>, entry: Entry) -> BoxFuture<'static, Step> {
        let abandoned = Arc::clone(&self.abandoned);
        entering::enter(abandoned, entering::bytes_of(&entry), self.step(entry))
    }
}

/// The guest's one import: `url(what, in, in_len, out, out_max) -> length`, 0 for no URL.
pub(crate) fn url_import(
    mut caller: wasmtime::Caller<'_, State>,
    what: u32,
    input: u32,
    input_length: u32,
    out: u32,
    out_max: u32,
) -> u32 {
    let operated = (|| {
        let memory = caller.data().memory?;
        let from = usize::try_from(input).ok()?;
        let to = from.checked_add(usize::try_from(input_length).ok()?)?;
        let parts = super::url::operate(what, memory.data(caller.as_context()).get(from..to)?)?;
        let length = u32::try_from(parts.len()).ok().filter(|length| *length <= out_max)?;
        memory.write(&mut caller, usize::try_from(out).ok()?, &parts).ok()?;
        Some(length)
    })();
    operated.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The memory of a guest that says what it likes of its end: the outbox at 16, its value behind.
    fn memory(outbox: &[u8], value: &[u8]) -> Vec<u8> {
        let word = |number: usize| u32::try_from(number).unwrap().to_le_bytes();
        let step = [16, outbox.len(), 16 + outbox.len(), value.len()].map(word).concat();
        [&step[..], outbox, value].concat()
    }

    fn ends_at_the_limit(outbox: &[u8], value: &[u8], limit: u64) -> bool {
        let ended = read_step(&memory(outbox, value), 0, &mut Said::default(), false, limit);
        matches!(ended, Some(Ended::With(GuestState::Stopped(Stopped::Limit(Limit::Value)))))
    }

    #[test]
    fn a_guest_that_does_not_keep_the_limit_of_the_value_is_stopped_by_the_host() {
        let (beside, within) = (&[11_u8, 1][..], [&[15_u8, 1, 7, 0, 0, 0][..], b"[1,2,3]"].concat());
        for (name, outbox, value) in
            [("beside the outbox", beside, &b"[1,2,3]"[..]), ("in the outbox", &within[..], &[])]
        {
            assert!(!ends_at_the_limit(outbox, value, 7), "{name}");
            assert!(ends_at_the_limit(outbox, value, 6), "{name}");
        }
        // What is too long is not read, so it does not matter what it is.
        assert!(ends_at_the_limit(beside, &[0xFF; 100], 99));
        assert!(read_step(&memory(beside, &[0xFF; 100]), 0, &mut Said::default(), false, 100).is_none());
    }
}
