//! `outboard agent`: a model does one task with the configured servers, in one of the modes. What it does is told on
//! standard error, its answer stands on standard output. The loop is outboard-agent's.

mod direct;
#[cfg(unix)]
mod export;
mod faced;
mod live;
mod mode;
mod model;
mod tasks;
mod workshop;

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use outboard_agent::{
    Agent, Bounds, Ended, Report, SYSTEM, Task,
    agent::Unwatched,
    provider::{Provider, recording::Recording},
    task::Mode,
    usage::Counted,
};
use serde_json::{Value, json};

pub(super) use mode::parser as mode_parser;
pub(super) use model::{Chosen, ModelOptions};
pub(super) use tasks::{Place, find as find_task};
pub(super) use workshop::{Done, Workshop, available, seen};

use super::context::LAST_WORDS;
use crate::report::{self, Failure, USAGE};

/// Under what command runs are recorded whose turns no model said, and those of comparisons: they keep nothing out of anything.
pub(super) const PLAYED: &str = "agent, played";
pub(super) const COMPARED: &str = "compare";

/// How long files may take that leave a workspace after an interrupt.
#[cfg(unix)]
const EXPORTING: Duration = Duration::from_secs(20);

/// Options of `outboard agent`.
#[derive(Debug, Args)]
pub(super) struct AgentCommand {
    /// How the model reaches the tools: each as it is, by scripts, or by a shell
    #[arg(long, value_parser = mode::parser())]
    mode: Mode,
    /// The task: a TOML or Markdown file, the name of a built-in task, or the words themselves
    #[arg(long, value_name = "FILE|TEXT")]
    task: String,
    #[command(flatten)]
    model: ModelOptions,
    /// Of written turns, the way of this name
    #[arg(long, value_name = "NAME")]
    way: Option<String>,
    /// Turns that the model may take
    #[arg(long, value_name = "TURNS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_turns: u32,
    /// Tokens that all turns together may bill: once they are reached no further turn begins
    #[arg(long, value_name = "TOKENS", default_value_t = 1_000_000)]
    max_tokens: u64,
    /// Write the model's turns to this file, to be played again with --provider scripted --turns
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// In mode `workspace`: write its files into this new folder before they are gone
    #[cfg(unix)]
    #[arg(long, value_name = "FOLDER")]
    export: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write {what} to {}", path.display())]
struct Unwritten {
    what: &'static str,
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl AgentCommand {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let task = find_task(&self.task)?;
        if !task.is_for(self.mode) {
            return Err(Failure::new(format_args!(
                "this task is not meant for mode `{}`",
                self.mode.as_str()
            ))
            .code(USAGE));
        }
        let chosen = self.model.choose(&task, self.mode, self.way.as_deref())?;
        let place = Place::of(&task, self.model.latency())?;
        let context = place.context()?;
        available(self.mode, &context).await?;
        #[cfg(unix)]
        let folder = self.folder()?;
        // Before anything is paid for.
        self.record.as_deref().map_or(Ok(()), |path| writable(path, "the turns"))?;
        let recording = Recording::of(&*chosen.provider, chosen.maker.as_deref());
        let provider: &dyn Provider = if self.record.is_some() { &recording } else { &*chosen.provider };
        let command = if chosen.is_played { PLAYED } else { "agent" };
        #[cfg(unix)]
        let last_words = if folder.is_some() { EXPORTING } else { LAST_WORDS };
        #[cfg(not(unix))]
        let last_words = LAST_WORDS;
        let done = context
            .with_as(command, last_words, &|_| true, async |system, stop| {
                let seen = seen(&context)?;
                let workshop = Workshop::open(system, &context, self.mode, seen, &stop).await?;
                let live = live::Live;
                let agent = Agent {
                    provider,
                    toolbox: workshop.toolbox(),
                    bounds: Bounds { turns: self.max_turns as usize, tokens: self.max_tokens },
                    watcher: if self.json { &Unwatched } else { &live },
                    stop: stop.clone(),
                };
                let report = workshop.beside_a_person(system, agent.run(SYSTEM, &task.prompt)).await;
                report::progress("");
                #[cfg(unix)]
                let exported = match &folder {
                    Some(folder) => export::export(&context, folder).await,
                    None => Ok(()),
                };
                #[cfg(not(unix))]
                let exported = Ok(());
                Ok((workshop.close(report).await, exported))
            })
            .await;
        if let Some(path) = &self.record {
            keep(path, &recording)?;
        }
        let (done, exported) = done?;
        self.tell(&task, &chosen, &done)?;
        exported
    }

    /// Where the files of the workspace go, if they are wanted.
    #[cfg(unix)]
    fn folder(&self) -> Result<Option<PathBuf>, Failure> {
        let folder = self.export.as_deref().map(export::folder).transpose()?;
        if folder.is_some() && self.mode != Mode::Workspace {
            return Err(Failure::new("--export is for --mode workspace: no other mode has files").code(USAGE));
        }
        Ok(folder)
    }

