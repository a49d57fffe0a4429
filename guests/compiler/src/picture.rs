//! Runs a guest up to the moment at which every run will start and takes its memory.
//! Only memory is taken: between two entries nothing else of an instance differs from a fresh one.

use wasmtime::{Caller, Config, Engine, Instance, Linker, Memory, Module, OptLevel, Store, TypedFunc};
use wasmtime::{Result, bail, error::Context};

use crate::flags;

/// The memory of the guest after its initialisation and its prelude, whole pages.
pub fn take(wasm: &[u8], prelude: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    // This code runs once: compiling it quickly is all that matters.
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::None).max_wasm_stack(64 << 20).async_stack_size(64 << 20);
    std::thread::scope(|scope| {
        let run = || run(&config, wasm, prelude);
        let thread = std::thread::Builder::new().stack_size(80 << 20).spawn_scoped(scope, run)?;
        thread.join().map_err(|_| wasmtime::format_err!("the guest's initialisation panicked"))?
    })
}

fn run(config: &Config, wasm: &[u8], prelude: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    let engine = Engine::new(config)?;
    let module = Module::new(&engine, wasm)?;
    let mut linker = Linker::new(&engine);
    // A prelude that parses URLs while it is loaded would be wrong anyway.
    linker.func_wrap("outboard", "url", |_: Caller<'_, ()>, _: u32, _: u32, _: u32, _: u32, _: u32| 0u32)?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &module)?;
    let guest = Guest { memory: instance.get_memory(&mut store, "memory").context("no memory")?, instance };

    let abi = guest.function::<(), u32>(&mut store, "ob_abi")?.call(&mut store, ())?;
    if abi != flags::ABI {
        bail!("the guest speaks version {abi} of the messages, the host {}", flags::ABI);
    }
    guest.function::<(), ()>(&mut store, "_initialize")?.call(&mut store, ())?;
    guest.function::<(), ()>(&mut store, "ob_init")?.call(&mut store, ())?;
    let evaluate = guest.function::<(u32, u32, u32), u32>(&mut store, "ob_prelude")?;
    for (name, source) in prelude {
        let name_at = guest.put(&mut store, name.as_bytes())?;
        let source_at = guest.put(&mut store, source)?;
        let failed = evaluate.call(&mut store, (name_at, source_at, u32::try_from(source.len())?))?;
        if failed != 0 {
            bail!("{name} threw; it said: {}", guest.complaint(&mut store)?);
        }
        guest.function::<u32, ()>(&mut store, "ob_free")?.call(&mut store, name_at)?;
        guest.function::<u32, ()>(&mut store, "ob_free")?.call(&mut store, source_at)?;
    }
    guest.function::<(), ()>(&mut store, "ob_settle_image")?.call(&mut store, ())?;
    Ok(guest.memory.data(&store).to_vec())
}

struct Guest {
    instance: Instance,
    memory: Memory,
}

impl Guest {
    fn function<P, R>(&self, store: &mut Store<()>, name: &str) -> Result<TypedFunc<P, R>>
    where
        P: wasmtime::WasmParams,
        R: wasmtime::WasmResults,
    {
        Ok(self.instance.get_typed_func(store, name)?)
    }

    /// Copies bytes and a NUL into the guest.
    fn put(&self, store: &mut Store<()>, bytes: &[u8]) -> Result<u32> {
        let allocate = self.function::<u32, u32>(store, "ob_alloc")?;
        let at = allocate.call(&mut *store, u32::try_from(bytes.len())? + 1)?;
        self.memory.write(&mut *store, at as usize, bytes)?;
        self.memory.write(&mut *store, at as usize + bytes.len(), &[0])?;
        Ok(at)
    }

    /// What the guest would have told its host: legible enough for the author of a prelude.
    fn complaint(&self, store: &mut Store<()>) -> Result<String> {
        let at = self.function::<(), u32>(store, "ob_said")?.call(&mut *store, ())? as usize;
        let data = self.memory.data(&*store);
        let word = |at: usize| -> Option<usize> {
            Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?) as usize)
        };
        let text = word(at).zip(word(at + 4)).and_then(|(from, len)| data.get(from..from + len));
        Ok(String::from_utf8_lossy(text.unwrap_or_default())
            .replace(|c: char| c.is_control() && c != '\n', " "))
    }
}
