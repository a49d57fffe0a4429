//! The command line: what there is, and which module does it.
//! It does nothing itself and prints only what clap says.

mod add;
mod demo;
mod import;
mod install;
mod remove;
mod serve;
mod show;
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
    /// Add a server, with the arguments of `claude mcp add` or `codex mcp add`
    Add(add::Add),
    /// Add a server whose entry is given as JSON
    AddJson(add::AddJson),
    /// Take a server out
    Remove(remove::Remove),
    /// Take over the servers that your MCP clients have
    Import(import::Import),
    /// Write Outboard into an MCP client's own file, or take it back
    Install(install::Install),
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
            Command::Add(add) => add.run(),
            Command::AddJson(add) => add.run(),
            Command::Remove(remove) => remove.run(),
            Command::Import(import) => import.run(),
            Command::Install(install) => install.run(),
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

/// Where this user's clients are looked for.
fn surroundings(places: &crate::config::Places) -> Result<crate::clients::Surroundings<'static>, Failure> {
    let Some(home) = places.home() else { return Err(Failure::new("could not find the home directory")) };
    let directory = std::env::current_dir().map_err(|error| Failure::could_not(&error))?;
    Ok(crate::clients::Surroundings {
        home: home.to_owned(),
        directory,
        variable: &variable,
        os: crate::clients::Os::current(),
    })
}
