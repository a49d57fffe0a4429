//! `cargo xtask demo`: the shortest way from a clone to the demonstration.
//! Talks to the guest build and to cargo. Knows nothing of what the demonstration does.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{
    guests,
    workspace::{self, Metadata},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Arguments for `outboard demo`, such as --json or --no-latency
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds what the demonstration needs and hands the terminal over to it.
///
/// # Errors
/// When the guests cannot be built or cargo cannot be started; a failing demonstration is an exit code.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    guests::build()?;
    // Cargo's own progress stays visible: the first build takes minutes. It goes to stderr, so `--json` stays clean.
    // The whole workspace is selected so that dependencies have the features, and so the artifacts, of the tests.
    let built = workspace::cargo()
        .args(["build", "--workspace", "--bin", "outboard"])
        .status()
        .context("start cargo build")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let outboard = Metadata::load()?.binary("debug", "outboard");
    let status = Command::new(&outboard)
        .arg("demo")
        .args(&args.arguments)
        .status()
        .with_context(|| format!("start {}", outboard.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
