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
    /// Dollars, if the price is known; of an estimate an estimate.
    pub dollars: Option<f64>,
    /// From when that price is known.
    pub prices_as_of: Option<String>,
    /// How often turns were asked for in vain.
    pub retries: u32,
    /// What those attempts had used, as far as the API told: no part of the other figures.
    pub given_up: Usage,
    /// The answer, if there is one.
    pub answer: Option<String>,
    /// Whether it is right, if the task can tell.
    pub right: Option<bool>,
    /// Why there is no answer.
    pub failure: Option<String>,
    /// It was broken off by whoever began it: what it is until then, and neither answered nor failed.
    pub partial: bool,
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

    /// Whether it came to an answer.
    pub fn is_answered(&self) -> bool {
        self.failure.is_none()
    }
}

impl WayRuns {
    /// For people.
    pub fn label(&self) -> String {
        label(self.mode, &self.name)
    }

    /// The runs with an answer, right or wrong: what the others would have cost nobody knows.
    pub fn answered(&self) -> impl Iterator<Item = &Sample> {
        self.runs.iter().filter(|run| run.is_answered())
    }

    /// How many runs gave no answer.
    pub fn failed(&self) -> usize {
        self.runs.iter().filter(|run| !run.is_answered() && !run.partial).count()
    }

    /// How many runs went to their end.
    pub fn ended(&self) -> usize {
        self.runs.iter().filter(|run| !run.partial).count()
    }

    /// A quantity of the answered runs; `None` without any.
    pub fn spread(&self, of: impl Fn(&Sample) -> f64) -> Option<Spread> {
        Spread::of(self.answered().map(of))
    }

    /// Dollars of the answered runs; `None` if one of them has no price.
    pub fn dollars(&self) -> Option<Spread> {
        let dollars: Option<Vec<f64>> = self.answered().map(|run| run.dollars).collect();
        Spread::of(dollars?)
    }

    /// From when the prices of these runs are known.
    pub fn prices_as_of(&self) -> Option<&str> {
        self.answered().find_map(|run| run.prices_as_of.as_deref())
    }

    /// Tokens of the answered runs.
    #[expect(clippy::cast_precision_loss, reason = "tokens are far fewer than a double can count")]
    pub fn tokens(&self) -> Option<Spread> {
        self.spread(|run| run.usage().total() as f64)
    }

    /// Runs with a right answer, and runs that were judged, the failed ones of the same way among them; `None` if no answer was
    /// judged.
    pub fn right(&self) -> Option<(usize, usize)> {
        let can_tell = self.runs.iter().any(|run| run.right.is_some());
        let is_judged =
            |run: &&Sample| run.right.is_some() || (can_tell && !run.is_answered() && !run.partial);
        let judged = self.runs.iter().filter(is_judged).count();
        let right = self.runs.iter().filter(|run| run.right == Some(true)).count();
        (judged > 0).then_some((right, judged))
    }

    /// Whether every run has an answer, and none a wrong one: others are not the best way, however little they cost.
    pub fn is_sound(&self) -> bool {
        self.answered().count() > 0
            && self.failed() == 0
            && self.right().is_none_or(|(right, judged)| right == judged)
    }

    /// The run that shows what the way is like: the answered one whose tokens are the median, or next below it. Of a way that
    /// never gave an answer it is a failed one.
    pub fn typical(&self) -> Option<&Sample> {
        let mut runs: Vec<&Sample> = self.answered().collect();
        if runs.is_empty() {
            runs = self.runs.iter().collect();
        }
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
            prices_as_of: None,
            retries: 0,
            given_up: Usage::default(),
            answer: Some("75".into()),
            right,
            failure: None,
            partial: false,
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

    pub(crate) fn failed(inputs: &[u64]) -> Sample {
        Sample { answer: None, failure: Some("it broke off".into()), ..sample(inputs, None) }
    }

    #[test]
    fn failed_runs_are_not_right_and_have_no_part_in_medians() {
        let priced = |inputs: &[u64], dollars| Sample { dollars, ..sample(inputs, Some(true)) };
        let way = |runs| WayRuns { mode: Mode::Code, name: String::new(), runs };
        let some =
            way(vec![failed(&[]), priced(&[300], Some(3.0)), failed(&[1, 1]), priced(&[100], Some(1.0))]);
        assert_eq!((some.right(), some.failed(), some.is_sound()), (Some((2, 4)), 2, false));
        assert_eq!(some.tokens(), Some(Spread { median: 210.0, least: 110.0, most: 310.0 }));
        assert_eq!(some.dollars().unwrap().median, 2.0);
        assert_eq!(some.typical().unwrap().usage().total(), 110);
        let unpriced = way(vec![priced(&[300], Some(3.0)), priced(&[100], None)]);
        assert_eq!((unpriced.dollars(), unpriced.is_sound()), (None, true));
        let none = way(vec![failed(&[7])]);
        assert_eq!((none.right(), none.tokens(), none.dollars(), none.is_sound()), (None, None, None, false));
        assert!(none.typical().is_some());
        // What was broken off has not failed, and counts nowhere.
        let broken_off = || Sample { partial: true, ..failed(&[50]) };
        let part = way(vec![priced(&[300], Some(3.0)), broken_off()]);
        assert_eq!((part.right(), part.failed(), part.ended()), (Some((1, 1)), 0, 1));
        assert_eq!(part.tokens().unwrap().most, 310.0);
        let only = way(vec![broken_off()]);
        assert_eq!((only.right(), only.failed(), only.tokens(), only.is_sound()), (None, 0, None, false));
        assert_eq!(only.typical().unwrap().usage().total(), 60);
    }
}
