//! The Python guest: CPython 3.14 in a WebAssembly component that holds its start image.
//! Talks to the pool, the threads and the stored engine, which is loaded when it is first needed.
//! Parses nothing: it is given the script's text.

mod guest;
mod image;
mod random;
mod wasi;
mod wire;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
};

use outboard_runtime::{
    ids::ImageHash,
    ports::engine::{Engine, EngineRefused, Guest, GuestWorld},
};
use wasmtime::{
    PoolConcurrencyLimitError,
    component::{InstancePre, Linker},
};

use crate::{EngineBroken, PoolOptions, pool, threads::Threads, ticker::Ticker};
use guest::{CPythonGuest, State};

/// Names that no namespace may take: they are the script's own way to Outboard.
const RESERVED: &[&str] = &["tools", "results", "resources", "prompts", "emit", "print", "ToolError"];

/// Runs Python.
pub struct CPython {
    options: PoolOptions,
    store: PathBuf,
    image: ImageHash,
    loaded: OnceLock<Result<Loaded, Arc<EngineBroken>>>,
}

/// What is there once the engine has been loaded.
struct Loaded {
    inner: Arc<Inner>,
    slots: u32,
}

/// What the engine and its guests share.
pub(crate) struct Inner {
    pub(crate) ready: InstancePre<State>,
    pub(crate) ticker: Ticker,
    pub(crate) threads: Threads,
}

impl CPython {
    /// An engine that is loaded when it is first used, or by [`CPython::ready`]. The compiled guest is kept in
    /// the folder `store`, which is made so that only this user can write to it, and unpacked there once.
    ///
    /// # Errors
    /// When this program was built with another version of the guest.
    pub fn new(options: &PoolOptions, store: PathBuf) -> Result<Self, EngineBroken> {
        let image = image::hash()?;
        Ok(Self { options: options.clone(), store, image, loaded: OnceLock::new() })
    }

    /// Loads the engine if it is not loaded yet: some milliseconds, and part of a second when it has to be
    /// unpacked first.
    ///
    /// # Errors
    /// When the guest cannot be unpacked or does not suit this machine.
    pub fn ready(&self) -> Result<(), Arc<EngineBroken>> {
        self.loaded().map(|_| ())
    }

    fn loaded(&self) -> Result<&Loaded, Arc<EngineBroken>> {
        let loaded = self.loaded.get_or_init(|| self.load().map_err(Arc::new));
        loaded.as_ref().map_err(Arc::clone)
    }

    fn load(&self) -> Result<Loaded, EngineBroken> {
        let (engine, slots) = pool::engine_of_components(&self.options)?;
        let component = image::load(&engine, &self.store)?;
        let link = || {
            let mut linker = Linker::new(&engine);
            wasi::define(&mut linker, &component)?;
            linker.root().func_wrap("say", guest::say)?;
            linker.define_unknown_imports_as_traps(&component)?;
            linker.instantiate_pre(&component)
        };
        let ready = link().map_err(|source| EngineBroken::new("link the Python guest", source))?;
        let ticker = Ticker::start(&engine)?;
        let threads = Threads::new(self.options.threads, pool::THREAD_STACK);
        Ok(Loaded { inner: Arc::new(Inner { ready, ticker, threads }), slots })
    }
}

impl Engine for CPython {
    fn image(&self) -> &ImageHash {
        &self.image
    }

    fn open(&self, world: GuestWorld) -> Result<Box<dyn Guest>, EngineRefused> {
        let reserved = world.namespaces.iter().find(|view| RESERVED.contains(&view.namespace.as_str()));
        if let Some(view) = reserved {
            return Err(EngineRefused {
                reason: format!("`{}` is a reserved name, not a namespace", view.namespace),
            });
        }
        let loaded = self.loaded().map_err(|error| EngineRefused { reason: reason(&error) })?;
        let memory = world.limits.memory;
        match CPythonGuest::open(Arc::clone(&loaded.inner), world) {
            Ok(guest) => Ok(Box::new(guest)),
            Err(error) if error.is::<PoolConcurrencyLimitError>() => Err(EngineRefused {
                reason: format!("all {} sandboxes are in use; wait until a run has ended", loaded.slots),
            }),
            Err(error) => {
                let reason =
                    format!("a sandbox with {} KiB of memory cannot be made: {error:#}", memory >> 10);
                Err(EngineRefused { reason })
            }
        }
    }
}

/// The error with its causes, in one line.
fn reason(error: &EngineBroken) -> String {
    let mut text = format!("could not {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
