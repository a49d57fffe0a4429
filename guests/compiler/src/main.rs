//! Turns a guest's wasm into the image that `outboard-engines` embeds: runs its initialisation and
//! its prelude, takes a picture of its memory, puts the picture into the module, and compiles that
//! ahead of time. Called by `cargo xtask guests`; nothing of it is part of the product.

use std::{fs, path::PathBuf};

use sha2::{Digest, Sha256};
use wasmtime::{Result, bail, error::Context};

#[path = "../../../crates/outboard-engines/src/flags.rs"]
mod flags;
mod picture;
mod rewrite;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(wasm), Some(out), Some(manifest)) = (arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("usage: guest-compiler <guest.wasm> <out.cwasm> <manifest.json> <prelude.js>…");
    };
    let wasm = fs::read(&wasm).with_context(|| format!("read {}", wasm.display()))?;
    let mut prelude = Vec::new();
    for path in arguments {
        let source = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        let name = path.file_name().context("a prelude file without a name")?;
        prelude.push((format!("outboard:{}", name.to_string_lossy()), source));
    }

    let memory = picture::take(&wasm, &prelude)?;
    let with_picture = rewrite::with_memory(&wasm, &memory)?;
    let compiled = compile(&with_picture)?;
    fs::write(&out, &compiled).with_context(|| format!("write {}", out.display()))?;

    let facts = serde_json::json!({
        "abi": flags::ABI,
        "image": hex(&Sha256::digest(&with_picture)),
        "wasm_bytes": wasm.len(),
        "memory_bytes": memory.len(),
        "compiled_bytes": compiled.len(),
    });
    fs::write(&manifest, format!("{facts:#}\n")).with_context(|| format!("write {}", manifest.display()))?;
    Ok(())
}

/// For any machine of this kind, not for the features of this one: the binary travels.
fn compile(wasm: &[u8]) -> Result<Vec<u8>> {
    let mut config = wasmtime::Config::new();
    flags::apply(&mut config);
    config.target(&target_lexicon::HOST.to_string())?;
    let engine = wasmtime::Engine::new(&config)?;
    engine.precompile_module(wasm)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
