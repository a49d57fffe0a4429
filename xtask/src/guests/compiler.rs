//! The guest compiler: built when a guest is to be compiled. Talks to cargo.
//! What it makes of a guest is its own matter.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{check, inputs::Inputs};
use crate::{steps::say, workspace};

/// Adds what decides how it compiles.
///
/// # Errors
/// When one of its files cannot be read.
pub(super) fn inputs(inputs: &mut Inputs<'_>, root: &Path) -> Result<()> {
    inputs.text("host", std::env::consts::ARCH).text("system", std::env::consts::OS);
    inputs.folder(&root.join("guests/compiler/src"))?;
    inputs.file(&root.join("guests/compiler/Cargo.toml"))?.file(&root.join("guests/compiler/Cargo.lock"))?;
    inputs.file(&root.join("crates/outboard-engines/src/flags.rs"))?;
    Ok(())
}

/// The compiler, built if it changed.
///
/// # Errors
/// When cargo cannot build it.
pub(super) fn built(root: &Path, cache: &Path) -> Result<PathBuf> {
    let target = cache.join("compiler-target");
    let compiler = target.join("debug").join(format!("guest-compiler{}", std::env::consts::EXE_SUFFIX));
    say(if compiler.exists() {
        "guests: building the guest compiler, if it changed"
    } else {
        "guests: building the guest compiler (Cranelift; several minutes, once)"
    });
    let built = workspace::cargo()
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(root.join("guests/compiler/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        .output()
        .context("start cargo build")?;
    check("building the guest compiler", &built)?;
    Ok(compiler)
}