    fn tell(&self, task: &Task, chosen: &Chosen, done: &Done) -> Result<(), Failure> {
        let right = judged(task, &done.report);
        let failure = failure(&done.report, right);
        if self.json {
            report::json(&object(task, self.mode, chosen, done, right, failure.as_ref()))?;
            report::flush();
            return failure.map_or(Ok(()), |failure| Err(failure.silenced()));
        }
        live::tell(self.mode, chosen, done, right);
        if let (Some(answer), true) = (&done.report.answer, done.report.ended == Ended::Answered) {
            report::text(answer.trim_end());
        }
        report::flush();
        failure.map_or(Ok(()), Err)
    }
}

/// Whether the answer is right, if there is one and the task can tell.
pub(super) fn judged(task: &Task, report: &Report) -> Option<bool> {
    let check = task.check.as_ref()?;
    if report.ended != Ended::Answered {
        return None;
    }
    Some(check.is_right(report.answer.as_deref().unwrap_or_default()))
}

/// Why the command failed, if it did.
pub(super) fn failure(report: &Report, right: Option<bool>) -> Option<Failure> {
    let failed = |text: &str| Failure::new(text);
    Some(match &report.ended {
        Ended::Answered if right == Some(false) => failed("the answer is wrong, by the task's own check"),
        Ended::Answered => return None,
        Ended::Silent => failed("the model called nothing any more, and said nothing: there is no answer"),
        Ended::Turns => {
            failed("the model has taken all its turns and not answered").hint("--max-turns gives it more")
        }
        Ended::Tokens => failed("all turns together have billed what they may, and there is no answer")
            .hint("--max-tokens lets it go on longer"),
        Ended::Cut => failed("a turn was cut: it has more tokens than a turn may have")
            .hint("--max-output gives each turn more"),
        Ended::ContextFull => failed("the conversation is longer than the model can read"),
        Ended::Refused => failed("the model refuses, or a filter does"),
        Ended::Stopped(reason) => {
            Failure::new(format_args!("the model stopped: {}", report::escaped(reason)))
        }
        Ended::Interrupted => Failure::interrupted(),
        Ended::Provider(problem) => {
            let failure =
                Failure::new(format_args!("there is no turn: {}", report::escaped(&problem.to_string())));
            match problem {
                outboard_agent::ProviderFailure::Refused { status: 401 | 403, .. } => {
                    failure.hint("look at the key: in the environment, in .env, or named by --key-env")
                }
                outboard_agent::ProviderFailure::Refused { status: 404, .. } => {
                    failure.hint("look at the name of the model (--model) and at the address")
                }
                _ => failure,
            }
        }
        Ended::Tools(problem) => {
            Failure::new(format_args!("the tools are gone: {}", report::escaped(&problem.0)))
        }
    })
}

/// How an agent ended, in a word for programs.
pub(super) fn word(ended: &Ended) -> &'static str {
    match ended {
        Ended::Answered => "answered",
        Ended::Silent => "silent",
        Ended::Turns => "max_turns",
        Ended::Tokens => "max_tokens",
        Ended::Cut => "turn_cut",
        Ended::ContextFull => "context_full",
        Ended::Refused => "refused",
        Ended::Stopped(_) => "stopped",
        Ended::Interrupted => "interrupted",
        Ended::Provider(_) => "provider_failed",
        Ended::Tools(_) => "tools_failed",
    }
}

fn object(
    task: &Task,
    mode: Mode,
    chosen: &Chosen,
    done: &Done,
    right: Option<bool>,
    failure: Option<&Failure>,
) -> Value {
    let Done { report, in_tools, in_code } = done;
    let (usage, cost) = (report.usage(), chosen.cost(report).ok());
    let (retries, given_up) = report.given_up();
    let seconds = |span: Duration| (span.as_secs_f64() * 1e3).round() / 1e3;
    json!({
        "task": task.name,
        "mode": mode,
        "provider": chosen.name,
        "model": chosen.provider.model(),
        "ended": word(&report.ended),
        "answer": report.answer,
        "right": right,
        "tokens": {
            "input": usage.whole_input(),
            "uncached": usage.input,
            "cacheRead": usage.cache_read,
            "cacheWrite": usage.cache_write,
            "output": usage.output,
            "total": usage.total(),
            "counted": report.counted().label(),
        },
        "dollars": cost.as_ref().map(|cost| cost.dollars),
        "dollarsAreEstimated": cost.is_some() && report.counted() == Counted::Estimated,
        "pricesAsOf": cost.as_ref().map(|cost| cost.as_of.as_str()),
        "retries": retries,
        "givenUpTokens": given_up.total(),
        "seconds": {
            "total": seconds(report.took),
            "model": seconds(report.in_model()),
            "tools": seconds(*in_tools),
            "code": seconds(*in_code),
        },
        "turns": report.turns,
        "error": failure.map(Failure::json),
    })
}

/// Refuses a file that cannot be written. What is in it stays; where there was none, none is left.
pub(super) fn writable(path: &Path, what: &'static str) -> Result<(), Failure> {
    let was_there = path.exists();
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    let unwritten =
        |source| Failure::could_not(&Unwritten { what, path: path.to_owned(), source }).code(USAGE);
    opened.map_err(unwritten)?;
    if was_there { Ok(()) } else { std::fs::remove_file(path).map_err(unwritten) }
}

/// Writes the file, if there is something to be written.
pub(super) fn write(path: &Path, what: &'static str, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|source| Failure::could_not(&Unwritten { what, path: path.to_owned(), source }))
}

/// A recording of nothing takes the place of no other.
fn keep(path: &Path, recording: &Recording<'_>) -> Result<(), Failure> {
    let recorded = recording.recorded();
    if recorded.turns.is_empty() {
        report::warn(format_args!("no turn was said: {} is not written", path.display()));
        return Ok(());
    }
    let text = serde_json::to_string_pretty(&recorded).map_err(|error| Failure::could_not(&error))?;
    write(path, "the turns", &(text + "\n"))
}
