//! `cargo xtask test`: every check, cheapest first, closed by one line that counts the tests.
//! Talks to cargo, to cargo-deny and to the clients. The long tier adds tests marked `#[ignore]`; it replaces none.

mod clients;
mod declarations;
mod packages;
mod tally;

use std::io::Write;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};

use crate::steps::{StepFailed, Steps, report_error};
use crate::workspace::{self, Metadata};
use crate::{guests, tidy, tools};
use tally::Tally;

/// The number of steps that [`run_steps`] takes.
const STEPS: usize = 11;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Run the long tests too, and install what is needed for every check
    #[arg(long)]
    full: bool,
    /// Show what every step writes as it comes; the rule when CI is set
    #[arg(long, short)]
    verbose: bool,
}

/// Runs the checks and prints the closing line on stdout; fails if a check or a test failed, or no test ran.
///
/// # Errors
/// When the closing line cannot be written.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut tally = Tally::default();
    if let Err(error) = run_steps(args, &mut tally) {
        report_error(&error);
        // A step that failed before its tests could say so must not look like a run without failures.
        tally.failed = tally.failed.max(1);
    }
    writeln!(anstream::stdout(), "{tally}").context("write the closing line")?;
    Ok(if tally.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run_steps(args: &Args, tally: &mut Tally) -> Result<()> {
    let metadata = Metadata::load()?;
    let unattended = tools::unattended();
    let mut steps = Steps::new(STEPS, &metadata.target_directory.join("xtask"), args.verbose || unattended);
    // Unattended, a stale Cargo.lock is a mistake; at the desk cargo brings it up to date.
    let locked: &[&str] = if unattended { &["--locked"] } else { &[] };

    let deny = steps.task("set-up", "cargo xtask test", || {
        tools::need_components()?;
        if clients::exist() {
            clients::need()?;
        }
        tools::cargo_deny(args.full || unattended)
    })?;
    steps.command("fmt", workspace::cargo().args(["fmt", "--all", "--", "--check"]))?;
    // The guests' compiler is a workspace of its own, so that cranelift stays out of this one.
    let compiler = ["fmt", "--manifest-path", "guests/compiler/Cargo.toml", "--", "--check"];
    steps.command("fmt-guests", workspace::cargo().args(compiler))?;
    steps.task("tidy", "cargo xtask tidy", tidy::check)?;
    match deny {
        Some(deny) => {
            let mut command = Command::new(deny);
            steps.command(
                "deny",
                command.current_dir(workspace::root()).args(["check", "bans", "licenses", "sources"]),
            )?;
        }
        None => {
            tally.skipped += 1;
            steps.skip("deny", "cargo-deny is not installed; `cargo xtask test --full` installs it");
        }
    }
    steps.task("guests", "cargo xtask guests", guests::build)?;
    let clippy = ["clippy", "--workspace", "--all-targets"];
    steps.command("clippy", workspace::cargo().args(clippy).args(locked).args(["--", "-D", "warnings"]))?;

    let mut test = workspace::cargo();
    test.args(["test", "--workspace", "--no-fail-fast"]).args(locked);
    if args.full {
        test.args(["--", "--include-ignored"]);
    }
    count(tally, steps.command("test", &mut test), |output| Ok(Tally::of_cargo(output)))?;

    // The tests built it.
    let program = metadata.binary("debug/examples", "declarations");
    let outcome = steps.command("declarations", &mut declarations::command(&program, args.full));
    count(tally, outcome, |output| {
        Tally::of_clients(output).context("find the checkers' closing line in what they wrote")
    })?;

    // Built for the tests of the whole program.
    let outboard = metadata.binary("debug", "outboard");
    let outcome = steps.command("packages", &mut packages::command(&outboard, args.full));
    count(tally, outcome, |output| {
        Tally::of_clients(output)
            .context("find the closing line of the checkers of packages in what they wrote")
    })?;

    if !clients::exist() {
        tally.skipped += 1;
        steps.skip("clients", "this clone has no tests/clients/run.py");
        return Ok(());
    }
    let outcome = steps.command("clients", &mut clients::command(&outboard));
    count(tally, outcome, |output| {
        Tally::of_clients(output).context("find the clients' closing line in what they wrote")
    })
}

/// Adds the tests that a step's output names to `tally`, also when the step failed.
fn count(tally: &mut Tally, outcome: Result<String>, read: impl Fn(&str) -> Result<Tally>) -> Result<()> {
    match outcome {
        Ok(output) => *tally += read(&output)?,
        Err(error) => {
            if let Some(counted) =
                error.downcast_ref::<StepFailed>().and_then(|failed| read(&failed.output).ok())
            {
                *tally += counted;
            }
            return Err(error);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_counted_whether_their_step_failed_or_not() {
        let output =
            || "test result: FAILED. 5 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out".to_owned();
        let failed = StepFailed {
            step: "test".into(),
            what: String::new(),
            reproduce: String::new(),
            output: output(),
        };
        for outcome in [Ok(output()), Err(failed.into())] {
            let (ok, mut tally) = (outcome.is_ok(), Tally { passed: 1, failed: 0, skipped: 0 });
            assert_eq!(count(&mut tally, outcome, |output| Ok(Tally::of_cargo(output))).is_ok(), ok);
            assert_eq!(tally, Tally { passed: 6, failed: 2, skipped: 1 });
        }
    }

    #[test]
    fn clients_that_print_no_closing_line_fail() {
        let mut tally = Tally::default();
        let read = |output: &str| Tally::of_clients(output).context("find the closing line");
        assert!(count(&mut tally, Ok("all good".into()), read).is_err());
    }
}
