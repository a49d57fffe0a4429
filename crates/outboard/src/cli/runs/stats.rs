//! `outboard stats`: what recorded runs kept out of the context, by day, by upstream and by run. All of it is counted from
//! records and from what upstreams listed last; nothing is started. What it says is an estimate, and rather too little.

use std::collections::{BTreeMap, HashMap};

use clap::Args;
use outboard_runtime::{
    catalogue::Snapshot,
    ids::{Namespace, UpstreamName},
    journal::{RunEntry, RunState, Savings, Store as _, Which, savings},
    present::grouped,
};
use serde_json::{Value, json};

use super::{
    finding::{self, Records},
    times,
};
use crate::{
    cli::{list, standing},
    config::Configuration,
    report::{self, Cell, Failure, Table, counted, escaped},
};

/// The commands whose runs a model asks for in a turn of its own, in which a direct client would have had all definitions.
const OF_MODELS: [&str; 3] = ["serve", "daemon", "agent"];
const HOW: &str = "estimated (o200k), and rather too little: each result counts once, in the run that fetched it, less all that the \
script gave; definitions count once for each `execute` of a client, by what servers list today, less Outboard's own tools. Runs that \
failed or are not over count nothing; what scripts print is not recorded and not taken off";

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

/// Tokens that something kept out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Kept {
    runs: usize,
    calls: usize,
    definitions: usize,
    results: usize,
}

/// One run.
struct Counted {
    entry: RunEntry,
    kept: Kept,
}

/// All runs.
#[derive(Default)]
struct Sums {
    runs: Vec<Counted>,
    days: BTreeMap<String, Kept>,
    upstreams: BTreeMap<String, Kept>,
    all: Kept,
    /// Runs that claim nothing.
    left_out: usize,
}

/// What definitions cost that a direct client would have had.
struct Definitions {
    upstreams: HashMap<Namespace, (UpstreamName, usize)>,
    /// What Outboard shows instead.
    own: usize,
}

impl Kept {
    fn together(self) -> usize {
        self.definitions + self.results
    }

    fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.calls += other.calls;
        self.definitions += other.definitions;
        self.results += other.results;
    }

    fn json(self) -> Value {
        json!({
            "runs": self.runs,
            "calls": self.calls,
            "definitions": self.definitions,
            "results": self.results,
            "together": self.together(),
        })
    }
}

impl Definitions {
    fn of(snapshot: &Snapshot, configuration: &Configuration) -> Self {
        let upstreams = snapshot.members().iter().filter_map(|member| {
            let tokens = standing::direct_tokens(member.listing.as_deref()?);
            Some((member.namespace.clone(), (member.upstream.clone(), tokens)))
        });
        Self { upstreams: upstreams.collect(), own: list::own_tokens(snapshot, configuration) }
    }

    /// What a run did not have before its model, by upstream: less Outboard's own tools, of which each bears its share.
    fn kept_by(&self, savings: &Savings) -> Vec<(&UpstreamName, usize)> {
        let seen: Vec<&(UpstreamName, usize)> =
            savings.namespaces.iter().filter_map(|namespace| self.upstreams.get(namespace)).collect();
        let all: usize = seen.iter().map(|(_, tokens)| tokens).sum();
        let own = self.own.min(all);
        let less = |tokens: usize| tokens - (tokens * own).checked_div(all).unwrap_or(0);
        seen.into_iter().map(|(upstream, tokens)| (upstream, less(*tokens))).collect()
    }
}

