//! Programs that the checks need and a machine may lack: installed where that is allowed, else named.
//! Talks to apt-get, rustup and cargo. Never uses sudo: what needs it is left for a person to run.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::{steps::say, workspace};

/// The release that `deny.toml` is written for.
const CARGO_DENY: &str = "0.20.2";

/// Whether this is one of the unattended runs that may install what they need and must not change `Cargo.lock`.
pub(crate) fn unattended() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Outboard's folder in the user's cache.
///
/// # Errors
/// When the environment names neither a cache nor a home.
pub(crate) fn cache() -> Result<PathBuf> {
    let named = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named("OUTBOARD_CACHE_DIR")
        .or_else(|| named("XDG_CACHE_HOME"))
        .or_else(|| Some(named("HOME")?.join(".cache")))
        .context("find a cache folder: set OUTBOARD_CACHE_DIR")?;
    Ok(base.join("outboard"))
}

/// Whether `program` starts and ends well with `arguments`.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Sees to it that `cargo fmt` and `cargo clippy` are there.
///
/// # Errors
/// When they are not and rustup cannot add them.
pub(crate) fn need_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        let there = || works("cargo", &[subcommand, "--version"]);
        let added = || works("rustup", &["component", "add", component]) && there();
        if !(there() || added()) {
            bail!(
                "`cargo {subcommand}` is missing and could not be added: run `rustup component add {component}`"
            );
        }
    }
    Ok(())
}

/// Sees to it that each probe works; `packages` are the Debian packages that bring it.
///
/// # Errors
/// When a probe fails and the packages cannot be installed here; the error is the command to run.
pub(crate) fn need(probes: &[(&str, &[&str], &str)]) -> Result<()> {
    let missing = || {
        let failing = probes.iter().filter(|(program, arguments, _)| !works(program, arguments));
        failing.map(|(_, _, package)| *package).collect::<Vec<_>>()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let words = packages.join(" ");
    ensure!(
        is_root() && works("apt-get", &["--version"]),
        "missing: {words}; on Debian run `sudo apt-get install {words}`"
    );
    say(&format!("installing {words}"));
    apt_get(&["update"])?;
    apt_get(&[["install", "-y", "--no-install-recommends"].as_slice(), &packages].concat())?;
    let still = missing();
    ensure!(still.is_empty(), "apt-get installed {words}, but {} does not work", still.join(" "));
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<()> {
    let output = Command::new("apt-get")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .context("start apt-get")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "apt-get {} failed:\n{}", arguments.join(" "), said.trim_end());
    Ok(())
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|metadata| metadata.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Finds cargo-deny, and with `install` brings it into the cache; that takes two minutes on two cores, once.
///
/// # Errors
/// When it had to be installed and that failed.
pub(crate) fn cargo_deny(install: bool) -> Result<Option<PathBuf>> {
    let folder = cache()?.join("tools").join(format!("cargo-deny-{CARGO_DENY}"));
    let cached = folder.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if cached.exists() {
        return Ok(Some(cached));
    }
    if works("cargo-deny", &["--version"]) {
        return Ok(Some("cargo-deny".into()));
    }
    if !install {
        return Ok(None);
    }
    say(&format!("installing cargo-deny {CARGO_DENY}"));
    let output = workspace::cargo()
        .args(["install", "--locked", "cargo-deny", "--version", CARGO_DENY, "--root"])
        .arg(&folder)
        // It shares no crate with this workspace, and its leftovers would only fill the target directory.
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .context("start cargo install")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "cargo install cargo-deny failed:\n{}", said.trim_end());
    Ok(Some(cached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_works_when_it_ends_well() {
        assert!(works("sh", &["-c", "exit 0"]));
        assert!(!works("sh", &["-c", "exit 1"]));
        assert!(!works("outboard-no-such-program", &[]));
    }

    #[test]
    fn what_works_needs_no_package() {
        need(&[("sh", &["-c", "exit 0"], "outboard-no-such-package")]).unwrap();
    }
}
