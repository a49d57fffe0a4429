//! A model whose turns are written down: by hand, as steps of a task, or recorded. It is given the conversation like any
//! other and reads of it how many turns were said, and its last result. It knows no tools.

use futures::future::{BoxFuture, FutureExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Heard, Provider, ProviderFailure, Said, StopReason};
use crate::{
    conversation::{Conversation, ToolUse, Turn},
    harmless,
    usage::{Counted, Usage},
};

/// Turns that a step may stand for at most.
const MOST: u64 = 10_000;

/// A step of written turns.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the model says.
    #[serde(default)]
    pub say: String,
    /// What it calls.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// The step stands for many calls: one for each number, under this name.
    #[serde(default, rename = "for")]
    pub each: Option<String>,
    /// The first number.
    #[serde(default)]
    pub from: u64,
    /// The last number.
    #[serde(default)]
    pub to: u64,
    /// How many of them are called in a turn.
    #[serde(default = "one")]
    pub a_turn: u64,
    /// The last words.
    #[serde(default)]
    pub answer: Option<String>,
    /// The last words are what a call gave.
    #[serde(default)]
    pub answer_from: Option<From>,
}

fn one() -> u64 {
    1
}

/// A call of a step.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its input. `"$name"` in it is the number of a step with `for = "name"`.
    #[serde(default = "empty")]
    pub input: Value,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

/// Where last words come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// The last call's result, as it is.
    Result,
    /// The last call's result without its first line: what a command of a shell wrote.
    Output,
}

/// Turns that are played.
#[derive(Clone, Debug, PartialEq)]
pub struct Scripted {
    turns: Vec<Played>,
    model: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
struct Played {
    turn: Turn,
    from: Option<From>,
    stop: Option<StopReason>,
    usage: Option<Usage>,
}

/// Turns as they are recorded.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recorded {
    /// [`RECORDED`].
    pub format: u32,
    /// The model that said them.
    pub model: Option<String>,
    /// In their order.
    pub turns: Vec<RecordedTurn>,
}

/// Version of recorded turns; a file of another one is refused.
pub const RECORDED: u32 = 1;

/// One recorded turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RecordedTurn {
    /// What was said.
    #[serde(flatten)]
    pub turn: Turn,
    /// Why it ended.
    pub stop: StopReason,
    /// What it cost, if the API told.
    #[serde(default)]
    pub usage: Option<Usage>,
}

/// Written turns that cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("play the turns: {0}")]
pub struct Unplayable(String);

impl Scripted {
    /// Turns by steps.
    ///
    /// # Errors
    /// If a step makes no sense.
    pub fn of(steps: &[Step]) -> Result<Self, Unplayable> {
        let mut turns = Vec::new();
        for (number, step) in (1..).zip(steps) {
            let wrong = |what: &str| Unplayable(format!("step {number} {what}"));
            let is_answer = step.answer.is_some() || step.answer_from.is_some();
            if step.answer.is_some() && step.answer_from.is_some() {
                return Err(wrong("has both `answer` and `answer_from`"));
            }
            if is_answer && (!step.calls.is_empty() || step.each.is_some()) {
                return Err(wrong("both calls and answers"));
            }
            if !is_answer && step.calls.is_empty() {
                return Err(wrong("neither calls nor answers"));
            }
            match &step.each {
                Some(name) => {
                    if step.to < step.from || step.to - step.from >= MOST || step.a_turn == 0 {
                        return Err(wrong(&format!("needs `from` ≤ `to` (at most {MOST}) and `a_turn` ≥ 1")));
                    }
                    let numbers: Vec<u64> = (step.from..=step.to).collect();
                    for some in numbers.chunks(usize::try_from(step.a_turn).unwrap_or(usize::MAX)) {
                        let uses = some.iter().flat_map(|number| step.uses(Some((name, *number)))).collect();
                        turns.push(Played::of(&step.say, uses));
                    }
                }
                None => {
                    let say = step.answer.as_deref().unwrap_or(&step.say);
                    turns.push(Played { from: step.answer_from, ..Played::of(say, step.uses(None)) });
                }
            }
        }
        Ok(Self { turns, model: None })
    }

    /// Turns of a recording.
    ///
    /// # Errors
    /// If it is none.
    pub fn recorded(text: &str) -> Result<Self, Unplayable> {
        let Recorded { format, model, turns } =
            serde_json::from_str(text).map_err(|error| Unplayable(harmless(&error.to_string())))?;
        if format != RECORDED {
            return Err(Unplayable(format!("they have format {format}, this version plays {RECORDED}")));
        }
        let turns = turns.into_iter().map(|RecordedTurn { turn, stop, usage }| Played {
            turn,
            from: None,
            stop: Some(stop),
            usage,
        });
        Ok(Self { turns: turns.collect(), model })
    }
}

