//! The files of `turns/`: the steps of each way and the scripts that they execute.
//!
//! They are data, compiled in. What a step turns into is decided in `model`.

use std::num::NonZeroUsize;

use serde::Deserialize;
use serde_json::Value;

/// The natural script for the task, as a model writes it.
pub(crate) const SUMMARY: &str = include_str!("../../turns/summary.ts");
/// The same in Python.
pub(crate) const SUMMARY_IN_PYTHON: &str = include_str!("../../turns/summary.py");
const MISSPELT: &str = include_str!("../../turns/misspelt.ts");

/// One step of a way; most steps are one turn.
#[derive(Debug, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    /// One call with fixed arguments.
    Call { say: String, tool: String, input: Value },
    /// As many turns as it takes to fetch every page.
    FetchPages { tool: String, calls_per_turn: NonZeroUsize },
    /// Runs one of the scripts.
    Execute { say: String, script: Script },
    /// Runs the last script again with the mistake corrected that its result names.
    Mend { say: String },
    /// The last turn.
    Answer { from: Source },
}

/// Where the answer is worked out from.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Source {
    /// All pages in the conversation.
    Pages,
    /// The last call's result.
    Result,
}

/// A script of `turns/`, by its file name.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) enum Script {
    #[serde(rename = "summary.ts")]
    Summary,
    #[serde(rename = "summary.py")]
    SummaryInPython,
    #[serde(rename = "misspelt.ts")]
    Misspelt,
}

impl Script {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Summary => SUMMARY,
            Self::SummaryInPython => SUMMARY_IN_PYTHON,
            Self::Misspelt => MISSPELT,
        }
    }
}
