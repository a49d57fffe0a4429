//! The compiled guest that is part of this binary, and its loading: the one unsafe step here.
//! Talks to wasmtime. Built by `cargo xtask guests`; nothing is compiled at run time.

use outboard_runtime::ids::ImageHash;
use wasmtime::{Engine, Module};

use crate::{EngineBroken, flags};

static COMPILED: &[u8] = include_bytes!(env!("OUTBOARD_QUICKJS_CWASM"));
static MANIFEST: &str = include_str!(env!("OUTBOARD_QUICKJS_JSON"));

/// The manifest that the guest compiler writes beside the image.
#[derive(serde::Deserialize)]
struct Manifest {
    abi: u32,
    image: String,
}

/// The guest as a module of this engine, and the hash of its start image.
pub(crate) fn load(engine: &Engine) -> Result<(Module, ImageHash), EngineBroken> {
    let manifest: Manifest = serde_json::from_str(MANIFEST)
        .map_err(|source| EngineBroken { what: "read the guest's manifest", source: source.into() })?;
    if manifest.abi != flags::ABI {
        let stale = wasmtime::format_err!("it is older than this program: run `cargo xtask guests`");
        return Err(EngineBroken::new("load the embedded guest", stale));
    }
    // SAFETY: the bytes are those that our own guest compiler wrote with `Engine::precompile_module`;
    // they were embedded when this binary was built, and nothing can have changed them since.
    #[expect(unsafe_code, reason = "wasmtime cannot check compiled code; this loads our own")]
    let module = unsafe { Module::deserialize(engine, COMPILED) };
    let module = module.map_err(|source| EngineBroken::new("load the embedded guest", source))?;
    Ok((module, ImageHash::new(manifest.image)))
}
