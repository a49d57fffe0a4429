//! The engine settings that compiled guests depend on. The guest compiler includes this very file,
//! so that what it compiles for and what runs here cannot drift apart. Nothing that only matters
//! at run time (pool, limits) stands here.

use wasmtime::Config;

/// Counts the changes of the messages between host and guest; both sides are checked for it.
pub(crate) const ABI: u32 = 5;

/// Address space set aside for each linear memory. All of what 32 bits can address, so that the
/// compiled code needs no bounds checks.
const MEMORY_RESERVATION: u64 = 4 << 30;

/// Unmapped space after each linear memory, for accesses with a constant offset.
const MEMORY_GUARD: u64 = 32 << 20;

/// Sets everything that decides whether a compiled guest can be loaded.
pub(crate) fn apply(config: &mut Config) {
    config
        .epoch_interruption(true)
        .memory_init_cow(true)
        .memory_may_move(false)
        .memory_reservation(MEMORY_RESERVATION)
        .memory_guard_size(MEMORY_GUARD)
        .guard_before_linear_memory(false)
        .generate_address_map(false)
        .native_unwind_info(cfg!(windows))
        .wasm_backtrace_max_frames(None);
}
