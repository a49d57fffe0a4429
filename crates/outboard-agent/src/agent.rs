//! The loop: a turn of the model, the calls that it asks for, their answers, and again, until it has said all or may not
//! go on. Whatever happens, what was done until then is reported. It prints nothing; a [`Watcher`] may.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde::Serialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    billing::Meter,
    conversation::{Conversation, Message, ToolAnswer, ToolUse, Turn},
    provider::{Heard, Provider, ProviderFailure, Said, StopReason},
    toolbox::{Toolbox, ToolboxFailure},
    usage::{Counted, Usage},
};

/// How long calls that are under way have to say how they ended once an agent is told to stop.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Characters of one answer that a model is given at most; what is longer is cut and says so.
pub const LONGEST_ANSWER: usize = 400_000;

/// How far an agent may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Turns of the model.
    pub turns: usize,
    /// Tokens that all turns together may bill, cached ones included: once they are reached no further turn begins.
    pub tokens: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { turns: 50, tokens: 1_000_000 }
    }
}

/// Sees what happens while it happens.
pub trait Watcher: Send + Sync {
    /// A turn begins, counted from 1.
    fn begins(&self, _turn: usize) {}
    /// Something is heard of it.
    fn hears(&self, _heard: &Heard<'_>) {}
    /// The turn is over, and this is what it cost.
    fn said(&self, _turn: &Turn, _usage: Usage, _counted: Counted) {}
    /// A call was answered.
    fn answered(&self, _call: &ToolUse, _answer: &ToolAnswer, _took: Duration) {}
    /// A call got no answer, and nobody knows whether it was carried out.
    fn unanswered(&self, _call: &ToolUse) {}
}

/// Sees nothing.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watcher for Unwatched {}

/// A model with its tools.
pub struct Agent<'a> {
    /// Says the turns.
    pub provider: &'a dyn Provider,
    /// Has the tools.
    pub toolbox: &'a dyn Toolbox,
    /// How far it may go.
    pub bounds: Bounds,
    /// Who looks on.
    pub watcher: &'a dyn Watcher,
    /// Ends it: the turn and the calls that are under way are given up.
    pub stop: CancellationToken,
}

/// How an agent ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The model said its last words.
    Answered,
    /// It called nothing any more, and said nothing.
    Silent,
    /// It needed more turns than it may have.
    Turns,
    /// All turns together have billed what they may.
    Tokens,
    /// A turn was cut at the limit of its output.
    Cut,
    /// The conversation is longer than the model can read.
    ContextFull,
    /// The model refuses, or a filter does.
    Refused,
    /// It stopped for a reason that nobody here knows, and called nothing.
    Stopped(String),
    /// It was told to stop.
    Interrupted,
    /// The model said no turn.
    Provider(ProviderFailure),
    /// A call got no answer.
    Tools(ToolboxFailure),
}

/// What an agent did and what it cost.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub ended: Ended,
    /// The model's last words, if it said any.
    pub answer: Option<String>,
    /// Its turns.
    pub turns: Vec<TurnReport>,
    /// Attempts at a last turn that did not come: how many, and what they had used, as far as the API told.
    pub lost: (u32, Usage),
    /// Everything that was said.
    pub conversation: Conversation,
    /// From the first turn to the end; listing the tools is no part of it.
    pub took: Duration,
}

/// What one turn was.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TurnReport {
    /// What it billed.
    pub usage: Usage,
    /// Who counted that.
    pub counted: Counted,
    /// Why it ended.
    pub stop: StopReason,
    /// How often it was asked for in vain.
    pub retries: u32,
    /// What those attempts had used, as far as the API told: beside `usage`, and whether it is billed nobody says.
    pub given_up: Usage,
    /// How long the model took, pauses between tries included.
    #[serde(serialize_with = "seconds", rename = "modelSeconds")]
    pub model: Duration,
    /// How long its calls took, which are made side by side.
    #[serde(serialize_with = "seconds", rename = "toolSeconds")]
    pub tools: Duration,
    /// Its calls.
    pub calls: Vec<CallReport>,
}

/// What one call was.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CallReport {
    /// The tool.
    pub tool: String,
    /// Its input.
    pub input: Value,
    /// What came back, as the model reads it. `None` if nothing did: whether the call was carried out is not known.
    pub answer: Option<String>,
    /// Whether that is an error.
    pub is_error: bool,
    /// How long it took.
    #[serde(serialize_with = "seconds", rename = "seconds")]
    pub took: Duration,
}

/// Milliseconds are what can be told apart.
pub(crate) fn seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((span.as_secs_f64() * 1e3).round() / 1e3)
}

