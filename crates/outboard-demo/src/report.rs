//! What the demo found: figures for each way, as data, as JSON and as text.
//!
//! It judges whether all ways came to the same answer, and whether what the second part claims is true. It does not print.

mod render;
mod waiting;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    model::SUMMARY_SCRIPT,
    workplace::{Claim, WorkplaceReport},
};

pub use outboard_agent::compare::Style;

/// The tokenizer that the figures are counted with; no provider's bill.
const ESTIMATE: &str = "o200k";
const COUNTED: &str = "o200k estimate: every turn bills system prompt, tool definitions, server instructions and \
                       the whole history as input, and the model's words and calls as output; prompt caches are \
                       not considered. Results are counted as the server writes them, with a space after each comma \
                       and colon as Python's json.dumps does; compact JSON would make the direct ways a fifth cheaper.";

/// What one way took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WayReport {
    /// Stable name: `one-call-a-turn`, `ten-calls-a-turn`, `one-script`; among the variants
    /// `one-script-search-first` and `one-script-mended`.
    pub name: &'static str,
    /// The same for people; not stable.
    pub label: &'static str,
    /// Turns of the model, the answer included.
    pub turns: u64,
    /// Tokens that all turns together bill as input.
    pub input_tokens: u64,
    /// Tokens that all turns together bill as output.
    pub output_tokens: u64,
    /// From the first turn to the last, tools included; a model's own thinking is not simulated.
    #[serde(serialize_with = "milliseconds")]
    pub seconds: f64,
    /// What the model answered.
    pub answer: Answer,
}

impl WayReport {
    /// All tokens billed.
    pub fn tokens(&self) -> u64 {
        self.input_tokens + self.output_tokens
    }
}

/// What the demo found.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoReport {
    /// The three ways, in the order of the JSON and of the table.
    pub ways: Vec<WayReport>,
    /// The script once more, searched for first and failing once.
    pub variants: Vec<WayReport>,
    /// Whether the upstream simulated latency.
    pub latency: bool,
    /// The second part, if it was shown.
    pub workplace: Option<WorkplaceReport>,
}

impl DemoReport {
    pub(crate) fn new(latency: bool) -> Self {
        Self { ways: Vec::new(), variants: Vec::new(), latency, workplace: None }
    }

    /// Whether every way and variant came to the same answer. If not, the caller ends with a failure.
    pub fn answers_agree(&self) -> bool {
        let mut answers = self.all().map(|way| &way.answer);
        let first = answers.next();
        answers.all(|answer| Some(answer) == first)
    }

    /// What the second part was to show and did not. If there is any, the caller ends with a failure.
    pub fn untrue(&self) -> Vec<&'static str> {
        let claims = self.workplace.iter().flat_map(WorkplaceReport::claims);
        claims.filter(|claim| !claim.holds).map(|Claim { claim, .. }| claim).collect()
    }

    /// One object: `ways` and `variants`, each a list of `{name, label, turns, input_tokens,
    /// output_tokens, seconds, answer}`; `estimate`, `counted`, `answers_agree`, `latency` and `script`. `workplace` is the
    /// second part: `{commands, tools, runs, scripts, claims}`, each claim with whether it holds.
    /// Keys are added over time, none of these changes its meaning.
    pub fn to_json(&self) -> Value {
        json!({
            "ways": self.ways,
            "variants": self.variants,
            "answers_agree": self.answers_agree(),
            "estimate": ESTIMATE,
            "counted": COUNTED,
            "latency": self.latency,
            "script": SUMMARY_SCRIPT,
            "workplace": self.workplace.as_ref().map(waiting::to_json),
        })
    }

    /// The table, the bars, the answer and the script, for people; ends with a line break.
    pub fn render(&self, style: Style) -> String {
        render::render(self, style)
    }

    fn all(&self) -> impl Iterator<Item = &WayReport> {
        self.ways.iter().chain(&self.variants)
    }
}

fn milliseconds<S: serde::Serializer>(seconds: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((seconds * 1000.0).round() / 1000.0)
}

#[cfg(test)]
mod tests;
