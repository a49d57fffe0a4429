//! Runs that are recorded: the list of them, and what is forgotten. `show`, `replay` and `resume` stand beside it.
//! It runs nothing.

mod finding;
mod replay;
mod resume;
mod show;
mod stats;
mod times;

use std::time::Duration;

use clap::{Args, Subcommand};
use outboard_runtime::{
    journal::{RunEntry, RunState, Store as _, Which},
    present::grouped,
};
use outboard_store::Retention;
use serde_json::{Value, json};

pub(super) use replay::Replay;
pub(super) use resume::Resume;
pub(super) use show::Show;
pub(super) use stats::Stats;

use crate::report::{self, Cell, Failure, Table, counted, escaped};
use finding::Records;

/// Options of `outboard runs`.
#[derive(Debug, Args)]
pub(super) struct Runs {
    #[command(subcommand)]
    what: Option<What>,
    /// So many of the newest
    #[arg(long, short, value_name = "RUNS", default_value_t = 20)]
    number: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Forget old runs now, by the settings or as said here
    Prune(Prune),
}

#[derive(Debug, Args)]
struct Prune {
    /// Forget what is older; `journal.keepDays` without it
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// Forget the oldest while more is kept; `journal.keepMegabytes` without it
    #[arg(long, value_name = "MEGABYTES")]
    megabytes: Option<u32>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Runs {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        if let Some(What::Prune(prune)) = self.what {
            return prune.run(&records).await;
        }
        let runs = records
            .store
            .runs(Which::Newest(self.number))
            .await
            .map_err(|failure| finding::unread(&failure))?;
        if self.json {
            return report::json(&json!({ "runs": runs.iter().map(entry_json).collect::<Vec<_>>() }));
        }
        if runs.is_empty() {
            report::line("no run is recorded");
            return Ok(());
        }
        let mut table = Table::default();
        let heads = ["run", "begun", "by", "state", "calls", "record", "what"];
        table.row(heads.map(|head| {
            if matches!(head, "calls" | "record") { Cell::right(head) } else { Cell::left(head) }
        }));
        for run in &runs {
            table.row([
                Cell::left(run.id.as_str()),
                Cell::left(times::ago(run.began)),
                Cell::left(escaped(&run.command)),
                Cell::left(state(run)),
                Cell::right(grouped(usize::try_from(run.calls).unwrap_or(usize::MAX))),
                Cell::right(times::size(run.bytes)),
                Cell::left(escaped(&run.title)),
            ]);
        }
        table.print();
        if runs.iter().any(|run| run.state == RunState::Interrupted) {
            report::hint("outboard show RUN tells what an interrupted run did, and how it goes on");
        }
        Ok(())
    }
}

impl Prune {
    async fn run(self, records: &Records) -> Result<(), Failure> {
        let kept = records.context.configuration.settings.journal.keep;
        let keep = Retention {
            age: self.days.map_or(kept.age, |days| Duration::from_secs(u64::from(days) * 86_400)),
            bytes: self.megabytes.map_or(kept.bytes, |megabytes| u64::from(megabytes) << 20),
        };
        let pruned = records.store.prune(keep).await.map_err(|failure| finding::unread(&failure))?;
        if self.json {
            return report::json(
                &json!({ "runs": pruned.runs, "bytesBefore": pruned.before, "bytesAfter": pruned.after }),
            );
        }
        report::line(format_args!(
            "{} forgotten, {} kept (before: {})",
            counted(pruned.runs, "run"),
            times::size(pruned.after),
            times::size(pruned.before)
        ));
        Ok(())
    }
}

/// How a run stands, in a word.
fn state(run: &RunEntry) -> &'static str {
    match run.state {
        RunState::Running => "running",
        RunState::Waiting => "waiting",
        RunState::Interrupted => "interrupted",
        RunState::Ended => "ended",
        RunState::Failed => "failed",
    }
}

fn entry_json(run: &RunEntry) -> Value {
    json!({
        "run": run.id,
        "state": state(run),
        "command": run.command,
        "directory": run.place,
        "title": run.title,
        "begunAt": run.began.0,
        "recordedAt": run.changed.0,
        "calls": run.calls,
        "recordBytes": run.bytes,
        "resumed": run.resumed,
        "redacted": run.redacted,
    })
}
