//! The compiled Python guest: packed within this program, unpacked once into a folder that only this user
//! can write to, and mapped from there: the second of the two unsafe steps. Compiles nothing.

use std::path::Path;

use outboard_runtime::ids::ImageHash;
use wasmtime::{Engine, component::Component};

use crate::{EngineBroken, flags};

static MANIFEST: &str = include_str!(env!("OUTBOARD_PYTHON_JSON"));

/// The manifest that the guest compiler writes beside the image.
#[derive(serde::Deserialize)]
struct Manifest {
    abi: u32,
    image: String,
}

fn manifest() -> Result<Manifest, EngineBroken> {
    let manifest: Manifest = serde_json::from_str(MANIFEST)
        .map_err(|source| EngineBroken { what: "read the Python guest's manifest", source: source.into() })?;
    if manifest.abi != flags::ABI {
        let stale = wasmtime::format_err!("it is older than this program: run `cargo xtask guests`");
        return Err(EngineBroken::new("use the Python guest", stale));
    }
    Ok(manifest)
}

/// The hash of the start image.
pub(crate) fn hash() -> Result<ImageHash, EngineBroken> {
    Ok(ImageHash::new(manifest()?.image))
}

/// The guest as a component of this engine.
pub(crate) fn load(engine: &Engine, _store: &Path) -> Result<Component, EngineBroken> {
    let path = Path::new(env!("OUTBOARD_PYTHON_CWASM"));
    // SAFETY: the file is what our own guest compiler wrote with `Engine::precompile_component`, in a place
    // that only this user can write to.
    #[expect(unsafe_code, reason = "wasmtime cannot check compiled code; this loads our own")]
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|source| EngineBroken::new("load the Python guest", source))
}
