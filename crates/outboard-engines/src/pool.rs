//! The wasmtime engine and its pool of slots, from which a guest is made in microseconds.
//! Talks to wasmtime only. What a guest may use of its slot is for `limits`.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{EngineBroken, flags};

/// Native stack that WebAssembly may use. Recursion in a script is bounded by the guest's own C
/// stack long before; every kind of recursion uses at most about 22 times as much of this one.
const WASM_STACK: usize = 28 << 20;

/// What of a guest's stack is beyond: for the host's own functions.
const HOST_STACK: usize = 1 << 20;

/// Memory of a stack that stays in the process between two guests.
const KEEP_STACK: usize = 16 << 10;

/// The same for the Python guest, whose interpreter counts its recursion in calls and not in bytes.
const COMPONENT_WASM_STACK: usize = 96 << 20;

/// Memory of a slot that stays in the process between two guests. What a small script touches fits.
const KEEP_RESIDENT: usize = 2 << 20;

/// The same for the Python guest, whose interpreter touches more before the script begins.
const COMPONENT_KEEP_RESIDENT: usize = 6 << 20;

/// Core instances, memories and tables of the Python guest.
const COMPONENT_INSTANCES: u32 = 40;
const COMPONENT_MEMORIES: u32 = 2;
const COMPONENT_TABLES: u32 = 8;

/// How much an engine may take of the machine.
#[derive(Clone, Debug)]
pub struct PoolOptions {
    /// Guests that may exist at once, running or waiting. Each takes 4 GiB of address space and a stack's, nothing
    /// else; where the system grants less of that, there are fewer slots.
    pub slots: u32,
    /// Bytes of linear memory that a guest can be allowed at most.
    pub memory: u64,
    /// Unused slots that keep their memory warm.
    pub warm: u32,
    /// Python guests that are made ahead of their runs; each takes about 4 MB and one of the slots until its run comes.
    pub ahead: u32,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self { slots: 1024, memory: 2 << 30, warm: 64, ahead: 1 }
    }
}

/// An engine with its pool for modules, and the slots that it got.
pub(crate) fn engine(options: &PoolOptions) -> Result<(Engine, u32), EngineBroken> {
    slots(options, with_slots)
}

/// An engine with its pool for components, and the slots that it got.
pub(crate) fn engine_of_components(options: &PoolOptions) -> Result<(Engine, u32), EngineBroken> {
    slots(options, with_component_slots)
}

/// As many slots as the system grants.
fn slots(
    options: &PoolOptions,
    with_slots: fn(&PoolOptions, u32, Enabled) -> wasmtime::Result<Engine>,
) -> Result<(Engine, u32), EngineBroken> {
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
    config(pool, slots, WASM_STACK)
}

fn with_component_slots(options: &PoolOptions, slots: u32, scan: Enabled) -> wasmtime::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .max_component_instance_size(4 << 20)
        .max_core_instances_per_component(COMPONENT_INSTANCES)
        .max_memories_per_component(COMPONENT_MEMORIES)
        .max_tables_per_component(COMPONENT_TABLES)
        .total_core_instances(slots.saturating_mul(COMPONENT_INSTANCES))
        .max_core_instance_size(4 << 20)
        .total_memories(slots.saturating_mul(COMPONENT_MEMORIES))
        .total_tables(slots.saturating_mul(COMPONENT_TABLES))
        .max_unused_warm_slots(options.warm.min(slots))
        .max_memory_size(usize::try_from(options.memory.min(4 << 30))?)
        .linear_memory_keep_resident(COMPONENT_KEEP_RESIDENT)
        .table_keep_resident(256 << 10)
        .table_elements(40_000)
        .pagemap_scan(scan);
    config(pool, slots, COMPONENT_WASM_STACK)
}

fn config(mut pool: PoolingAllocationConfig, slots: u32, stack: usize) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    flags::apply(&mut config);
    pool.total_stacks(slots).async_stack_keep_resident(KEEP_STACK);
    // Zeroing gives back what deep recursion took.
    config.max_wasm_stack(stack).async_stack_size(stack + HOST_STACK).async_stack_zeroing(true);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
