//! `cargo xtask bench declare DIR`: what declarations cost and how much of the schemas they keep, by saved replies to
//! `tools/list`. Talks to cargo. What is measured, and how, is for the example `figures` of outboard-declare.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::workspace;

/// Builds the measures and hands the terminal over to them: one line for each catalogue.
///
/// # Errors
/// When no directory is given or cargo cannot be started; a limit that is missed is an exit code.
pub(super) fn run(arguments: &[String]) -> Result<ExitCode> {
    ensure!(
        !arguments.is_empty(),
        "say where the catalogues are: cargo xtask bench declare DIR [--json] [--vague] [--costs]"
    );
    // Sizes do not depend on the profile, and this one is built by the tests already. The paths given are meant from
    // where the command was started, so cargo runs there too.
    let status = workspace::cargo()
        .current_dir(std::env::current_dir().context("find the current directory")?)
        .args(["run", "--quiet", "--manifest-path"])
        .arg(workspace::root().join("Cargo.toml"))
        .args(["--package", "outboard-declare", "--example", "figures", "--"])
        .args(arguments)
        .status()
        .context("start cargo run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
