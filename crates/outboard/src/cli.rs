//! The command line: what there is, and which module does it.
//! It does nothing itself and prints only what clap says.

mod demo;
mod serve;
mod trust;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::{self, Failure};

/// Runs the code that a model writes against MCP tools, outside the model's context window.
#[derive(Debug, Parser)]
#[command(name = "outboard", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve `search` and `execute` over stdio to an MCP client
    Serve(serve::Serve),
    /// Show what a project's files would start, and accept them
    Trust(trust::TrustCommand),
    /// Do one task by tool calls and by a script, and show what each costs
    Demo(demo::Demo),
    /// The demo's own MCP server
    #[command(hide = true)]
    DemoUpstream(demo::DemoUpstream),
}

/// Parses the command line, does the command, and gives its exit code.
pub(crate) fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for and end well; clap knows which stream and colours fit.
            let asked = !error.use_stderr();
            let printed = error.print().is_ok();
            return if asked && printed { ExitCode::SUCCESS } else { ExitCode::from(report::USAGE) };
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report::end(Err(Failure::could_not(&error))),
    };
    let result = runtime.block_on(async {
        match cli.command {
            Command::Serve(serve) => serve.run().await,
            Command::Trust(trust) => trust.run(),
            Command::Demo(demo) => demo.run().await,
            Command::DemoUpstream(upstream) => upstream.run().await,
        }
    });
    // A read of standard input that is still under way must not hold up the end.
    runtime.shutdown_background();
    report::end(result)
}

/// The value of an environment variable that is text.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
