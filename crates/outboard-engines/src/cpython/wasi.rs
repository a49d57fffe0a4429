//! What CPython finds where it looks for a system: a clock that stands still between entries, random
//! bytes from the run's seed, no arguments, no environment, no files, closed streams and no network.
//! What is not defined here traps. Reaches nothing of the host.

use wasmtime::{
    AsContextMut, Result, StoreContextMut, bail,
    component::{Component, Linker, LinkerInstance, Resource, Val},
};

use super::guest::State;

/// Random bytes handed over at once at most.
const MOST_RANDOM: u64 = 64 << 20;

/// Defines the system for each interface that the component imports, under its own version.
pub(crate) fn define(linker: &mut Linker<State>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    let names: Vec<String> =
        component.component_type().imports(&engine).map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let Some((interface, _)) = name.split_once('@') else { continue };
        let mut instance = linker.instance(&name)?;
        match interface {
            "wasi:cli/environment" => environment(&mut instance)?,
            "wasi:cli/stdin" => stream(&mut instance, "get-stdin")?,
            "wasi:cli/stdout" => stream(&mut instance, "get-stdout")?,
            "wasi:cli/stderr" => stream(&mut instance, "get-stderr")?,
            "wasi:cli/terminal-stdin" => constant(&mut instance, "get-terminal-stdin", Val::Option(None))?,
            "wasi:cli/terminal-stdout" => constant(&mut instance, "get-terminal-stdout", Val::Option(None))?,
            "wasi:cli/terminal-stderr" => constant(&mut instance, "get-terminal-stderr", Val::Option(None))?,
            "wasi:clocks/wall-clock" => wall_clock(&mut instance)?,
            "wasi:clocks/monotonic-clock" => monotonic_clock(&mut instance)?,
            "wasi:random/random" => random(&mut instance)?,
            "wasi:filesystem/preopens" => constant(&mut instance, "get-directories", Val::List(Vec::new()))?,
            "wasi:io/poll" => poll(&mut instance)?,
            "wasi:io/streams" => closed_streams(&mut instance)?,
            "wasi:sockets/tcp-create-socket" => refuse(&mut instance, "create-tcp-socket")?,
            "wasi:sockets/udp-create-socket" => refuse(&mut instance, "create-udp-socket")?,
            _ => {}
        }
    }
    Ok(())
}

/// A function without effect that always answers the same.
fn constant(instance: &mut LinkerInstance<'_, State>, name: &str, value: Val) -> Result<()> {
    instance.func_new(name, move |mut store, _, params, results| {
        drop_borrowed(&mut store, params)?;
        answer(results, value.clone())
    })
}

fn environment(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    constant(instance, "get-environment", Val::List(Vec::new()))?;
    constant(instance, "get-arguments", Val::List(Vec::new()))?;
    constant(instance, "initial-cwd", Val::Option(None))
}

/// A handle of something that is closed, or always ready.
fn stream(instance: &mut LinkerInstance<'_, State>, name: &str) -> Result<()> {
    instance.func_new(name, |mut store, _, params, results| {
        drop_borrowed(&mut store, params)?;
        let handle = Resource::<()>::new_own(0).try_into_resource_any(&mut store)?;
        answer(results, Val::Resource(handle))
    })
}

fn wall_clock(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    let datetime = |seconds, nanoseconds| {
        Val::Record(vec![
            ("seconds".into(), Val::U64(seconds)),
            ("nanoseconds".into(), Val::U32(nanoseconds)),
        ])
    };
    instance.func_new("now", move |store, _, _, results| {
        let now = store.data().wall();
        answer(results, datetime(now.as_secs(), now.subsec_nanos()))
    })?;
    constant(instance, "resolution", datetime(0, 1_000))
}

fn monotonic_clock(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap("now", |store, (): ()| Ok((store.data().monotonic(),)))?;
    constant(instance, "resolution", Val::U64(1_000))?;
    stream(instance, "subscribe-instant")?;
    stream(instance, "subscribe-duration")
}

fn random(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_wrap("get-random-bytes", |mut store: StoreContextMut<'_, State>, (length,): (u64,)| {
        if length > MOST_RANDOM {
            bail!("the guest asks for {length} random bytes at once");
        }
        let mut bytes = vec![0; usize::try_from(length)?];
        store.data_mut().random.fill(&mut bytes);
        Ok((bytes,))
    })?;
    instance.func_wrap("get-random-u64", |mut store: StoreContextMut<'_, State>, (): ()| {
        let mut bytes = [0; 8];
        store.data_mut().random.fill(&mut bytes);
        Ok((u64::from_le_bytes(bytes),))
    })
}

/// Nothing is ever waited for: whoever waits in a loop meets the limit of processor time.
fn poll(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    instance.func_new("poll", |mut store, _, params, results| {
        let count = match params.first() {
            Some(Val::List(handles)) => handles.len(),
            _ => 0,
        };
        drop_borrowed(&mut store, params)?;
        let ready = (0..u32::try_from(count)?).map(Val::U32).collect();
        answer(results, Val::List(ready))
    })?;
    constant(instance, "[method]pollable.ready", Val::Bool(true))?;
    instance.func_new("[method]pollable.block", |mut store, _, params, _| drop_borrowed(&mut store, params))
}

fn closed_streams(instance: &mut LinkerInstance<'_, State>) -> Result<()> {
    let closed = Val::Result(Err(Some(Box::new(Val::Variant("closed".into(), None)))));
    for name in ["read", "blocking-read", "skip", "blocking-skip"] {
        constant(instance, &format!("[method]input-stream.{name}"), closed.clone())?;
    }
    for name in [
        "check-write",
        "write",
        "blocking-write-and-flush",
        "flush",
        "blocking-flush",
        "write-zeroes",
        "blocking-write-zeroes-and-flush",
        "splice",
        "blocking-splice",
    ] {
        constant(instance, &format!("[method]output-stream.{name}"), closed.clone())?;
    }
    stream(instance, "[method]input-stream.subscribe")?;
    stream(instance, "[method]output-stream.subscribe")
}

fn refuse(instance: &mut LinkerInstance<'_, State>, name: &str) -> Result<()> {
    constant(instance, name, Val::Result(Err(Some(Box::new(Val::Enum("access-denied".into()))))))
}

fn answer(results: &mut [Val], value: Val) -> Result<()> {
    let Some(result) = results.first_mut() else { bail!("a function of the system without a result") };
    *result = value;
    Ok(())
}

/// Borrowed handles must be given back before a function returns.
fn drop_borrowed(store: &mut StoreContextMut<'_, State>, params: &[Val]) -> Result<()> {
    for param in params {
        match param {
            Val::Resource(handle) => {
                // Taking a borrowed handle out of its table is all that dropping it means.
                let _taken = handle.try_into_resource::<()>(store.as_context_mut())?;
            }
            Val::List(items) => drop_borrowed(store, items)?,
            _ => {}
        }
    }
    Ok(())
}
