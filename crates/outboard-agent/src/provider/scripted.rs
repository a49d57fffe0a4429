//! A model whose turns are written down: by hand, as steps of a task, or recorded. It is given the conversation like any
//! other and reads of it how many turns were said, and its last result. It knows no tools.

use futures::future::{BoxFuture, FutureExt as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Heard, Provider, ProviderFailure, Said, StopReason};
use crate::{
    conversation::{Conversation, ToolUse, Turn},
    harmless,
    usage::Usage,
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
    /// The last words are worked out from what calls gave, in the way that has this name.
    #[serde(default)]
    pub answer_by: Option<String>,
}

/// Works last words out from all that was said, or says what is missing there.
pub type Compute = fn(&Conversation) -> Result<String, String>;

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
#[derive(Clone, Debug)]
pub struct Scripted {
    turns: Vec<Played>,
    model: Option<String>,
    provider: Option<String>,
}

/// What the words of a turn are.
#[derive(Clone, Copy, Debug)]
enum Words {
    /// As they are written.
    Written,
    /// What the last call gave.
    Given(From),
    /// Worked out.
    Computed(Compute),
}

#[derive(Clone, Debug)]
struct Played {
    turn: Turn,
    words: Words,
    /// It is an answer of steps: a call that failed right before it makes it a lie.
    answers: bool,
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
    /// Whose API that was, which decides about prices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
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
    /// Turns by steps, of which none is worked out.
    ///
    /// # Errors
    /// If a step makes no sense.
    pub fn of(steps: &[Step]) -> Result<Self, Unplayable> {
        Self::with(steps, &|_| None)
    }

    /// Turns by steps; `by` knows what answers are worked out by.
    ///
    /// # Errors
    /// If a step makes no sense.
    pub fn with(steps: &[Step], by: &dyn Fn(&str) -> Option<Compute>) -> Result<Self, Unplayable> {
        let mut turns = Vec::new();
        for (number, step) in (1..).zip(steps) {
            let wrong = |what: &str| Unplayable(format!("step {number} {what}"));
            let answers = [step.answer.is_some(), step.answer_from.is_some(), step.answer_by.is_some()];
            let is_answer = answers.contains(&true);
            if answers.iter().filter(|is_said| **is_said).count() > 1 {
                return Err(wrong("has more than one of `answer`, `answer_from` and `answer_by`"));
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
                    let words = match (&step.answer_by, step.answer_from) {
                        (Some(name), _) => Words::Computed(by(name).ok_or_else(|| {
                            wrong(&format!(
                                "works its answer out by `{}`, which nobody here knows",
                                harmless(name)
                            ))
                        })?),
                        (None, Some(from)) => Words::Given(from),
                        (None, None) => Words::Written,
                    };
                    turns.push(Played { words, answers: is_answer, ..Played::of(say, step.uses(None)) });
                }
            }
        }
        Ok(Self { turns, model: None, provider: None })
    }

    /// Whose API said recorded turns, if that is known.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Turns of a recording.
    ///
    /// # Errors
    /// If it is none.
    pub fn recorded(text: &str) -> Result<Self, Unplayable> {
        let Recorded { format, model, provider, turns } =
            serde_json::from_str(text).map_err(|error| Unplayable(harmless(&error.to_string())))?;
        if format != RECORDED {
            return Err(Unplayable(format!("they have format {format}, this version plays {RECORDED}")));
        }
        let turns = turns.into_iter().map(|RecordedTurn { turn, stop, usage }| Played {
            turn,
            words: Words::Written,
            answers: false,
            stop: Some(stop),
            usage,
        });
        Ok(Self { turns: turns.collect(), model, provider })
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
        Self { turn, words: Words::Written, answers: false, stop: None, usage: None }
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
            let Some(Played { mut turn, words, answers, stop, usage }) = self.turns.get(number).cloned()
            else {
                return Err(ProviderFailure::Script(format!(
                    "the written turns are over after {number}, and the task is not"
                )));
            };
            if answers {
                all_went_well(conversation)?;
            }
            match words {
                Words::Written => {}
                Words::Given(from) => turn.text = last_words(from, &last_result(conversation)?).to_owned(),
                Words::Computed(compute) => {
                    turn.text = compute(conversation).map_err(|what| {
                        ProviderFailure::Script(format!(
                            "the answer cannot be worked out: {}",
                            harmless(&what)
                        ))
                    })?;
                }
            }
            for (at, call) in turn.calls.iter_mut().enumerate() {
                call.id = format!("call_{number}_{at}");
            }
            let said = Said::of(turn).using(usage);
            Ok(Said { stop: stop.unwrap_or_else(|| said.stop.clone()), ..said })
        }
        .boxed()
    }

    fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }
}

