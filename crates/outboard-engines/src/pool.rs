//! The wasmtime engine and its pool of slots, from which a guest is made in microseconds.
//! Talks to wasmtime only. What a guest may use of its slot is for `limits`.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{EngineBroken, flags};

/// Native stack that WebAssembly may use. Recursion in a script is bounded by the guest's own C
/// stack long before; every kind of recursion uses at most about 22 times as much of this one.
pub(crate) const WASM_STACK: usize = 28 << 20;

/// What a guest's thread needs besides: the host's own functions.
const HOST_STACK: usize = 1 << 20;

/// Native stack of a thread that runs guests.
pub(crate) const THREAD_STACK: usize = WASM_STACK + HOST_STACK;

/// Memory of a slot that stays in the process between two guests. What a small script touches fits.
const KEEP_RESIDENT: usize = 2 << 20;

/// How much an engine may take of the machine.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Guests that may exist at once, running or parked. Each takes 4 GiB of address space, nothing
    /// else; where the system grants less of that, there are fewer slots.
    pub slots: u32,
    /// Bytes of linear memory that a guest can be allowed at most.
    pub memory: u64,
    /// Guests that run at the same moment; further ones queue.
    pub threads: usize,
    /// Unused slots that keep their memory warm.
    pub warm: u32,
}

impl Default for PoolOptions {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        Self { slots: 1024, memory: 2 << 30, threads: (processors * 8).max(32), warm: 64 }
    }
}

/// An engine with its pool, and the slots that it got.
pub(crate) fn engine(options: &PoolOptions) -> Result<(Engine, u32), EngineBroken> {
    let mut slots = options.slots.max(1);
    loop {
        // Resetting a slot page by page needs Linux 6.7 or later; elsewhere the whole is reset.
        let outcome = [Enabled::Yes, Enabled::No].into_iter().map(|scan| with_slots(options, slots, scan));
        let mut last = None;
        for made in outcome {
            match made {
                Ok(engine) => return Ok((engine, slots)),
                Err(error) => last = Some(error),
            }
        }
        if slots == 1 {
            let error = last.unwrap_or_else(|| wasmtime::format_err!("no pool"));
            return Err(EngineBroken::new("reserve address space", error));
        }
        slots = (slots / 2).max(1);
    }
}

fn with_slots(options: &PoolOptions, slots: u32, scan: Enabled) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_memories(slots)
        .total_tables(slots)
        .total_core_instances(slots)
        .max_unused_warm_slots(options.warm.min(slots))
        .max_memory_size(usize::try_from(options.memory.min(4 << 30))?)
        .linear_memory_keep_resident(KEEP_RESIDENT)
        .table_keep_resident(64 << 10)
        .table_elements(20_000)
        .pagemap_scan(scan);
    let mut config = Config::new();
    flags::apply(&mut config);
    // Checked against each other although nothing here is asynchronous.
    config.max_wasm_stack(WASM_STACK).async_stack_size(WASM_STACK);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
