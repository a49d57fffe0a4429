//! What `cargo xtask bench` runs: measures of Outboard, and the upstream that they are taken with.
//! It is no part of what is installed, and no test of right behaviour: it only refuses wrong answers.

mod floor;
mod gateway;
mod machine;
mod measure;
mod peer;
mod progress;
mod records;
mod report;
mod samples;
mod scripts;
mod tools;
mod tree;
mod upstream;

use std::{error::Error, io, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use machine::Machine;
use measure::{Bench, BenchFailure, MEASURES, Measure};
use progress::Progress;
use report::{NotTaken, Taken};

/// Measures Outboard.
#[derive(Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Take measures, print them, and fail if one misses its target
    Measure(Options),
    /// Serve as the upstream of the measures
    #[command(hide = true)]
    Upstream,
}

#[derive(clap::Args)]
struct Options {
    /// The program under measure
    #[arg(long, hide = true)]
    outboard: PathBuf,
    /// Measures by name; all without one
    #[arg(value_parser = names())]
    names: Vec<String>,
    /// Rounds in which both sides of a comparison take turns
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    let value = |measure: &Measure| clap::builder::PossibleValue::new(measure.name).help(measure.what);
    MEASURES.iter().map(value).collect::<Vec<_>>().into()
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Measure(options) => measure(&options),
        Command::Upstream => upstream::serve(io::stdin().lock(), io::stdout().lock())
            .map(|()| ExitCode::SUCCESS)
            .map_err(Into::into),
    };
    outcome.unwrap_or_else(|error| {
        anstream::eprintln!("error: {}", explained(error.as_ref()));
        ExitCode::FAILURE
    })
}

/// What could not be done, with its causes.
fn explained(error: &dyn Error) -> String {
    let mut text = format!("could not {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

fn measure(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let asked = |measure: &&Measure| {
        options.names.is_empty() || options.names.iter().any(|name| name == measure.name)
    };
    let measures: Vec<&'static Measure> = MEASURES.iter().filter(asked).collect();
    let progress = Progress::new(measures.len());
    let bench = Bench {
        outboard: options.outboard.canonicalize()?,
        rounds: options.rounds as usize,
        progress: &progress,
    };
    let mut machine = Machine::before(gateway::version(&bench.outboard)?);
    let (mut taken, mut not_taken) = (Vec::new(), Vec::new());
    for measure in measures {
        progress.begin(measure.name);
        match (measure.take)(&bench, measure) {
            Ok(pair) => taken.push(Taken { measure, verdict: measure.target.judge(&pair), pair }),
            Err(BenchFailure::Absent(reason)) => {
                not_taken.push(NotTaken { name: measure.name, reason, failed: false });
            }
            // It costs itself: the others took minutes.
            Err(failure) => {
                not_taken.push(NotTaken { name: measure.name, reason: explained(&failure), failed: true });
            }
        }
    }
    progress.end();
    machine.after();
    let mut out = anstream::stdout();
    if options.json {
        report::json(&mut out, &machine, &taken, &not_taken)?;
    } else {
        report::table(&mut out, &machine, &taken, &not_taken)?;
    }
    let pass = taken.iter().all(|taken| taken.verdict.pass) && !not_taken.iter().any(|not| not.failed);
    Ok(if pass { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