/// What is answered after calls that failed was not found out by them.
fn all_went_well(conversation: &Conversation) -> Result<(), ProviderFailure> {
    let last = conversation.turns().next_back().map_or(0, |turn| turn.calls.len());
    let failed = conversation.exchanges().rev().take(last).find(|(_, answer)| answer.is_error);
    let Some((call, answer)) = failed else { return Ok(()) };
    let said: String = answer.text.chars().take(300).flat_map(char::escape_debug).collect();
    Err(ProviderFailure::Script(format!("`{}` failed: {said}", harmless(&call.name))))
}

/// What the last call gave.
fn last_result(conversation: &Conversation) -> Result<String, ProviderFailure> {
    match conversation.exchanges().next_back() {
        Some((_, answer)) => Ok(answer.text.trim().to_owned()),
        None => Err(ProviderFailure::Script("no call has been made that could be answered from".to_owned())),
    }
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
    use crate::conversation::{Message, ToolAnswer};

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
            (json!({ "answer": "a", "answer_from": "result" }), "more than one of"),
            (json!({ "answer_by": "a", "answer_from": "result" }), "more than one of"),
            (json!({ "answer_by": "x\u{1b}" }), "by `x\\u{1b}`, which nobody here knows"),
            (json!({ "for": "n", "from": 2, "to": 1, "calls": [{ "tool": "x" }] }), "needs `from`"),
            (json!({ "for": "n", "from": 0, "to": 99_999_999, "calls": [{ "tool": "x" }] }), "needs `from`"),
            (json!({ "for": "n", "to": 3, "a_turn": 0, "calls": [{ "tool": "x" }] }), "needs `from`"),
        ] {
            let refused = Scripted::of(&steps(json!([step]))).unwrap_err().to_string();
            assert!(refused.contains(part), "{refused}");
        }
    }

    #[tokio::test]
    async fn answers_are_worked_out_from_what_calls_gave_and_not_said_after_failures() {
        let compute: Compute = |conversation| match conversation.exchanges().count() {
            0 => Err("nothing".into()),
            count => Ok(format!("{count} calls")),
        };
        let by = |name: &str| (name == "count").then_some(compute);
        let say = async |last: Value, failed: &[bool]| {
            let calls: Vec<Value> = failed.iter().map(|_| json!({ "tool": "t" })).collect();
            let mut written = steps(json!([{ "calls": calls }, last]));
            if failed.is_empty() {
                written.remove(0);
            }
            let scripted = Scripted::with(&written, &by).unwrap();
            let mut conversation = Conversation::default();
            if !failed.is_empty() {
                let turn = scripted.turn(&conversation, &|_| ()).await.unwrap().turn;
                let answers =
                    failed.iter().map(|failed| ToolAnswer { text: " 7 ".into(), is_error: *failed });
                conversation.messages = vec![Message::Assistant(turn), Message::Results(answers.collect())];
            }
            scripted
                .turn(&conversation, &|_| ())
                .await
                .map(|said| said.turn.text)
                .map_err(|error| error.to_string())
        };
        let (literal, result, by) =
            (json!({ "answer": "8" }), json!({ "answer_from": "result" }), json!({ "answer_by": "count" }));
        assert_eq!(say(by.clone(), &[false, false]).await.unwrap(), "2 calls");
        assert_eq!(say(result.clone(), &[false]).await.unwrap(), "7");
        assert_eq!(say(literal.clone(), &[false]).await.unwrap(), "8");
        assert_eq!(say(by.clone(), &[]).await.unwrap_err(), "the answer cannot be worked out: nothing");
        for last in [literal, result, by] {
            assert_eq!(say(last, &[true, false]).await.unwrap_err(), "`t` failed:  7 ");
        }
    }
}
