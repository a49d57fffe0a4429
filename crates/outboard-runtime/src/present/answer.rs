//! The answer to one `execute`: value, then console, then what went wrong, in one token budget.
//! The value comes first when room is short, except that an error always fits.

use outboard_script::Language;

use super::{
    console::Console,
    count_tokens,
    failure::{failure_text, findings_text, hints_text},
    fit::fit_with,
    media,
    note::{self, note},
};
use crate::{
    json::Json,
    run::{Outcome, RunReport},
    session::Session,
};

/// Tokens of an answer if nothing else is asked for.
pub const DEFAULT_BUDGET: usize = 6_000;
/// Smaller budgets count as this one: less would not hold a note on what was cut.
pub const SMALLEST_BUDGET: usize = 100;

/// What an ended run says to the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub text: String,
    /// Whether the script did not come to its end.
    pub is_error: bool,
    /// MCP content blocks of images and audio that the script returned on their own. They are not
    /// part of the token budget; at most 20 of them and 6 MiB in all.
    pub media: Vec<Json>,
}

/// The answer that a run gives, in at most `budget` o200k tokens (at least 100). A value that does not fit is
/// kept in `session`.
pub fn answer(report: &RunReport, session: &Session, budget: usize) -> Answer {
    answer_with(
        report,
        &|value| note::kept(session.keep(value.clone()).as_str()),
        &note::kept(SAMPLE),
        budget,
    )
}

/// The answer that a run gives to someone for whom nothing is kept. `elsewhere` says what becomes of a whole value that
/// does not fit; it fits after "the whole value (1.9 MB)".
pub fn answer_once(report: &RunReport, elsewhere: &str, budget: usize) -> Answer {
    answer_with(report, &|_| elsewhere.to_owned(), elsewhere, budget)
}

/// Says what becomes of the whole of a value that is cut.
type Rest<'a> = dyn Fn(&Json) -> String + 'a;

fn answer_with(report: &RunReport, rest: &Rest<'_>, sample: &str, budget: usize) -> Answer {
    let budget = budget.max(SMALLEST_BUDGET);
    let hints = hints_text(&report.hints, budget / HINTS);
    let left = if hints.is_empty() { budget } else { budget - count_tokens(&hints) };
    let mut answer = without_hints(report, rest, sample, left);
    answer.text.push_str(&hints);
    answer
}

fn without_hints(report: &RunReport, rest: &Rest<'_>, sample: &str, budget: usize) -> Answer {
    let console = Console::new(&report.console, report.console_dropped, report.limits.console);
    match &report.outcome {
        Outcome::Value(Some(value)) => value_answer(value, &console, (rest, sample), budget),
        Outcome::Value(None) if console.is_empty() => plain(
            match report.language {
                Language::TypeScript => {
                    "the script returned nothing: end it with `return` and the value that you want to see"
                }
                Language::Python => {
                    "the script has no result: end it with an expression, or assign what you want to see to `result`"
                }
            }
            .to_owned(),
        ),
        Outcome::Value(None) => plain(console.fit(budget)),
        Outcome::NotRun(findings) => failed(findings_text(findings, budget)),
        Outcome::Failed(failure) => {
            let text = failure_text(report, failure, budget);
            failed(match budget.checked_sub(count_tokens(&text) + HEADING) {
                Some(left) if !console.is_empty() => below(&console.fit(left), text),
                _ => text,
            })
        }
    }
}

fn plain(text: String) -> Answer {
    Answer { text, is_error: false, media: Vec::new() }
}

fn failed(text: String) -> Answer {
    Answer { text, is_error: true, media: Vec::new() }
}

/// `text` below the console, which is left out if nothing of it fits.
fn below(console: &str, text: String) -> String {
    if console.is_empty() { text } else { format!("console:\n{console}\n{text}") }
}

/// The part of a budget that hints may take.
const HINTS: usize = 4;
/// Tokens of the heading above console text, and of the line breaks between the parts.
const HEADING: usize = 6;

fn value_answer(
    value: &Json,
    console: &Console<'_>,
    (rest, sample): (&Rest<'_>, &str),
    budget: usize,
) -> Answer {
    // The value may use what the console does not need; a long console is sure of a fifth.
    let reserved = if console.is_empty() { 0 } else { HEADING + console.cost(budget / 5) };
    let bytes = value.as_str().len();
    let room = budget - reserved.min(budget);
    let fitted = fit_with(value, room, |cuts| 1 + count_tokens(&note(budget, cuts, bytes, sample)));
    let mut text = fitted.text;
    if !fitted.cuts.is_empty() {
        let note = note(budget, &fitted.cuts, bytes, &rest(value));
        text.push('\n');
        text.push_str(&note);
    }
    // Bytes first: where all fits as one token each, nothing is counted.
    let shown = console.whole_within(budget.saturating_sub(text.len() + HEADING));
    let shown = shown.unwrap_or_else(|| console.fit(budget.saturating_sub(count_tokens(&text) + HEADING)));
    if !shown.is_empty() {
        text.push_str("\nconsole:\n");
        text.push_str(&shown);
    }
    Answer { text, is_error: false, media: media::blocks(value) }
}

/// Stands for the handle while its tokens are counted: one that costs as much as any, because no two of its letters
/// stand together.
const SAMPLE: &str = "r1000_q7z0x9j4k2v8w1y6";
