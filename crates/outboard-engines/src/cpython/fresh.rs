//! An instance of the Python guest that belongs to no run yet. Before it is given to one it is made ready by the guest
//! itself, which does once what every script makes it do; that is the same for all and knows nothing of any run.

use std::sync::{Arc, atomic::AtomicBool};

use outboard_runtime::ports::engine::GuestWorld;
use wasmtime::{
    Store,
    component::{InstancePre, TypedFunc, WasmList},
};

use super::guest::State;

/// What each entry returns.
pub(super) type Outbox = (WasmList<u8>,);

/// An instance and its functions.
pub(super) struct Fresh {
    pub(super) store: Store<State>,
    pub(super) start: TypedFunc<(String, String), Outbox>,
    pub(super) deliver: TypedFunc<(f64, Vec<u8>), Outbox>,
    prepare: TypedFunc<(), ()>,
    prepared: bool,
}

impl Fresh {
    /// An instance in a slot of its own, nothing of it run yet.
    pub(super) fn make(ready: &InstancePre<State>, state: State) -> wasmtime::Result<Self> {
        let mut store = Store::new(ready.engine(), state);
        store.limiter(|state| state.meter.memory());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| store.data_mut().meter.tick());
        let instance = ready.instantiate(&mut store)?;
        let start = instance.get_typed_func(&mut store, "start")?;
        let deliver = instance.get_typed_func(&mut store, "deliver")?;
        let prepare = instance.get_typed_func(&mut store, "prepare")?;
        Ok(Self { store, start, deliver, prepare, prepared: false })
    }

    /// Makes it ready, if it is not.
    pub(super) async fn prepare(&mut self) -> wasmtime::Result<()> {
        if !self.prepared {
            self.prepare.call_async(&mut self.store, ()).await?;
            self.prepared = true;
        }
        Ok(())
    }

    /// Makes it a run's.
    ///
    /// # Errors
    /// When it takes more memory than the run may have.
    pub(super) fn belong_to(
        &mut self,
        world: &GuestWorld,
        abandoned: Arc<AtomicBool>,
    ) -> wasmtime::Result<()> {
        let state = self.store.data_mut();
        let used = state.meter.memory().used();
        *state = State::of(world, abandoned);
        state.meter.memory().start_from(used)
    }
}
