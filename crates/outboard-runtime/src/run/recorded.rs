//! A run's report made from its record, for whoever asks after it has ended. What it wrote to its console older versions
//! did not record: a replay gives it.

use outboard_script::NoTools;

use super::{Failure, FailureKind, Outcome, Prepared, RunReport, program};
use crate::{
    catalogue::Snapshot,
    journal::{Ending, Folded},
    ports::engine::{ConsoleLine, GuestRequest, Stopped, Thrown},
    reply::FailureCode,
};

/// What is said of a guest that crashed. Nobody can tell whether the script or a defect of ours made it crash.
const BROKEN: &str = "the sandbox broke: what runs the script in it crashed. Other runs are not affected. Leave out what reaches \
    into the interpreter (made-up bytecode, internal modules); a script that does nothing of the kind has met a defect of Outboard, \
    whose log says more";

/// How a run ended, for people and models; `tools` help to explain a name that is none.
pub(crate) fn outcome(prepared: &Prepared, ending: &Ending, tools: Option<&Snapshot>) -> Outcome {
    let plain = |kind| Outcome::Failed(Failure { kind, position: None, frames: Vec::new() });
    match ending {
        Ending::Value(value) => Outcome::Value(value.clone()),
        Ending::Threw(thrown) => Outcome::Failed(program::thrown(prepared, thrown, kind_of(thrown, tools))),
        Ending::Stuck => plain(FailureKind::Stuck),
        Ending::Stopped(Stopped::Limit(limit)) => plain(FailureKind::Limit(*limit)),
        Ending::Stopped(Stopped::Cancelled) => plain(FailureKind::Cancelled),
        Ending::Stopped(Stopped::Broken) => plain(FailureKind::Internal(BROKEN.to_owned())),
        Ending::Internal(reason) => plain(FailureKind::Internal(reason.clone())),
    }
}

impl RunReport {
    /// The report on a run that has ended; `None` if it has not. Where it is not recorded what the script wrote to its
    /// console, it is what a replay wrote to its own.
    pub fn recorded(folded: &Folded, replayed: Vec<ConsoleLine>) -> Option<Self> {
        let ending = folded.ending.as_ref()?;
        let opened = &folded.opened;
        let prepared = program::prepare(&opened.source, Some(opened.language), &NoTools).ok();
        let in_source = |request: &GuestRequest| {
            program::in_source(prepared.as_ref()?, request.position?).map(|position| position.line)
        };
        let outcome = match &prepared {
            Some(prepared) => outcome(prepared, ending, None),
            // One call outside any script.
            None => match ending {
                Ending::Value(value) => Outcome::Value(value.clone()),
                Ending::Threw(thrown) => {
                    let kind = kind_of(thrown, None);
                    Outcome::Failed(Failure { kind, position: None, frames: Vec::new() })
                }
                other => {
                    let kind = match other {
                        Ending::Stopped(Stopped::Limit(limit)) => FailureKind::Limit(*limit),
                        Ending::Stopped(Stopped::Cancelled) => FailureKind::Cancelled,
                        Ending::Internal(reason) => FailureKind::Internal(reason.clone()),
                        _ => FailureKind::Internal("it broke".to_owned()),
                    };
                    Outcome::Failed(Failure { kind, position: None, frames: Vec::new() })
                }
            },
        };
        let replayed = replayed.into_iter().map(|line| match &prepared {
            Some(prepared) => ConsoleLine { text: program::relocated(prepared, line.text), ..line },
            None => line,
        });
        let console = match folded.wrote.lines.is_empty() {
            true => replayed.collect(),
            false => folded.wrote.lines.clone(),
        };
        Some(Self {
            id: opened.run.clone(),
            source: opened.source.clone(),
            language: opened.language,
            limits: opened.limits.clone(),
            outcome,
            console,
            console_dropped: folded.wrote.dropped,
            effects: folded.effects(&in_source),
            hints: Vec::new(),
        })
    }
}

/// What kind of failure an exception is.
fn kind_of(thrown: &Thrown, tools: Option<&Snapshot>) -> FailureKind {
    // A script can make a `ToolError` that is of no tool.
    if let Some(tool) = thrown.tool.as_ref().filter(|tool| !tool.name.is_empty()) {
        return FailureKind::Tool {
            tool: tool.name.clone(),
            code: tool.code.unwrap_or(FailureCode::ToolError),
            message: thrown.message.clone(),
        };
    }
    let mut message = thrown.message.clone();
    if let Some(hint) = tools.and_then(|tools| tools.hint_for_undefined(undefined(thrown)?)) {
        message = format!("{message}; {hint}");
    }
    FailureKind::Threw { name: thrown.name.clone(), message }
}

/// The name that an exception says to be unknown; Python puts it into quotes.
fn undefined(thrown: &Thrown) -> Option<&str> {
    let name = thrown.message.split_once(" is not defined")?.0;
    match thrown.name.as_str() {
        "ReferenceError" => Some(name),
        "NameError" => name.strip_prefix("name '")?.strip_suffix('\''),
        _ => None,
    }
}
