//! `cargo xtask guests`: builds what runs inside the sandbox, when its inputs changed.
//! Talks to clang and componentize-py for the wasm and to `guests/compiler` for the images that `outboard-engines`
//! takes. What a guest does is not decided here.

mod compiler;
mod inputs;
mod python;
mod quickjs;

use std::fs::{self, File};

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, Metadata};

/// Builds every guest whose inputs changed.
///
/// # Errors
/// When a tool is missing or a build fails.
pub(crate) fn build() -> Result<()> {
    let cache = Metadata::load()?.target_directory.join("guests");
    fs::create_dir_all(&cache).with_context(|| format!("make the folder {}", cache.display()))?;
    // Clones may share a target directory, and people start two commands at once.
    let lock = File::create(cache.join("lock")).context("make the lock of the guest cache")?;
    lock.lock().context("wait for the lock of the guest cache")?;

    let root = workspace::root();
    quickjs::build(&root, &cache)?;
    python::build(&root, &cache)
}

fn check(what: &str, output: &std::process::Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{what} failed:\n{}", said.trim_end());
    Ok(())
}
