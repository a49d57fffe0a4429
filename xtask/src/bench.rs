//! `cargo xtask bench`: measures Outboard as its users get it, against a raw client of the same upstream.
//! Talks to the guest build and to cargo. What is measured, and how, is for `crates/outboard-bench`.

mod declare;
mod documents;
mod search;

use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::{
    guests,
    steps::say,
    workspace::{self, Metadata},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Names of measures, and --rounds N or --json; `cargo xtask bench -- --help` explains them. Or `search DIR`: how
    /// well tools are found, by collections of tools and queries. Or `declare DIR`: what declarations cost and keep, by
    /// saved replies to tools/list. Or `documents FILE…`: what whole APIs cost
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds the program and its measures in the release profile and hands the terminal over to them.
///
/// # Errors
/// When something cannot be built or started; a target that is missed is an exit code.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    match args.arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("search", arguments)) => return search::run(arguments),
        Some(("declare", arguments)) => return declare::run(arguments),
        Some(("documents", arguments)) => return documents::run(arguments),
        _ => {}
    }
    guests::build()?;
    say("bench: building in the release profile, as it is installed (several minutes, once)");
    let built = workspace::cargo()
        .args(["build", "--release", "--package", "outboard", "--package", "outboard-bench", "--bins"])
        .status()
        .context("start cargo build")?;
    if !built.success() {
        return Ok(ExitCode::FAILURE);
    }
    let metadata = Metadata::load()?;
    let program = |name: &str| metadata.binary("release", name);
    let bench = program("outboard-bench");
    let status = Command::new(&bench)
        .args(["measure", "--outboard"])
        .arg(program("outboard"))
        .args(&args.arguments)
        .status()
        .with_context(|| format!("start {}", bench.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
