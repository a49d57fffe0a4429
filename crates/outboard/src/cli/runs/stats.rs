//! `outboard stats`: what recorded runs kept out of the context, by day, by upstream and by run. All of it is counted from
//! records and from what upstreams listed last; nothing is started. What it says is an estimate. Turns that are written
//! down, which no model said, count nothing.

mod counting;
mod definitions;

use std::collections::BTreeMap;

use clap::Args;
use outboard_runtime::{
    journal::{By, RunEntry, RunState, Store as _, Which, savings},
    present::grouped,
};
use outboard_store::OF_PROGRAM;
use serde_json::{Value, json};

use super::{
    finding::{self, Records},
    times,
};
use crate::{
    cli::{
        agent::{COMPARED, PLAYED},
        log,
    },
    report::{self, Cell, Failure, Table, counted, escaped},
};
use counting::{Kept, Sums};
use definitions::{Places, Shares};

/// The commands whose runs a model asks for in a turn of its own, in which a direct client would have had all definitions.
const OF_MODELS: [&str; 2] = ["serve", "agent"];
/// The commands whose turns are written down.
const OF_NOBODY: [&str; 2] = [PLAYED, COMPARED];
const HOW: &str = "estimated (o200k): each result counts once, in the run that fetched it, less all that the model read: values and consoles as they \
were shown, errors, what commands in a workspace printed, what searches found, which may be more than was fetched. Definitions and instructions \
count once for each turn with a script that ended well or a command, and for the one in which a session's last answer is read, by what servers list \
today where it was begun, less Outboard's own. Pictures \
count nothing. Of scripts that failed only what they cost counts; single calls, repetitions, written turns and what is not over count nothing. \
Runs of versions that did not record it count as if all was shown and nothing printed";

/// Options of `outboard stats`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Stats {
    /// Only runs of the last so many days
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    /// So many of the newest runs in the list of runs; 0: none
    #[arg(long, short, value_name = "RUNS", default_value_t = 10)]
    number: usize,
    /// Print one JSON object, with every run
    #[arg(long)]
    json: bool,
}

impl Stats {
    pub(in crate::cli) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        log::to_stderr(log::QUIET);
        let sums = self.count(&records).await?;
        report::progress("");
        if self.json {
            return report::json(&object(&sums));
        }
        self.print(&sums);
        Ok(())
    }

    async fn count(&self, records: &Records) -> Result<Sums, Failure> {
        let runs = records.store.runs(Which::Newest(usize::MAX)).await;
        let runs = runs.map_err(|failure| finding::unread(&failure))?;
        let since = self.days.map(times::days_ago);
        let mut sums = Sums::default();
        let mut places = Places::of(&records.context);
        let mut wanted: Vec<RunEntry> =
            runs.into_iter().filter(|run| since.is_none_or(|since| run.began >= since)).collect();
        // Turns are told apart by what went before.
        wanted.sort_by_key(|run| run.began);
        let number = wanted.len();
        for (at, entry) in wanted.into_iter().enumerate() {
            if at % 50 == 0 {
                report::progress(format_args!("{at} of {} read", counted(number, "run")));
            }
            // What is not over claims nothing; only what may is read.
            let command = entry.command.strip_suffix(OF_PROGRAM).unwrap_or(&entry.command);
            if !matches!(entry.state, RunState::Ended | RunState::Failed) || OF_NOBODY.contains(&command) {
                sums.left_out += 1;
                continue;
            }
            let by_model = OF_MODELS.contains(&command);
            let kept = match records.store.read(&entry.id).await {
                Ok(events) => savings(&events),
                Err(failure) => {
                    report::warn(format_args!("{} counts nothing: {failure}", entry.id));
                    sums.unread += 1;
                    continue;
                }
            };
            let Some(kept) = kept else {
                sums.left_out += 1;
                continue;
            };
            let (has_turn, in_workspace) = match kept.by {
                By::Script { ended } => (by_model && ended, false),
                By::Command => (by_model, true),
                By::Program => (false, true),
                By::Somebody => {
                    sums.take_unknown(&kept);
                    continue;
                }
            };
            let shares = match has_turn || kept.before.answers > 0 {
                true => places.definitions(&entry.place).await.kept_by(&kept, has_turn, in_workspace),
                false => Shares::default(),
            };
            sums.take(entry, &kept, shares);
        }
        sums.runs.reverse();
        sums.unlisted = places.unknown();
        Ok(sums)
    }

    fn print(&self, sums: &Sums) {
        if sums.runs.is_empty() {
            report::line("no run is recorded that kept anything out");
            tell_unknown(sums);
            return;
        }
        report::line(format_args!(
            "{} tokens kept out in {}: {} of definitions, {} of results",
            tokens(sums.all.together()),
            counted(sums.all.runs, "run"),
            tokens(sums.all.definitions),
            tokens(sums.all.results),
        ));
        report::line("");
        table("day", sums.days.iter().rev().map(|(day, kept)| (day.clone(), *kept))).print();
        report::line("");
        table("upstream", sums.upstreams.iter().map(|(name, kept)| (escaped(name), *kept))).print();
        if self.number > 0 {
            report::line("");
            let newest = sums.runs.iter().take(self.number);
            let each = newest.map(|run| {
                (
                    format!("{}  {}", run.entry.id, escaped(&run.entry.title)).chars().take(60).collect(),
                    run.kept,
                )
            });
            table("run", each).print();
        }
        if sums.unlisted > 0 {
            report::note(format_args!(
                "of {} it is not known what servers list there: their runs count no definitions",
                counted(sums.unlisted, "other folder")
            ));
        }
        tell_unknown(sums);
        report::note(HOW);
    }
}

