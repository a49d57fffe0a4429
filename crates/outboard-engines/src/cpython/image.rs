//! The compiled Python guest and its loading: the second of the two unsafe steps. It is mapped from a file,
//! which `store` unpacks from this program, or, in a program for development, from where it was built.
//! Compiles nothing.

use std::path::{Path, PathBuf};

use outboard_runtime::ids::ImageHash;
use wasmtime::{Engine, component::Component};

use crate::{EngineBroken, flags};

static MANIFEST: &str = include_str!(env!("OUTBOARD_PYTHON_JSON"));

/// The manifest that the guest compiler writes beside the image.
#[derive(serde::Deserialize)]
struct Manifest {
    abi: u32,
    image: String,
    #[cfg(outboard_packed)]
    compiled: String,
    #[cfg(outboard_packed)]
    compiled_bytes: u64,
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
pub(crate) fn load(engine: &Engine, store: &Path) -> Result<Component, EngineBroken> {
    let path = file(store)?;
    // SAFETY: the file holds what our own guest compiler wrote with `Engine::precompile_component`. It was unpacked
    // from this program into a folder that `store` has found to be writable by this user alone, or lies where this
    // program itself was built; whoever can change it can change the program as well.
    #[expect(unsafe_code, reason = "wasmtime cannot check compiled code; this loads our own")]
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|source| EngineBroken::new("load the Python guest", source))
}

#[cfg(outboard_packed)]
fn file(store: &Path) -> Result<PathBuf, EngineBroken> {
    static PACKED: &[u8] = include_bytes!(env!("OUTBOARD_PYTHON_PACKED"));
    let manifest = manifest()?;
    let name = format!("python-{}.cwasm", manifest.compiled.get(..32).unwrap_or_default());
    super::store::unpacked(store, &name, manifest.compiled_bytes, PACKED)
        .map_err(|error| EngineBroken { what: "unpack the Python guest", source: error.into() })
}

#[cfg(not(outboard_packed))]
#[expect(clippy::unnecessary_wraps, reason = "unpacking can fail, and this stands in for it")]
fn file(_store: &Path) -> Result<PathBuf, EngineBroken> {
    Ok(PathBuf::from(env!("OUTBOARD_PYTHON_CWASM")))
}
