//! `outboard show`: one run from its record: what it called and when, what came back, and what it gave. It starts nothing
//! and sends nothing.

use std::time::Duration;

use clap::Args;
use outboard_runtime::{
    journal::{By, RunState, Savings, Step, StepOutcome, savings, timeline},
    present::{self, grouped},
    run::{Outcome, RunReport},
};
use serde_json::{Value, json};

use super::{
    entry_json,
    finding::{Record, Records},
    state, times,
};
use crate::report::{self, Cell, Failure, Table, counted, escaped, escaped_lines};

/// Options of `outboard show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The run, as `outboard runs` names it; the beginning is enough if no other begins so
    run: String,
    /// Print the script too
    #[arg(long)]
    script: bool,
    /// Print one JSON object, with the script and the whole value
    #[arg(long)]
    json: bool,
}

/// What becomes of a whole value that is cut.
const ELSEWHERE: &str = "is printed by --json";

/// What a run's requests come to.
struct Totals {
    /// Calls that were sent.
    sent: usize,
    /// Bytes of all answers.
    bytes: usize,
    /// What that kept out of the context, if it did.
    savings: Option<Savings>,
}

impl Show {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let records = Records::open()?;
        let record = records.read(&self.run).await?;
        let steps = timeline(&record.events);
        let report = RunReport::recorded(&record.folded, Vec::new());
        let totals = Totals::of(&steps, savings(&record.events));
        let budget = records.context.configuration.settings.result_tokens;
        if self.json {
            return report::json(&object(&record, &steps, report.as_ref(), &totals));
        }
        head(&record);
        if self.script && !record.folded.opened.source.is_empty() {
            report::line("");
            report::text(&record.folded.opened.source);
        }
        if !steps.is_empty() {
            report::line("");
            table(&steps).print();
        }
        report::line("");
        report::line(totals.line());
        end(&record, report.as_ref(), budget);
        Ok(())
    }
}

fn head(record: &Record) {
    let Record { entry, folded, .. } = record;
    let took = folded.clock().0;
    report::line(format_args!(
        "{}: {}, {} by the run's clock, begun {} by {} in {}",
        entry.id,
        state(entry),
        times::took(took),
        times::utc(entry.began),
        escaped(&entry.command),
        escaped(&entry.place),
    ));
    if let Some(origin) = &folded.opened.origin {
        report::line(format_args!("it repeats {} up to {}", origin.run, origin.from));
    }
    if entry.resumed > 0 {
        let times = usize::try_from(entry.resumed).unwrap_or(usize::MAX);
        report::line(format_args!("it was taken up again {}", counted(times, "time")));
    }
    if entry.redacted {
        report::line(
            "something was taken out of its record (`journal.redact`, or a secret of the configuration)",
        );
    }
}

fn table(steps: &[Step]) -> Table {
    let mut table = Table::default();
    table.row([
        Cell::right("#"),
        Cell::right("at"),
        Cell::right("took"),
        Cell::right("sent"),
        Cell::right("got"),
        Cell::left("call"),
        Cell::left("outcome"),
    ]);
    for step in steps {
        table.row([
            Cell::right(step.request.0.to_string()),
            Cell::right(times::took(step.asked.0)),
            Cell::right(span(step).map_or_else(|| "-".to_owned(), times::took)),
            Cell::right(times::size(step.arguments as u64)),
            Cell::right(times::size(step.answer as u64)),
            Cell::left(escaped(&step.what)),
            Cell::left(outcome(step)),
        ]);
    }
    table
}

fn span(step: &Step) -> Option<Duration> {
    Some(step.answered?.0.saturating_sub(step.asked.0))
}

fn outcome(step: &Step) -> &'static str {
    match step.outcome {
        StepOutcome::Value => "ok",
        StepOutcome::Failed(code) => code.as_str(),
        StepOutcome::Abandoned => "given up",
        StepOutcome::Unknown => "sent, effect unknown",
        StepOutcome::Open => "open",
    }
}

