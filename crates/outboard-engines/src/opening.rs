//! What all engines do before a guest exists: refuse reserved names, and say in one way why no sandbox is to be had.
//! It knows no guest.

use outboard_runtime::ports::engine::{EngineRefused, Guest, GuestWorld};
use wasmtime::PoolConcurrencyLimitError;

/// Opens what `make` makes for this world. No namespace may have one of the `reserved` names; `slots` is how many guests
/// the pool can hold.
pub(crate) fn open<G: Guest>(
    reserved: &[&str],
    slots: u32,
    world: GuestWorld,
    make: impl FnOnce(GuestWorld) -> wasmtime::Result<G>,
) -> Result<Box<dyn Guest>, EngineRefused> {
    let refused = |reason| Err(EngineRefused { reason });
    if let Some(view) = world.namespaces.iter().find(|view| reserved.contains(&view.namespace.as_str())) {
        return refused(format!("`{}` is a reserved name, not a namespace", view.namespace));
    }
    let memory = world.limits.memory;
    match make(world) {
        Ok(guest) => Ok(Box::new(guest)),
        Err(error) if error.is::<PoolConcurrencyLimitError>() => {
            refused(format!("all {slots} sandboxes are in use; wait until a run has ended"))
        }
        Err(error) => {
            refused(format!("a sandbox with {} KiB of memory cannot be made: {error:#}", memory >> 10))
        }
    }
}
