//! The scripted model: turns that stand in files, answers that are worked out from the conversation.
//!
//! It keeps no state. Like a real model it is given the whole conversation and says its next turn; it
//! does not reach any server itself, and it has no answer written down.

mod aggregate;
mod mend;
mod script;

use outboard_agent::{Conversation, ToolUse, Turn};
use serde_json::{Value, json};

use crate::answer::Answer;
use script::{Source, Step};

const EXECUTE: &str = "execute";
/// What a model must have read about before it can write the demo's script.
pub(crate) const TOOLS_OF_THE_SCRIPT: [&str; 2] = [aggregate::TOTAL_PAGES, aggregate::DATA_CHUNK];

pub(crate) use script::SUMMARY as SUMMARY_SCRIPT;
#[cfg(test)]
pub(crate) use script::SUMMARY_IN_PYTHON;

/// A model that follows the steps of one way.
#[derive(Debug)]
pub(crate) struct ScriptedModel {
    steps: Vec<Step>,
}

/// The conversation lacks what the script's next turn is made from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stuck {
    #[error("the turns are written wrongly: {0}")]
    Turns(String),
    #[error("the script of turns is over")]
    Over,
    #[error("nothing in the conversation tells of the tool `{0}`")]
    UnknownTool(&'static str),
    #[error("`{tool}` did not answer what was expected, but: {text}")]
    Unreadable { tool: String, text: String },
    #[error("page {0} is not among the answers")]
    PageMissing(u32),
    #[error("no call has been made that could be answered from")]
    NoResult,
}

/// The answers of tasks whose turns are written down, by what calls gave and nothing else.
pub(crate) mod answers {
    use outboard_agent::Conversation;

    use super::aggregate;

    /// Of the demonstration, over all pages that there are.
    pub(crate) fn summary(conversation: &Conversation) -> Result<String, String> {
        aggregate::answer(conversation).map(|answer| answer.to_string()).map_err(|stuck| stuck.to_string())
    }

    /// Failures on the first three pages.
    pub(crate) fn failures(conversation: &Conversation) -> Result<String, String> {
        let failures = aggregate::failures(conversation, 1..=3).map_err(|stuck| stuck.to_string())?;
        Ok(serde_json::json!({ "failures": failures }).to_string())
    }

    /// The number of pages.
    pub(crate) fn pages(conversation: &Conversation) -> Result<String, String> {
        aggregate::total_pages(conversation).map(|total| total.to_string()).map_err(|stuck| stuck.to_string())
    }
}

impl ScriptedModel {
    /// Reads the steps of a way (a file of `turns/`).
    pub(crate) fn read(turns: &str) -> Result<Self, Stuck> {
        let steps = serde_json::from_str(turns).map_err(|error| Stuck::Turns(error.to_string()))?;
        Ok(Self { steps })
    }

    /// The next turn.
    pub(crate) fn next(&self, conversation: &Conversation) -> Result<Turn, Stuck> {
        let mut turn = conversation.turns().count();
        for step in &self.steps {
            let length = step_length(step, conversation)?;
            if turn < length {
                return take(step, turn, conversation);
            }
            turn -= length;
        }
        Err(Stuck::Over)
    }

    /// How many turns the whole takes, once the conversation tells.
    pub(crate) fn length(&self, conversation: &Conversation) -> Option<usize> {
        self.steps.iter().map(|step| step_length(step, conversation).ok()).sum()
    }
}

fn step_length(step: &Step, conversation: &Conversation) -> Result<usize, Stuck> {
    match step {
        Step::FetchPages { calls_per_turn, .. } => {
            Ok((aggregate::total_pages(conversation)? as usize).div_ceil((*calls_per_turn).get()))
        }
        Step::Call { .. } | Step::Execute { .. } | Step::Mend { .. } | Step::Answer { .. } => Ok(1),
    }
}

/// The turn of a step that takes several: `turn` counts from zero within the step.
fn take(step: &Step, turn: usize, conversation: &Conversation) -> Result<Turn, Stuck> {
    Ok(match step {
        Step::Call { say, tool, input } => says(say, vec![call(tool, input.clone())]),
        Step::FetchPages { tool, calls_per_turn } => {
            let total = aggregate::total_pages(conversation)?;
            let pages = (1..=total).skip(turn * calls_per_turn.get()).take(calls_per_turn.get());
            let calls = pages.map(|page| call(tool, json!({ "page": page })));
            says("", calls.collect())
        }
        Step::Execute { say, script } => {
            for tool in TOOLS_OF_THE_SCRIPT {
                if !conversation.mentions(tool) {
                    return Err(Stuck::UnknownTool(tool));
                }
            }
            execute(say, script.text())
        }
        Step::Mend { say } => execute(say, &mend_last(conversation)?),
        Step::Answer { from } => {
            let answer = match from {
                Source::Pages => aggregate::answer(conversation)?,
                Source::Result => read_last(conversation)?,
            };
            says(&answer.to_string(), Vec::new())
        }
    })
}

fn execute(say: &str, code: &str) -> Turn {
    says(say, vec![call(EXECUTE, json!({ "code": code }))])
}

fn says(text: &str, calls: Vec<ToolUse>) -> Turn {
    Turn { text: text.to_owned(), calls, ..Turn::default() }
}

fn call(name: &str, input: Value) -> ToolUse {
    ToolUse { name: name.to_owned(), input, ..ToolUse::default() }
}

fn mend_last(conversation: &Conversation) -> Result<String, Stuck> {
    let (call, answer) = conversation.exchanges().next_back().ok_or(Stuck::NoResult)?;
    let code = call.input["code"].as_str().ok_or(Stuck::NoResult)?;
    mend::mend(code, &answer.text).ok_or_else(|| unreadable(&call.name, &answer.text))
}

fn read_last(conversation: &Conversation) -> Result<Answer, Stuck> {
    let (call, answer) = conversation.exchanges().next_back().ok_or(Stuck::NoResult)?;
    let stated = if answer.is_error { None } else { Answer::parse(&answer.text) };
    stated.ok_or_else(|| unreadable(&call.name, &answer.text))
}

/// Quotes the start of a text with control characters escaped: it goes to a terminal.
fn unreadable(tool: &str, text: &str) -> Stuck {
    const SHOWN: usize = 300;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push_str("...");
    }
    Stuck::Unreadable { tool: tool.to_owned(), text: shown }
}

#[cfg(test)]
mod tests;