impl Report {
    /// What all turns together billed.
    pub fn usage(&self) -> Usage {
        self.turns.iter().map(|turn| turn.usage).sum()
    }

    /// Who counted: one estimate makes the sum an estimate.
    pub fn counted(&self) -> Counted {
        let estimated =
            self.turns.is_empty() || self.turns.iter().any(|turn| turn.counted == Counted::Estimated);
        if estimated { Counted::Estimated } else { Counted::Reported }
    }

    /// How long the model took in all.
    pub fn in_model(&self) -> Duration {
        self.turns.iter().map(|turn| turn.model).sum()
    }

    /// How often turns were asked for in vain, a last one that never came among them, and what that had used as far as the API told.
    pub fn given_up(&self) -> (u32, Usage) {
        let retries = self.turns.iter().map(|turn| turn.retries).sum::<u32>();
        let (tries, used) = self.lost;
        let given_up = self.turns.iter().map(|turn| turn.given_up).chain([used]);
        (retries.saturating_add(tries), given_up.sum())
    }

    /// How long calls took in all, as the model waited for them.
    pub fn in_calls(&self) -> Duration {
        self.turns.iter().map(|turn| turn.tools).sum()
    }
}

impl Agent<'_> {
    /// Does a task to its end.
    pub async fn run(&self, system: &str, prompt: &str) -> Report {
        let mut run = Run {
            agent: self,
            conversation: Conversation { system: system.to_owned(), ..Conversation::default() },
            turns: Vec::new(),
            lost: (0, Usage::default()),
            answer: None,
        };
        let listed = tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Ended::Interrupted),
            listed = self.toolbox.listing() => listed.map_err(Ended::Tools),
        };
        let started = Instant::now();
        let ended = match listed {
            Ok(listing) => {
                run.conversation.listing = listing;
                run.converse(prompt).await
            }
            Err(ended) => ended,
        };
        let Run { conversation, turns, lost, answer, .. } = run;
        Report { ended, answer, turns, lost, conversation, took: started.elapsed() }
    }
}

struct Run<'a> {
    agent: &'a Agent<'a>,
    conversation: Conversation,
    turns: Vec<TurnReport>,
    lost: (u32, Usage),
    answer: Option<String>,
}

/// What attempts at a turn have used, as far as the API told.
#[derive(Clone, Copy, Default)]
struct Attempts {
    failed: u32,
    before: Usage,
    now: Usage,
}

impl Attempts {
    fn hear(&mut self, heard: &Heard<'_>) {
        match heard {
            Heard::Words(_) => {}
            Heard::Uses(used) => self.now = *used,
            Heard::Again { .. } => {
                self.failed += 1;
                self.before += std::mem::take(&mut self.now);
            }
        }
    }

    /// If there is no turn.
    fn lost(mut self) -> (u32, Usage) {
        self.before += self.now;
        (self.failed + 1, self.before)
    }
}

