//! Ways of doing one task side by side: figures of all their runs, medians, spread, who was right; as data, as text for a
//! terminal and as one HTML page. It runs nothing and prints nothing.

pub mod bars;
mod html;
mod render;
mod style;

use serde::Serialize;

pub use html::page;
pub use render::{render, table, thousands};
pub use style::Style;

use crate::{
    task::{Mode, label},
    usage::{Counted, Usage},
};

/// All ways of one task.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// The task's name.
    pub task: String,
    /// What it is about.
    pub title: String,
    /// What the models were asked.
    pub prompt: String,
    /// Who said the turns: a model, or `written turns`.
    pub model: String,
    /// The ways, the first being the one that others are compared with.
    pub ways: Vec<WayRuns>,
    /// Ways that were not gone, each with why.
    pub left_out: Vec<String>,
}

/// All runs of one way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WayRuns {
    /// The mode.
    pub mode: Mode,
    /// What sets the way apart in it.
    pub name: String,
    /// Its runs.
    pub runs: Vec<Sample>,
}

/// What one run was.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sample {
    /// What each turn billed.
    pub turns: Vec<Usage>,
    /// Who counted.
    pub counted: Counted,
    /// Seconds from the first turn to the end.
    pub seconds: f64,
    /// Of these, in the model.
    pub model_seconds: f64,
    /// In tools.
    pub tool_seconds: f64,
    /// In scripts, beside tools.
    pub code_seconds: f64,
    /// Dollars, if the price is known.
    pub dollars: Option<f64>,
    /// The answer, if there is one.
    pub answer: Option<String>,
    /// Whether it is right, if the task can tell.
    pub right: Option<bool>,
    /// Why there is no answer.
    pub failure: Option<String>,
}

/// A quantity over all runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The middle, or the mean of both middles.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of these values, of which there is at least one that is a number.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (least, most) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, least, most })
    }
}

impl Sample {
    /// All that it billed.
    pub fn usage(&self) -> Usage {
        self.turns.iter().copied().sum()
    }
}

impl WayRuns {
    /// For people.
    pub fn label(&self) -> String {
        label(self.mode, &self.name)
    }

    /// A quantity of all runs; `None` without runs.
    pub fn spread(&self, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.runs.iter().map(of))
    }

    /// Tokens of all runs.
    #[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
    pub fn tokens(&self) -> Option<Spread> {
        self.spread(|run| run.usage().total() as f64)
    }

    /// Runs with a right answer, and runs whose answer could be judged; `None` if the task cannot tell.
    pub fn right(&self) -> Option<(usize, usize)> {
        let judged = self.runs.iter().filter(|run| run.right.is_some()).count();
        let right = self.runs.iter().filter(|run| run.right == Some(true)).count();
        (judged > 0).then_some((right, judged))
    }

    /// The run that shows what the way is like: the one whose tokens are the median, or next below it.
    pub fn typical(&self) -> Option<&Sample> {
        let mut runs: Vec<&Sample> = self.runs.iter().collect();
        runs.sort_by_key(|run| run.usage().total());
        runs.get(runs.len().saturating_sub(1) / 2).copied()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample(inputs: &[u64], right: Option<bool>) -> Sample {
        Sample {
            turns: inputs
                .iter()
                .map(|input| Usage { input: *input, output: 10, ..Usage::default() })
                .collect(),
            counted: Counted::Estimated,
            seconds: 1.5,
            model_seconds: 0.0,
            tool_seconds: 1.0,
            code_seconds: 0.5,
            dollars: None,
            answer: Some("75".into()),
            right,
            failure: None,
        }
    }

    #[test]
    fn medians_are_those_of_the_middle_and_the_typical_run_is_a_real_one() {
        let spread = |values: &[f64]| Spread::of(values.iter().copied());
        assert_eq!(spread(&[3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(spread(&[4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!([spread(&[]), spread(&[f64::NAN])], [None, None]);
        let runs = [&[100][..], &[300], &[200], &[400]];
        let way = WayRuns {
            mode: Mode::Code,
            name: String::new(),
            runs: runs
                .iter()
                .zip([Some(true), None, Some(false), Some(true)])
                .map(|(turns, right)| sample(turns, right))
                .collect(),
        };
        assert_eq!(way.typical().unwrap().usage().total(), 210);
        assert_eq!(way.right(), Some((2, 3)));
    }
}
