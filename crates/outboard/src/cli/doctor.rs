//! `outboard doctor`: what is configured and where, what answers and how fast, what it would cost, and what to do about
//! what is wrong. It starts every upstream and changes nothing.

pub(super) mod advice;
mod clients;
mod places;
mod sandbox;
mod types;
mod upstreams;
#[cfg(unix)]
mod workspace;

use std::time::Duration;

use anstyle::{AnsiColor, Style};
use clap::Args;
use serde_json::{Value, json};

use super::{
    context::Context,
    list::own_tokens,
    waiting::{self, Wait},
};
use crate::report::{self, Cell, Failure, Table};
use upstreams::Upstreams;

/// Options of `outboard doctor`.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// Seconds to wait for upstreams that are still starting
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    wait: u64,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Something that needs mending, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Problem {
    what: String,
    fix: String,
}

/// Tells facts as they become known, a line each, and gathers them for a machine.
struct Findings {
    json: bool,
    facts: serde_json::Map<String, Value>,
    problems: Vec<Problem>,
}

impl Doctor {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let context = Context::examine()?;
        let mut findings = Findings { json: self.json, facts: serde_json::Map::new(), problems: Vec::new() };
        findings.version();
        places::examine(&context, &mut findings);
        let looked = context
            .with(&|_| true, async |system, stop| {
                sandbox::examine(system, &stop, &mut findings).await?;
                types::examine(&context, &mut findings).await;
                let mut upstreams = Upstreams::of(&context);
                upstreams.begin(&mut findings);
                let patience = Duration::from_secs(self.wait);
                let wait = Wait { pending: &waiting::is_starting, patience };
                let catalogue = system.runtime.catalogue();
                let snapshot = waiting::wait(catalogue, wait, &stop, |snapshot| {
                    upstreams.look(snapshot, false, &mut findings);
                })
                .await?;
                upstreams.look(&snapshot, true, &mut findings);
                upstreams.end(own_tokens(&snapshot, &context.configuration, false), &mut findings);
                Ok(())
            })
            .await;
        match looked {
            Err(failure) if !failure.is_interruption() => sandbox::absent(&failure, &mut findings),
            looked => looked?,
        }
        #[cfg(unix)]
        workspace::examine(&context, &mut findings).await;
        clients::examine(&context, &mut findings);
        findings.end()
    }
}

impl Findings {
    fn version(&mut self) {
        let platform = format!("{} {}", std::env::consts::OS, std::env::consts::ARCH);
        self.heading(&format!("outboard {} on {platform}", env!("CARGO_PKG_VERSION")));
        self.fact("version", env!("CARGO_PKG_VERSION").into());
        self.fact("platform", platform.into());
    }

    /// Opens a part of the report for people.
    fn heading(&self, text: &str) {
        if !self.json {
            let bold = Style::new().bold();
            report::line(format_args!("{bold}{text}{bold:#}"));
        }
    }

    /// Rows of the part, for people.
    fn rows(&self, table: &Table) {
        if !self.json {
            table.print();
        }
    }

    /// A fact for a machine.
    fn fact(&mut self, key: &str, value: Value) {
        self.facts.insert(key.to_owned(), value);
    }

    /// Something to mend that no row has told of yet.
    fn told(&mut self, what: String, fix: String) {
        let mut table = Table::indented(2);
        table.row([Cell::left(&*what)]);
        self.rows(&table);
        self.problem(what, fix);
    }

    /// Something to mend, told where it was found.
    fn problem(&mut self, what: String, fix: String) {
        if !self.json {
            let mut table = Table::indented(4);
            let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
            for line in fix.lines() {
                table.row([Cell::left(format!("hint: {line}")).styled(cyan)]);
            }
            table.print();
        }
        self.problems.push(Problem { what, fix });
    }

    fn end(mut self) -> Result<(), Failure> {
        let count = self.problems.len();
        if self.json {
            let problems: Vec<Value> = self
                .problems
                .iter()
                .map(|problem| json!({"what": problem.what, "fix": problem.fix}))
                .collect();
            self.fact("problems", problems.into());
            report::json(&self.facts)?;
            return if count == 0 { Ok(()) } else { Err(Failure::told()) };
        }
        match count {
            0 => {
                report::line("nothing needs mending");
                Ok(())
            }
            1 => Err(Failure::new(format_args!("1 thing needs mending: {}", self.problems[0].what))),
            _ => {
                let all: Vec<String> =
                    self.problems.iter().map(|problem| format!("  {}", problem.what)).collect();
                Err(Failure::new(format_args!("{count} things need mending:\n{}", all.join("\n"))))
            }
        }
    }
}