impl Run<'_> {
    async fn converse(&mut self, prompt: &str) -> Ended {
        let mut meter = Meter::of(&self.conversation);
        self.hear(&mut meter, Message::User(prompt.to_owned()));
        while self.turns.len() < self.agent.bounds.turns {
            let used: Usage = self.turns.iter().map(|turn| turn.usage).sum();
            if used.total() >= self.agent.bounds.tokens {
                return Ended::Tokens;
            }
            if let Some(ended) = self.turn(&mut meter).await {
                return ended;
            }
        }
        Ended::Turns
    }

    fn hear(&mut self, meter: &mut Meter, message: Message) -> Option<Usage> {
        let usage = meter.take(&message);
        self.conversation.messages.push(message);
        usage
    }

    /// One turn with its calls; how it ended, if it did.
    async fn turn(&mut self, meter: &mut Meter) -> Option<Ended> {
        let agent = self.agent;
        agent.watcher.begins(self.turns.len() + 1);
        let began = Instant::now();
        let attempts = Mutex::new(Attempts::default());
        let hear = |heard: Heard<'_>| {
            attempts.lock().unwrap_or_else(PoisonError::into_inner).hear(&heard);
            agent.watcher.hears(&heard);
        };
        let said = tokio::select! {
            biased;
            () = agent.stop.cancelled() => Err(Ended::Interrupted),
            said = agent.provider.turn(&self.conversation, &hear) => said.map_err(Ended::Provider),
        };
        let Said { turn, stop, usage, counted, retries, given_up } = match said {
            Ok(said) => said,
            Err(ended) => {
                // What was not sent to an API has cost nothing.
                if !matches!(ended, Ended::Provider(ProviderFailure::Script(_))) {
                    self.lost = attempts.into_inner().unwrap_or_else(PoisonError::into_inner).lost();
                }
                return Some(ended);
            }
        };
        let model = began.elapsed();
        let estimate = self.hear(meter, Message::Assistant(turn.clone())).unwrap_or_default();
        let counted = if usage.is_some() { counted } else { Counted::Estimated };
        let usage = usage.unwrap_or(estimate);
        agent.watcher.said(&turn, usage, counted);
        // What is said beside calls is no answer.
        if turn.calls.is_empty() && !turn.text.trim().is_empty() {
            self.answer = Some(turn.text.clone());
        }
        let ended = ended(&turn, &stop);
        let mut report = TurnReport {
            usage,
            counted,
            stop,
            retries,
            given_up,
            model,
            tools: Duration::ZERO,
            calls: Vec::new(),
        };
        if ended.is_none() && !turn.calls.is_empty() {
            let began = Instant::now();
            let answers = self.calls(&turn.calls, &mut report).await;
            report.tools = began.elapsed();
            self.turns.push(report);
            return match answers {
                Ok(answers) => {
                    self.hear(meter, Message::Results(answers));
                    None
                }
                Err(ended) => Some(ended),
            };
        }
        self.turns.push(report);
        ended
    }

    /// Makes the calls of one turn side by side, as clients do. Each is waited for whatever becomes of the others, so that what was
    /// done is known.
    async fn calls(&self, calls: &[ToolUse], report: &mut TurnReport) -> Result<Vec<ToolAnswer>, Ended> {
        let agent = self.agent;
        if agent.stop.is_cancelled() {
            // None of them is sent.
            return Err(Ended::Interrupted);
        }
        let made = calls.iter().map(async |call| {
            let began = Instant::now();
            let answer = match &call.input {
                Value::Object(_) => tokio::select! {
                    answer = agent.toolbox.call(&call.name, &call.input) => answer,
                    () = self.last_words() => Err(ToolboxFailure("it was told to stop".to_owned())),
                },
                odd => Ok(ToolAnswer::error(format!(
                    "nothing was called: the input of `{}` must be one JSON object; got {}",
                    call.name,
                    odd.to_string().chars().take(200).collect::<String>()
                ))),
            };
            // A tool may have found the key, in a file for example.
            let without_key =
                |answer: ToolAnswer| ToolAnswer { text: agent.provider.without_key(answer.text), ..answer };
            let answer = answer.map(without_key).map(cut);
            let took = began.elapsed();
            match &answer {
                Ok(answer) => agent.watcher.answered(call, answer, took),
                Err(_) => agent.watcher.unanswered(call),
            }
            (answer, took)
        });
        let answered = join_all(made).await;
        let told = calls.iter().zip(&answered).map(|(call, (answer, took))| CallReport {
            tool: call.name.clone(),
            input: call.input.clone(),
            answer: answer.as_ref().ok().map(|answer| answer.text.clone()),
            is_error: answer.as_ref().map_or(true, |answer| answer.is_error),
            took: *took,
        });
        report.calls = told.collect();
        if agent.stop.is_cancelled() {
            return Err(Ended::Interrupted);
        }
        answered.into_iter().map(|(answer, _)| answer.map_err(Ended::Tools)).collect()
    }

    /// Until an agent that was told to stop waits for nothing any more.
    async fn last_words(&self) {
        self.agent.stop.cancelled().await;
        tokio::time::sleep(LAST_WORDS).await;
    }
}

/// How a turn ends the whole, if it does.
fn ended(turn: &Turn, stop: &StopReason) -> Option<Ended> {
    match stop {
        StopReason::MaxTokens => Some(Ended::Cut),
        StopReason::ContextFull => Some(Ended::ContextFull),
        StopReason::Refusal => Some(Ended::Refused),
        StopReason::Pause => None,
        _ if !turn.calls.is_empty() => None,
        StopReason::EndTurn if turn.text.trim().is_empty() => Some(Ended::Silent),
        StopReason::EndTurn => Some(Ended::Answered),
        StopReason::ToolUse => Some(Ended::Stopped("it waits for tools and called none".to_owned())),
        StopReason::Other(reason) => Some(Ended::Stopped(reason.clone())),
    }
}

fn cut(answer: ToolAnswer) -> ToolAnswer {
    if answer.text.len() <= LONGEST_ANSWER {
        return answer;
    }
    let shown = &answer.text[..answer.text.floor_char_boundary(LONGEST_ANSWER)];
    let text = format!("{shown}\n[cut: {} bytes in all]", answer.text.len());
    ToolAnswer { text, ..answer }
}
