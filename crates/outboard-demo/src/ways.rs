//! The ways of doing the task, and the loop between model and tools that is the same for all.
//!
//! Talks to tools through the `ToolServer` port. It does not start servers and does not print.

pub(crate) mod connect;

use std::{fmt, future::Future, time::Instant};

use futures::future::try_join_all;
use outboard_agent::{Conversation, Message, billing::bill};

use crate::{
    answer::Answer,
    model::{ScriptedModel, Stuck},
    report::WayReport,
    tool_server::{ServerFailure, ToolServer},
};

/// More than any way takes; a server that invents pages ends here.
const MOST_TURNS: usize = 100;
const SYSTEM: &str = include_str!("../prompts/system.md");
const TASK: &str = include_str!("../prompts/task.md");

/// Which server a way's model has before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// The demo's upstream itself.
    Upstream,
    /// `outboard serve`, with the demo's upstream behind it.
    Outboard,
}

/// One way of doing the task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Stable name, for machines.
    pub(crate) name: &'static str,
    /// The same for people.
    pub(crate) label: &'static str,
    pub(crate) before: Before,
    turns: &'static str,
}

/// The three ways that the demo compares.
pub(crate) const WAYS: [Way; 3] = [
    Way {
        name: "one-call-a-turn",
        label: "direct, one call a turn",
        before: Before::Upstream,
        turns: include_str!("../turns/one-call-a-turn.json"),
    },
    Way {
        name: "ten-calls-a-turn",
        label: "direct, ten calls a turn",
        before: Before::Upstream,
        turns: include_str!("../turns/ten-calls-a-turn.json"),
    },
    Way {
        name: "one-script",
        label: "one script",
        before: Before::Outboard,
        turns: include_str!("../turns/one-script.json"),
    },
];

/// The script once more: in Python, and as it goes when a model searches first or makes a mistake.
pub(crate) const VARIANTS: [Way; 3] = [
    Way {
        name: "one-script-python",
        label: "one script, in Python",
        before: Before::Outboard,
        turns: include_str!("../turns/one-script-python.json"),
    },
    Way {
        name: "one-script-search-first",
        label: "one script, searched first",
        before: Before::Outboard,
        turns: include_str!("../turns/one-script-search-first.json"),
    },
    Way {
        name: "one-script-mended",
        label: "one script, failed once",
        before: Before::Outboard,
        turns: include_str!("../turns/one-script-mended.json"),
    },
];

/// Where a demo stands: the turn that is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The way, for people.
    pub way: &'static str,
    /// The turn, counted from 1.
    pub turn: usize,
    /// How many there will be, once that is known.
    pub turns: Option<usize>,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: turn {}", self.way, self.turn)?;
        self.turns.map_or(Ok(()), |turns| write!(f, " of {turns}"))
    }
}

/// Why a way did not reach its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WayFailure {
    #[error(transparent)]
    Server(#[from] ServerFailure),
    #[error("the scripted model is stuck in turn {turn}: {stuck}")]
    Stuck { turn: usize, stuck: Stuck },
    #[error("no answer after {MOST_TURNS} turns")]
    Endless,
    #[error("the model's last words are no answer: {0}")]
    NoAnswer(String),
}

/// Starts the servers of the ways.
pub(crate) trait Connect: Sync {
    type Server: ToolServer;

    fn connect(&self, before: Before) -> impl Future<Output = Result<Self::Server, ServerFailure>> + Send;
}

/// Connects, does the task one way, and disconnects whatever came of it.
pub(crate) async fn take<C: Connect>(
    way: &Way,
    connect: &C,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<WayReport, WayFailure> {
    let server = connect.connect(way.before).await?;
    let report = drive(way, &server, progress).await;
    server.close().await;
    report
}

/// The time counts from the first turn to the last. Starting the server and listing its tools happen
/// once a session, not once a task, and a scripted model thinks in no time.
async fn drive<S: ToolServer>(
    way: &Way,
    server: &S,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<WayReport, WayFailure> {
    let model = ScriptedModel::read(way.turns).map_err(|stuck| WayFailure::Stuck { turn: 1, stuck })?;
    let mut conversation = Conversation {
        system: SYSTEM.trim_end().to_owned(),
        listing: server.listing().await?,
        messages: vec![Message::User(TASK.trim_end().to_owned())],
    };
    let started = Instant::now();
    for turn in 1..=MOST_TURNS {
        progress(Progress { way: way.label, turn, turns: model.length(&conversation) });
        let said = model.next(&conversation).map_err(|stuck| WayFailure::Stuck { turn, stuck })?;
        if said.calls.is_empty() {
            let seconds = started.elapsed().as_secs_f64();
            let answer = Answer::parse(&said.text).ok_or_else(|| WayFailure::NoAnswer(said.text.clone()))?;
            conversation.messages.push(Message::Assistant(said));
            return Ok(report(way, &conversation, seconds, answer));
        }
        // Clients send the calls of one turn together.
        let answers =
            try_join_all(said.calls.iter().map(|call| server.call(&call.name, &call.input))).await?;
        conversation.messages.push(Message::Assistant(said));
        conversation.messages.push(Message::Results(answers));
    }
    Err(WayFailure::Endless)
}

fn report(way: &Way, conversation: &Conversation, seconds: f64, answer: Answer) -> WayReport {
    let bills = bill(conversation);
    WayReport {
        name: way.name,
        label: way.label,
        turns: bills.len() as u64,
        input_tokens: bills.iter().map(|bill| bill.input).sum(),
        output_tokens: bills.iter().map(|bill| bill.output).sum(),
        seconds,
        answer,
    }
}

#[cfg(test)]
mod tests;