impl Step {
    fn uses(&self, number: Option<(&String, u64)>) -> Vec<ToolUse> {
        let uses = self.calls.iter().map(|call| {
            let mut input = call.input.clone();
            if let Some((name, number)) = number {
                put_in(&mut input, &format!("${name}"), number);
            }
            ToolUse { id: String::new(), name: call.tool.clone(), input }
        });
        uses.collect()
    }
}

fn put_in(value: &mut Value, name: &str, number: u64) {
    match value {
        Value::String(text) if text == name => *value = Value::from(number),
        Value::Object(members) => members.values_mut().for_each(|member| put_in(member, name, number)),
        Value::Array(items) => items.iter_mut().for_each(|item| put_in(item, name, number)),
        _ => {}
    }
}

impl Played {
    fn of(say: &str, calls: Vec<ToolUse>) -> Self {
        let turn = Turn { text: say.to_owned(), calls, verbatim: None };
        Self { turn, from: None, stop: None, usage: None }
    }
}

impl Provider for Scripted {
    fn turn<'a>(
        &'a self,
        conversation: &'a Conversation,
        _hear: &'a (dyn Fn(Heard<'_>) + Send + Sync),
    ) -> BoxFuture<'a, Result<Said, ProviderFailure>> {
        async move {
            let number = conversation.turns().count();
            let Some(Played { turn, from, stop, usage }) = self.turns.get(number).cloned() else {
                return Err(ProviderFailure::Script(format!(
                    "the written turns are over after {number}, and the task is not"
                )));
            };
            let mut turn = turn;
            if let Some(from) = from {
                turn.text = last_words(from, &last_result(conversation)?).to_owned();
            }
            for (at, call) in turn.calls.iter_mut().enumerate() {
                call.id = format!("call_{number}_{at}");
            }
            let ends = if turn.calls.is_empty() { StopReason::EndTurn } else { StopReason::ToolUse };
            let counted = if usage.is_some() { Counted::Reported } else { Counted::Estimated };
            Ok(Said { turn, stop: stop.unwrap_or(ends), usage, counted, retries: 0 })
        }
        .boxed()
    }

    fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
}

/// What the last call gave, if it went well.
fn last_result(conversation: &Conversation) -> Result<String, ProviderFailure> {
    let Some((call, answer)) = conversation.exchanges().next_back() else {
        return Err(ProviderFailure::Script("no call has been made that could be answered from".to_owned()));
    };
    if answer.is_error {
        let said: String = answer.text.chars().take(300).flat_map(char::escape_debug).collect();
        return Err(ProviderFailure::Script(format!("`{}` failed: {said}", harmless(&call.name))));
    }
    Ok(answer.text.trim().to_owned())
}

fn last_words(from: From, result: &str) -> &str {
    match from {
        From::Result => result,
        // Of a command that wrote nothing there is nothing to say.
        From::Output => result.split_once('\n').map_or("", |(_, written)| written.trim()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(value: Value) -> Vec<Step> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_step_stands_for_as_many_turns_as_its_numbers_take() {
        let scripted = Scripted::of(&steps(json!([
            { "say": "first", "calls": [{ "tool": "total" }] },
            { "for": "page", "from": 1, "to": 5, "a_turn": 2, "calls": [{ "tool": "get", "input": { "page": "$page", "all": ["$page", "x"] } }] },
            { "answer": "done" },
        ])))
        .unwrap();
        let inputs: Vec<Vec<&Value>> = scripted
            .turns
            .iter()
            .map(|played| played.turn.calls.iter().map(|call| &call.input).collect())
            .collect();
        assert_eq!(inputs.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 2, 1, 0]);
        assert_eq!(inputs[3], [&json!({ "page": 5, "all": [5, "x"] })]);
        assert_eq!(scripted.turns[4].turn.text, "done");
    }

    #[test]
    fn last_words_are_a_result_or_what_a_command_wrote() {
        for (from, result, expected) in [
            (From::Result, "exit 0\n{}", "exit 0\n{}"),
            (From::Output, "exit 0\n{\n}\n", "{\n}"),
            (From::Output, "exit 0", ""),
        ] {
            assert_eq!(last_words(from, result), expected);
        }
    }

    #[test]
    fn steps_that_make_no_sense_are_refused_by_their_number() {
        for (step, part) in [
            (json!({}), "step 1 neither calls nor answers"),
            (json!({ "answer": "a", "calls": [{ "tool": "x" }] }), "step 1 both"),
            (json!({ "answer": "a", "answer_from": "result" }), "has both"),
            (json!({ "for": "n", "from": 2, "to": 1, "calls": [{ "tool": "x" }] }), "needs `from`"),
            (json!({ "for": "n", "from": 0, "to": 99_999_999, "calls": [{ "tool": "x" }] }), "needs `from`"),
            (json!({ "for": "n", "to": 3, "a_turn": 0, "calls": [{ "tool": "x" }] }), "needs `from`"),
        ] {
            let refused = Scripted::of(&steps(json!([step]))).unwrap_err().to_string();
            assert!(refused.contains(part), "{refused}");
        }
    }
}
