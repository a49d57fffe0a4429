//! `cargo xtask conformance`: MCP's own conformance suite against Outboard, for each revision that it has requirements for.
//! Talks to cargo, npm and the modules below. What a scenario asks is the suite's matter; every one that it requires counts.

mod report;
mod server;
mod suite;

use std::{
    io::Write as _,
    process::{Command, ExitCode},
};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{self, Metadata};
use report::Report;
use suite::Suite;

/// The revisions that the suite has requirements for.
const REVISIONS: [&str; 2] = ["2025-11-25", "2026-07-28"];

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
    /// Show what the suite writes
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the suite against `outboard serve --passthrough --http`, with the test kit's server upstream; fails if a required
/// scenario fails.
///
/// # Errors
/// When something cannot be built, installed or started, or the suite's report cannot be read.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let suite = Suite::installed()?;
    build()?;
    let metadata = Metadata::load()?;
    let (outboard, fixture) =
        (metadata.binary("debug", "outboard"), metadata.binary("debug/examples", "outboard-fixture"));
    let home = metadata.target_directory.join("xtask/conformance");
    let server = server::Server::start(&outboard, &fixture, &home)?;
    let mut reports = Vec::new();
    for revision in REVISIONS {
        let written = suite.against_server(&server.url, revision, args.verbose)?;
        reports.push(Report::read(revision, &written).context("read the suite's report")?);
    }
    drop(server);
    let shown = if args.json { serde_json::to_string_pretty(&reports)? } else { report::table(&reports) };
    writeln!(anstream::stdout(), "{shown}").context("write the report")?;
    let good = reports.iter().all(|report| report.failing.is_empty());
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole workspace is selected so that dependencies have the features, and so the artifacts, of the tests.
fn build() -> Result<()> {
    let mut command: Command = workspace::cargo();
    command.args(["build", "--workspace", "--bin", "outboard", "--example", "outboard-fixture"]);
    ensure!(command.status().context("start cargo build")?.success(), "the build failed");
    Ok(())
}
