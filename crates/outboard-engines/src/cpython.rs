//! The Python guest: CPython 3.14 in a WebAssembly component that holds its start image.
//! Talks to the pool and the stored guest.
//! Parses nothing: it is given the script's text.

mod fresh;
mod guest;
mod image;
mod marshal;
mod random;
mod stock;
#[cfg(any(outboard_packed, test))]
mod store;
mod wasi;
mod wire;

use std::{path::Path, sync::Arc};

use outboard_runtime::{
    ids::ImageHash,
    ports::engine::{Engine, EngineRefused, Guest, GuestWorld},
};
use wasmtime::component::{InstancePre, Linker};

use crate::{EngineBroken, PoolOptions, opening, pool, ticker::Ticker};
use fresh::Fresh;
use guest::{CPythonGuest, State};
use stock::Stock;

/// Names that no namespace may take: they are the script's own way to Outboard.
const RESERVED: &[&str] = &["tools", "results", "resources", "prompts", "emit", "print", "ToolError"];

/// Runs Python.
pub struct CPython {
    inner: Arc<Inner>,
    image: ImageHash,
    slots: u32,
}

/// What the engine and its guests share.
pub(crate) struct Inner {
    pub(crate) ready: InstancePre<State>,
    pub(crate) ticker: Arc<Ticker>,
    stock: Option<Stock>,
}

impl Inner {
    /// An instance that was made ahead of its run, if there is one.
    fn made_ahead(&self) -> Option<Fresh> {
        self.stock.as_ref()?.take()
    }
}

impl CPython {
    /// Loads the guest and reserves the pool: some milliseconds. It is kept in the folder `store`, which is made so
    /// that only this user can write to it; the first time it is unpacked to there, which takes part of a second.
    ///
    /// # Errors
    /// When the guest cannot be unpacked, does not suit this machine, or not even one slot is granted.
    pub fn load(options: &PoolOptions, store: &Path) -> Result<Self, EngineBroken> {
        let image = image::hash()?;
        let (engine, slots) = pool::engine_of_components(options)?;
        let component = image::load(&engine, store)?;
        let link = || {
            let mut linker = Linker::new(&engine);
            wasi::define(&mut linker, &component)?;
            linker.root().func_wrap("say", guest::say)?;
            linker.define_unknown_imports_as_traps(&component)?;
            linker.instantiate_pre(&component)
        };
        let ready = link().map_err(|source| EngineBroken::new("link the Python guest", source))?;
        let ticker = Arc::new(Ticker::start(&engine)?);
        // A slot is left for runs: an instance in the making cannot be taken yet.
        let stock = match options.ahead.min(slots.saturating_sub(1)) {
            0 => None,
            most => Some(Stock::start(ready.clone(), Arc::clone(&ticker), most as usize)?),
        };
        Ok(Self { inner: Arc::new(Inner { ready, ticker, stock }), image, slots })
    }

    /// Sandboxes that are made already and wait for their runs.
    pub fn made_ahead(&self) -> usize {
        self.inner.stock.as_ref().map_or(0, Stock::len)
    }

    /// Guests that may exist at once.
    pub fn slots(&self) -> u32 {
        self.slots
    }
}

impl Engine for CPython {
    fn image(&self) -> &ImageHash {
        &self.image
    }

    fn open(&self, world: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        opening::open(RESERVED, self.slots, world, |world| CPythonGuest::open(Arc::clone(&self.inner), world))
    }
}
