//! The command line: what there is, and which module does it.
//! It does nothing itself and prints only what clap says.

mod accept;
mod add;
mod agent;
mod approvals;
mod asking;
mod call;
mod catalog;
mod compare;
mod completions;
mod context;
mod daemon;
mod demo;
mod describe;
mod doctor;
mod forget;
mod generate;
mod import;
mod input;
mod install;
mod language;
mod list;
mod log;
mod login;
mod logins;
mod logout;
mod man;
mod names;
mod outlook;
mod policy;
mod remove;
mod run;
mod runs;
mod search;
mod serve;
mod show;
mod signals;
mod standing;
mod trust;
mod usage;
mod waiting;
#[cfg(unix)]
mod workspace;

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::report::{self, EXIT_CODES, Failure};

/// What `--version` tells: also whether this is the quick build of a developer, whose figures mean nothing.
const VERSION: &str = if cfg!(debug_assertions) {
    concat!(env!("CARGO_PKG_VERSION"), " (development build)")
} else {
    env!("CARGO_PKG_VERSION")
};

/// Runs the code that a model writes against MCP tools, outside the model's context window.
#[derive(Debug, Parser)]
#[command(name = "outboard", version = VERSION, max_term_width = 100, after_help = exit_codes())]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve `search` and `execute`, and `bash` with --workspace, to MCP clients, over stdio or HTTP
    Serve(serve::Serve),
    /// Run a script, as a model's `execute` would
    Run(run::Run),
    /// List the runs that are recorded
    Runs(runs::Runs),
    /// Show one run: what it called and when, what came back, and what it gave
    Show(runs::Show),
    /// Show what runs kept out of the context, by day, upstream and run
    Stats(runs::Stats),
    /// Do a recorded run once more without sending anything, or anew from one of its calls
    Replay(runs::Replay),
    /// Bring a run to its end that was interrupted or waits
    Resume(runs::Resume),
    /// Call one tool
    Call(call::Call),
    /// Find tools by words
    Search(search::Search),
    /// Show all that is known of a tool, or the tools of a namespace
    Describe(describe::Describe),
    /// Write packages of functions that call the tools, for programs outside the sandbox
    Generate(generate::Generate),
    /// Serve the programs that use such packages; they start it when they need it
    Daemon(daemon::Daemon),
    /// Forget what was learned of results, of a tool, of an upstream or of all
    Forget(forget::Forget),
    /// Show the upstreams: state, tools, and what they would cost in every request
    List(list::List),
    /// Look at everything, and say what needs mending
    Doctor(doctor::Doctor),
    /// Add a server, with the arguments of `claude mcp add` or `codex mcp add`
    Add(Box<add::Add>),
    /// Add a server whose entry is given as JSON
    AddJson(add::AddJson),
    /// Take a server out
    Remove(remove::Remove),
    /// Sign in to an API in a browser
    Login(login::Login),
    /// Sign out of an API: forget its tokens
    Logout(logout::Logout),
    /// Take over the servers that your MCP clients have
    Import(import::Import),
    /// Write Outboard into an MCP client's own file, or take it back
    Install(install::Install),
    /// Show what upstreams declare of their tools, and accept it
    Accept(accept::Accept),
    /// Show what may run, test it, and write rules
    Policy(policy::Policy),
    /// Show what a project's files would start, and accept them
    Trust(trust::TrustCommand),
    /// Show what waits for a person
    Approvals(approvals::Approvals),
    /// Allow something that waits, at a terminal
    Approve(approvals::Approve),
    /// Refuse something that waits, at a terminal
    Deny(approvals::Deny),
    /// Let a model do a task with your tools: each as it is, or by scripts
    Agent(Box<agent::AgentCommand>),
    /// Do a task in every mode, and show what each costs and whether its answer is right
    Compare(Box<compare::Compare>),
    /// Show the workspaces of running sessions, put files in and take them out, or begin one anew
    #[cfg(unix)]
    Workspace(workspace::WorkspaceCommand),
    /// Do one task by tool calls and by a script, show what each costs, and have a post wait for a yes
    Demo(demo::Demo),
    /// Print a completion script for a shell
    Completions(completions::Completions),
    /// Print the man page, or write one for each command
    Man(man::Manual),
    /// The demo's own MCP server
    #[command(hide = true)]
    DemoUpstream(demo::DemoUpstream),
}

impl Command {
    async fn run(self) -> Result<(), Failure> {
        match self {
            Self::Serve(serve) => serve.run().await,
            Self::Run(run) => run.run().await,
            Self::Runs(runs) => runs.run().await,
            Self::Show(show) => show.run().await,
            Self::Stats(stats) => stats.run().await,
            Self::Replay(replay) => replay.run().await,
            Self::Resume(resume) => resume.run().await,
            Self::Call(call) => call.run().await,
            Self::Search(search) => search.run().await,
            Self::Describe(describe) => describe.run().await,
            Self::Generate(generate) => generate.run().await,
            Self::Daemon(daemon) => daemon.run().await,
            Self::Forget(forget) => forget.run().await,
            Self::List(list) => list.run().await,
            Self::Doctor(doctor) => doctor.run().await,
            Self::Add(add) => add.run().await,
            Self::AddJson(add) => add.run(),
            Self::Remove(remove) => remove.run(),
            Self::Login(login) => login.run().await,
            Self::Logout(logout) => logout.run().await,
            Self::Import(import) => import.run(),
            Self::Install(install) => install.run(),
            Self::Accept(accept) => accept.run().await,
            Self::Policy(policy) => policy.run().await,
            Self::Trust(trust) => trust.run(),
            Self::Approvals(approvals) => approvals.run().await,
            Self::Approve(approve) => approve.run().await,
            Self::Deny(deny) => deny.run().await,
            Self::Agent(agent) => agent.run().await,
            Self::Compare(compare) => compare.run().await,
            #[cfg(unix)]
            Self::Workspace(workspace) => workspace.run().await,
            Self::Demo(demo) => demo.run().await,
            Self::Completions(completions) => {
                completions.run(visible());
                Ok(())
            }
            Self::Man(manual) => manual.run(visible()),
            Self::DemoUpstream(upstream) => upstream.run().await,
        }
    }
}

/// Parses the command line, does the command, and gives its exit code.
pub(crate) fn main() -> ExitCode {
    let json = usage::asks_for_json(std::env::args_os().skip(1));
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return report::end(usage::told(&error), json),
    };
    // One thread serves all clients: what computes for long leaves it, and a change of threads costs more than most
    // of what remains.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return report::end(Err(Failure::could_not(&error)), json),
    };
    let result = runtime.block_on(cli.command.run());
    // A read of standard input that is still under way must not hold up the end.
    runtime.shutdown_background();
    report::end(result, json)
}

/// The command line without what is hidden, for pages and completions.
fn visible() -> clap::Command {
    let whole = Cli::command();
    let shown = whole.get_subcommands().filter(|command| !command.is_hide_set()).cloned();
    clap::Command::new("outboard")
        .version(VERSION)
        .about(whole.get_about().cloned().unwrap_or_default())
        .after_help(exit_codes())
        .subcommand_required(true)
        .subcommands(shown)
}

fn exit_codes() -> String {
    let lines = EXIT_CODES.iter().map(|(code, meaning)| format!("  {code:<5} {meaning}"));
    format!("Exit codes:\n{}", lines.collect::<Vec<_>>().join("\n"))
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        super::Cli::command().debug_assert();
    }
}
