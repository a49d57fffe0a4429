//! The TypeScript guest: QuickJS-ng in WebAssembly, started from an image of its memory.
//! Talks to the pool and the embedded image. Strips no types: it is given JavaScript.

mod guest;
mod image;
mod url;
mod wire;

use std::sync::Arc;

use outboard_runtime::{
    ids::ImageHash,
    ports::engine::{Engine, EngineRefused, Guest, GuestWorld},
};
use wasmtime::{InstancePre, Linker};

use crate::{EngineBroken, PoolOptions, opening, pool, ticker::Ticker};
use guest::{QuickJsGuest, State};

/// Names that no namespace may take: they are the script's own way to Outboard.
const RESERVED: &[&str] = &["tools", "results", "resources", "prompts", "emit", "console"];

/// Runs JavaScript.
pub struct QuickJs {
    inner: Arc<Inner>,
    image: ImageHash,
    slots: u32,
}

/// What the engine and its guests share.
pub(crate) struct Inner {
    pub(crate) ready: InstancePre<State>,
    pub(crate) ticker: Ticker,
}

impl QuickJs {
    /// Loads the embedded guest and reserves the pool. Takes a few milliseconds.
    ///
    /// # Errors
    /// When the machine grants not even one slot, or the embedded guest does not suit it.
    pub fn new(options: &PoolOptions) -> Result<Self, EngineBroken> {
        let (engine, slots) = pool::engine(options)?;
        let (module, image) = image::load(&engine)?;
        let link = || {
            let mut linker = Linker::new(&engine);
            linker.func_wrap("outboard", "url", guest::url_import)?;
            linker.instantiate_pre(&module)
        };
        let ready = link().map_err(|source| EngineBroken::new("link the embedded guest", source))?;
        let ticker = Ticker::start(&engine)?;
        Ok(Self { inner: Arc::new(Inner { ready, ticker }), image, slots })
    }

    /// Guests that may exist at once.
    pub fn slots(&self) -> u32 {
        self.slots
    }
}

impl Engine for QuickJs {
    fn image(&self) -> &ImageHash {
        &self.image
    }

    fn open(&self, world: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        opening::open(RESERVED, self.slots, world, |world| QuickJsGuest::open(Arc::clone(&self.inner), world))
    }
}