impl Totals {
    fn of(steps: &[Step], savings: Option<Savings>) -> Self {
        Self {
            sent: steps.iter().filter(|step| step.sent.is_some()).count(),
            bytes: steps.iter().map(|step| step.answer).sum(),
            savings,
        }
    }

    /// Of a run that gives more than it read, nothing.
    fn kept_out(&self) -> usize {
        let known =
            self.savings.as_ref().filter(|savings| matches!(savings.by, By::Script { .. } | By::Program));
        let results = known.map_or(0, Savings::results);
        usize::try_from(results).unwrap_or(0)
    }

    fn line(&self) -> String {
        let known =
            self.savings.as_ref().filter(|savings| matches!(savings.by, By::Script { .. } | By::Program));
        let kept = known.map_or_else(String::new, |savings| {
            format!(
                ", about {} tokens kept out of the context (the answer has {})",
                grouped(self.kept_out()),
                grouped(savings.given)
            )
        });
        format!("{} sent, {} came back{kept}", counted(self.sent, "call"), times::size(self.bytes as u64))
    }
}

/// What came of it, or how it goes on.
fn end(record: &Record, report: Option<&RunReport>, budget: usize) {
    let id = &record.entry.id;
    let Some(report) = report else {
        let unknown: Vec<String> =
            record.folded.unknown().map(|intent| format!("{}.{}", intent.namespace, intent.tool)).collect();
        if !unknown.is_empty() && record.entry.state == RunState::Interrupted {
            report::line(format_args!(
                "it was interrupted; of {} it is not known whether it was carried out: {}",
                counted(unknown.len(), "call"),
                escaped(&unknown.join(", "))
            ));
        }
        match record.entry.state {
            RunState::Interrupted if record.folded.opened.source.is_empty() => {
                report::hint("look whether it was carried out before you do it again");
            }
            RunState::Interrupted | RunState::Waiting => {
                report::hint(format_args!(
                    "outboard resume {id} brings it to its end, without repeating a call"
                ));
            }
            _ => {}
        }
        return;
    };
    let answer = present::answer_once(report, ELSEWHERE, budget);
    report::line("");
    report::line(if answer.is_error { "it failed:" } else { "result:" });
    report::text(&escaped_lines(&answer.text));
}

fn object(record: &Record, steps: &[Step], report: Option<&RunReport>, totals: &Totals) -> Value {
    let opened = &record.folded.opened;
    let mut object = entry_json(&record.entry);
    let milliseconds = |span: Duration| span.as_secs_f64() * 1e3;
    let calls = steps.iter().map(|step| {
        json!({
            "request": step.request,
            "call": step.what,
            "atMs": milliseconds(step.asked.0),
            "sentAtMs": step.sent.map(|sent| milliseconds(sent.0)),
            "tookMs": span(step).map(milliseconds),
            "argumentBytes": step.arguments,
            "answerBytes": step.answer,
            "answerTokens": step.tokens,
            "outcome": outcome(step),
        })
    });
    object["language"] = json!(opened.language);
    object["script"] = json!(opened.source);
    object["tookMs"] = json!(milliseconds(record.folded.clock().0));
    object["origin"] = json!(opened.origin);
    object["timeline"] = calls.collect();
    object["answerBytes"] = json!(totals.bytes);
    object["tokensKeptOut"] = json!(totals.kept_out());
    object["value"] = match report.map(|report| &report.outcome) {
        Some(Outcome::Value(Some(value))) => value.to_value(),
        _ => Value::Null,
    };
    object["text"] =
        json!(report.map(|report| present::answer_once(report, ELSEWHERE, present::DEFAULT_BUDGET).text));
    object["effects"] = match report {
        Some(report) => json!(report.effects),
        None => json!(record.folded.effects(&|_| None)),
    };
    object
}
