//! Turns a guest's wasm into the image that `outboard-engines` embeds: runs its initialisation and
//! its prelude, takes a picture of its memory, puts the picture into the module, and compiles that
//! ahead of time. Called by `cargo xtask guests`; nothing of it is part of the product.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use wasmtime::{Result, bail, error::Context};

#[path = "../../../crates/outboard-engines/src/flags.rs"]
mod flags;
mod picture;
mod rewrite;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(kind), Some(wasm), Some(out), Some(manifest)) =
        (arguments.next(), arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("usage: guest-compiler module|component <guest.wasm> <out> <manifest.json> <prelude.js>…");
    };
    let wasm = fs::read(&wasm).with_context(|| format!("read {}", wasm.display()))?;
    match kind.to_str() {
        Some("module") => module(&wasm, &out, &manifest, arguments),
        Some("component") => component(&wasm, &out, &manifest),
        _ => bail!("a guest is a module or a component"),
    }
}

/// A module, which starts from a picture that is taken here.
fn module(wasm: &[u8], out: &Path, manifest: &Path, paths: impl Iterator<Item = PathBuf>) -> Result<()> {
    let mut prelude = Vec::new();
    for path in paths {
        let source = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let name = path.file_name().context("a prelude file without a name")?;
        prelude.push((format!("outboard:{}", name.to_string_lossy()), source));
    }
    let memory = picture::take(wasm, &prelude)?;
    let with_picture = rewrite::with_memory(wasm, &memory)?;
    let compiled = engine()?.precompile_module(&with_picture)?;
    fs::write(out, &compiled).with_context(|| format!("write {}", out.display()))?;
    let facts = serde_json::json!({
        "abi": flags::ABI,
        "image": hash(&with_picture),
        "wasm_bytes": wasm.len(),
        "memory_bytes": memory.len(),
        "compiled_bytes": compiled.len(),
    });
    fs::write(manifest, format!("{facts:#}\n")).with_context(|| format!("write {}", manifest.display()))
}

/// A component, which holds its start image already.
fn component(wasm: &[u8], out: &Path, manifest: &Path) -> Result<()> {
    let compiled = engine()?.precompile_component(wasm)?;
    let facts = serde_json::json!({
        "abi": flags::ABI,
        "image": hash(wasm),
        "wasm_bytes": wasm.len(),
        "compiled_bytes": compiled.len(),
        "compiled": hash(&compiled),
    });
    fs::write(out, &compiled).with_context(|| format!("write {}", out.display()))?;
    fs::write(manifest, format!("{facts:#}\n")).with_context(|| format!("write {}", manifest.display()))
}

/// For any machine of this kind, not for the features of this one: the binary travels.
fn engine() -> Result<wasmtime::Engine> {
    let mut config = wasmtime::Config::new();
    flags::apply(&mut config);
    config.target(&target_lexicon::HOST.to_string())?;
    wasmtime::Engine::new(&config)
}

fn hash(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
