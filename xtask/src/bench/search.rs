//! `cargo xtask bench search DIR`: how well and how fast the search finds tools, by collections of tools and queries.
//! Talks to cargo. What is scored, and how, is for the example `score` of outboard-search.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Builds the search in the release profile and scores it: one line for each file of the directory.
///
/// # Errors
/// When no directory is given or cargo cannot be started.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    ensure!(
        !arguments.is_empty(),
        "say where the collections are: cargo xtask bench search DIR [--json] [--even | --all] [--without PART]"
    );
    // The paths given are meant from where the command was started, so cargo runs there too.
    let status = workspace::cargo()
        .current_dir(std::env::current_dir().context("find the current directory")?)
        .args(["run", "--quiet", "--release", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(["--package", "outboard-search", "--example", "score", "--"])
        .args(arguments)
        .status()
        .context("start cargo run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