/// What nobody can know.
fn tell_unknown(sums: &Sums) {
    if sums.unknown.calls > 0 {
        report::note(format_args!(
            "{} of programs through `outboard daemon` fetched {} tokens: who reads what these programs print is not known, so they count nothing",
            counted(sums.unknown.calls, "call"),
            grouped(sums.unknown.tokens)
        ));
    }
}

fn table(first: &str, rows: impl Iterator<Item = (String, Kept)>) -> Table {
    let mut table = Table::default();
    let heads = ["runs", "calls", "definitions", "results", "together"];
    table.row(std::iter::once(Cell::left(first)).chain(heads.map(Cell::right)));
    for (name, kept) in rows {
        let counts = [grouped(kept.runs), grouped(kept.calls)];
        let numbers = [kept.definitions, kept.results, kept.together()].map(tokens);
        let cells = counts.into_iter().chain(numbers).map(Cell::right);
        table.row(std::iter::once(Cell::left(name)).chain(cells));
    }
    table
}

/// `12,345`, or `-12`.
fn tokens(tokens: i64) -> String {
    let number = grouped(usize::try_from(tokens.unsigned_abs()).unwrap_or(usize::MAX));
    if tokens < 0 { format!("-{number}") } else { number }
}

fn object(sums: &Sums) -> Value {
    let named = |kept: &BTreeMap<String, Kept>| -> Value {
        kept.iter().map(|(name, kept)| (name.clone(), kept.json())).collect::<serde_json::Map<_, _>>().into()
    };
    let runs = sums.runs.iter().map(|run| {
        let mut object = run.kept.json();
        object["run"] = json!(run.entry.id);
        object["command"] = json!(run.entry.command);
        object["title"] = json!(run.entry.title);
        object["began"] = json!(times::utc(run.entry.began));
        object
    });
    json!({
        "estimate": HOW,
        "all": sums.all.json(),
        "days": named(&sums.days),
        "upstreams": named(&sums.upstreams),
        "runs": runs.collect::<Vec<_>>(),
        "readersUnknown": { "calls": sums.unknown.calls, "tokens": sums.unknown.tokens },
        "runsThatCountNothing": sums.left_out,
        "runsUnread": sums.unread,
        "directoriesUnlisted": sums.unlisted,
    })
}
