//! `cargo xtask`: the project's own commands, one module for each.
//! Talks to cargo and to the modules below. Decides nothing: it picks a module and turns its error into an exit code.

mod bench;
mod conformance;
mod demo;
mod guests;
mod steps;
mod test;
mod tidy;
mod tools;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build the release profile and measure it against a raw client; fails when a target is missed
    Bench(bench::Args),
    /// Run MCP's conformance suite against the built binary, and count what passes
    Conformance(conformance::Args),
    /// Build the guests and run `outboard demo` with the arguments given
    Demo(demo::Args),
    /// Build the WebAssembly guests, if their inputs changed
    Guests,
    /// Run every check: the quick tier, or with --full the long one too
    Test(test::Args),
    /// Check the invariants of the source tree
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Bench(args) => bench::run(&args),
        Command::Conformance(args) => conformance::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Guests => guests::build().map(|_| ExitCode::SUCCESS),
        Command::Test(args) => test::run(&args),
        Command::Tidy => tidy::run(),
    };
    outcome.unwrap_or_else(|error| {
        steps::report_error(&error);
        ExitCode::FAILURE
    })
}