impl Sums {
    fn take(&mut self, entry: RunEntry, savings: &Savings, definitions: &Definitions) {
        let by_model = OF_MODELS.contains(&entry.command.as_str()) && !savings.is_repetition;
        let kept = if by_model { definitions.kept_by(savings) } else { Vec::new() };
        for (upstream, answers) in &savings.upstreams {
            let results = savings.results_of(upstream);
            let kept = Kept { runs: 1, calls: answers.calls, results, definitions: 0 };
            self.upstreams.entry(upstream.as_str().to_owned()).or_default().add(kept);
        }
        for (upstream, definitions) in &kept {
            let runs = usize::from(!savings.upstreams.contains_key(*upstream));
            let kept = Kept { runs, definitions: *definitions, ..Kept::default() };
            self.upstreams.entry(upstream.as_str().to_owned()).or_default().add(kept);
        }
        let run = Kept {
            runs: 1,
            calls: savings.upstreams.values().map(|answers| answers.calls).sum(),
            definitions: kept.iter().map(|(_, tokens)| tokens).sum(),
            results: savings.results(),
        };
        let day: String = times::utc(entry.began).chars().take(10).collect();
        self.days.entry(day).or_default().add(run);
        self.all.add(run);
        self.runs.push(Counted { entry, kept: run });
    }
}

impl Stats {
    pub(in crate::cli) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        // What was listed last is known without starting anybody.
        let definitions = records
            .context
            .with(&|_| false, async |system, _| {
                let snapshot = system.runtime.catalogue().snapshot();
                Ok(Definitions::of(&snapshot, &records.context.configuration))
            })
            .await?;
        let sums = self.count(&records, &definitions).await?;
        report::progress("");
        if self.json {
            return report::json(&object(&sums, &definitions));
        }
        self.print(&sums);
        Ok(())
    }

    async fn count(&self, records: &Records, definitions: &Definitions) -> Result<Sums, Failure> {
        let runs = records.store.runs(Which::Newest(usize::MAX)).await;
        let runs = runs.map_err(|failure| finding::unread(&failure))?;
        let since = self.days.map(times::days_ago);
        let mut sums = Sums::default();
        let wanted: Vec<RunEntry> =
            runs.into_iter().filter(|run| since.is_none_or(|since| run.began >= since)).collect();
        let number = wanted.len();
        for (at, entry) in wanted.into_iter().enumerate() {
            if at % 50 == 0 {
                report::progress(format_args!("{at} of {} read", counted(number, "run")));
            }
            // What has not ended well claims nothing; only what may is read.
            let kept = match entry.state {
                RunState::Ended if entry.command != "call" => {
                    let events = records.store.read(&entry.id).await;
                    savings(&events.map_err(|failure| finding::unread(&failure))?)
                }
                _ => None,
            };
            match kept {
                Some(kept) => sums.take(entry, &kept, definitions),
                None => sums.left_out += 1,
            }
        }
        Ok(sums)
    }

    fn print(&self, sums: &Sums) {
        if sums.runs.is_empty() {
            report::line("no run is recorded that kept anything out");
            return;
        }
        report::line(format_args!(
            "{} tokens kept out in {}: {} of definitions, {} of results",
            grouped(sums.all.together()),
            counted(sums.all.runs, "run"),
            grouped(sums.all.definitions),
            grouped(sums.all.results),
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
        report::note(HOW);
    }
}

fn table(first: &str, rows: impl Iterator<Item = (String, Kept)>) -> Table {
    let mut table = Table::default();
    let heads = ["runs", "calls", "definitions", "results", "together"];
    table.row(std::iter::once(Cell::left(first)).chain(heads.map(Cell::right)));
    for (name, kept) in rows {
        let numbers = [kept.runs, kept.calls, kept.definitions, kept.results, kept.together()];
        table
            .row(std::iter::once(Cell::left(name)).chain(numbers.map(|number| Cell::right(grouped(number)))));
    }
    table
}

fn object(sums: &Sums, definitions: &Definitions) -> Value {
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
        "ownTokens": definitions.own,
        "all": sums.all.json(),
        "days": named(&sums.days),
        "upstreams": named(&sums.upstreams),
        "runs": runs.collect::<Vec<_>>(),
        "runsThatCountNothing": sums.left_out,
    })
}
