//! `outboard compare`: one task, or all built-in ones, in every mode and as often as wanted; figures side by side. Without a
//! provider the turns that are written down with a task are played. The figures are laid out by outboard-agent.

use std::{cell::RefCell, io::IsTerminal as _, path::PathBuf};

use clap::Args;
use outboard_agent::{
    Agent, Bounds, Ended, SYSTEM, Task,
    agent::Unwatched,
    compare::{self, Comparison, Sample, Style, WayRuns},
    task::{Mode, Servers, Way},
};
use outboard_demo::tasks;
use outboard_runtime::policy::Taint;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    agent::{self, Chosen, Done, ModelOptions, Place, Workshop, available, find_task, mode_parser, seen},
    context::{Context, LAST_WORDS},
    variable,
};
use crate::{
    report::{self, Failure, USAGE, escaped},
    wiring::System,
};

/// What `--html` writes.
const PAGE: &str = "the page";

/// Options of `outboard compare`.
#[derive(Debug, Args)]
pub(super) struct Compare {
    /// The task: a TOML or Markdown file, the name of a built-in task, or the words themselves; all built-in tasks without it
    #[arg(long, value_name = "FILE|TEXT")]
    task: Option<String>,
    /// The modes to compare; those that the task is meant for without it
    #[arg(long, value_delimiter = ',', value_parser = mode_parser())]
    modes: Vec<Mode>,
    /// How often each way is gone
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    #[command(flatten)]
    model: ModelOptions,
    /// Turns that a model may take
    #[arg(long, value_name = "TURNS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    max_turns: u32,
    /// Tokens that all turns of a run together may bill
    #[arg(long, value_name = "TOKENS", default_value_t = 1_000_000)]
    max_tokens: u64,
    /// Print one JSON object
    #[arg(long, conflicts_with = "html")]
    json: bool,
    /// Write one HTML page with pictures to this file; it needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Where all ways of a comparison begin.
struct Start<'a> {
    system: &'a System,
    context: &'a Context,
    seen: Taint,
    /// Why there is no mode `workspace`, if so.
    no_workspace: Option<String>,
    stop: CancellationToken,
}

impl Compare {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let tasks = self.tasks()?;
        let place = match tasks.first() {
            Some(task) => Place::of(task, self.model.latency())?,
            None => return Err(Failure::new("there is nothing to compare").code(USAGE)),
        };
        // The calls of a task's file are its author's: with servers of the caller's own they are made only if that is said.
        let harmless = |task: &Task| task.servers == Servers::Demo && !task.ways.is_empty();
        let written = self.model.plays_written(tasks.iter().all(harmless)) && !self.model.plays_recorded();
        if !written {
            // Before anything is started: whether a model can be asked at all, or turns be played.
            self.model.choose(&tasks[0], Mode::Direct, None)?;
        }
        if self.model.plays_recorded() && self.modes.len() != 1 {
            return Err(Failure::new("recorded turns are those of one mode, and it is not named")
                .hint("--modes code, for example")
                .code(USAGE));
        }
        // Before anything is paid for.
        self.html.as_deref().map_or(Ok(()), |path| agent::writable(path, PAGE))?;
        let context = place.context()?;
        // What was compared until a failure or an interrupt is told all the same.
        let told = RefCell::new(Vec::new());
        let ended = context
            .with_as(agent::COMPARED, LAST_WORDS, &|_| true, async |system, stop| {
                let wants_workspace = tasks.iter().any(|task| self.wants(task, Mode::Workspace));
                let no_workspace = if wants_workspace {
                    available(Mode::Workspace, &context).await.err().map(|why| why.to_string())
                } else {
                    None
                };
                if let Some(why) = &no_workspace {
                    report::warn(format_args!("mode `workspace` is left out: {why}"));
                }
                // What one way sees must not make another one harder.
                let start = Start { system, context: &context, seen: seen(&context)?, no_workspace, stop };
                for task in &tasks {
                    let compared = self.compare(&start, task, written, &told).await;
                    report::progress("");
                    compared?;
                }
                Ok(())
            })
            .await;
        report::progress("");
        self.tell(&done(told.into_inner()), ended.err())
    }

    fn tasks(&self) -> Result<Vec<Task>, Failure> {
        match &self.task {
            Some(given) => Ok(vec![find_task(given)?]),
            None => tasks::names().map(find_task).collect(),
        }
    }

    fn wants(&self, task: &Task, mode: Mode) -> bool {
        (self.modes.is_empty() || self.modes.contains(&mode)) && task.is_for(mode)
    }

    /// The ways that can be gone, and which modes are left out with why.
    fn ways<'a>(
        &self,
        task: &'a Task,
        written: bool,
        no_workspace: Option<&str>,
    ) -> (Vec<(Mode, Option<&'a Way>)>, Vec<String>) {
        let (mut ways, mut left_out) = (Vec::new(), Vec::new());
        for mode in Mode::ALL.into_iter().filter(|mode| self.wants(task, *mode)) {
            let turns = task.ways.iter().filter(|way| way.mode == mode);
            match no_workspace.filter(|_| mode == Mode::Workspace) {
                Some(why) => left_out.push(format!("{}: {why}", mode.as_str())),
                None if !written => ways.push((mode, None)),
                None if turns.clone().next().is_none() => {
                    left_out.push(format!("{}: the task has no written turns for it", mode.as_str()));
                }
                None => ways.extend(turns.map(|way| (mode, Some(way)))),
            }
        }
        (ways, left_out)
    }

    /// Compares the ways of a task, and keeps in `told` what is known so far.
    async fn compare(
        &self,
        start: &Start<'_>,
        task: &Task,
        written: bool,
        told: &RefCell<Vec<Comparison>>,
    ) -> Result<(), Failure> {
        let (ways, left_out) = self.ways(task, written, start.no_workspace.as_deref());
        if ways.is_empty() {
            let why = if left_out.is_empty() { String::new() } else { format!(": {}", left_out.join("; ")) };
            return Err(Failure::new(format_args!(
                "the task `{}` has no way that could be gone in these modes{why}",
                escaped(&task.name)
            ))
            .code(USAGE));
        }
        let name = if task.name.is_empty() { "task".to_owned() } else { task.name.clone() };
        told.borrow_mut().push(Comparison {
            task: name.clone(),
            title: task.title.clone(),
            prompt: task.prompt.clone(),
            model: String::new(),
            ways: Vec::new(),
            left_out,
        });
        // Nobody else borrows it, and nothing is borrowed while something is waited for.
        let change = |change: &mut dyn FnMut(&mut Comparison)| {
            if let Some(last) = told.borrow_mut().last_mut() {
                change(last);
            }
        };
        for (mode, way) in ways {
            let chosen = match way {
                Some(way) => self.model.play(way)?,
                None => self.model.choose(task, mode, None)?,
            };
            let runs =
                WayRuns { mode, name: way.map(|way| way.name.clone()).unwrap_or_default(), runs: Vec::new() };
            let label = runs.label();
            change(&mut |comparison| {
                comparison.model = chosen.label();
                comparison.ways.push(runs.clone());
            });
            for number in 1..=self.runs {
                report::progress(format_args!(
                    "{}: {}, run {number} of {}",
                    escaped(&name),
                    escaped(&label),
                    self.runs
                ));
                let sample = self.once(start, task, mode, &chosen).await?;
                change(&mut |comparison| {
                    if let Some(way) = comparison.ways.last_mut() {
                        way.runs.push(sample.clone());
                    }
                });
                if sample.partial {
                    return Err(Failure::interrupted());
                }
            }
        }
        Ok(())
    }

    async fn once(
        &self,
        start: &Start<'_>,
        task: &Task,
        mode: Mode,
        chosen: &Chosen,
    ) -> Result<Sample, Failure> {
        let Start { system, context, seen, stop, .. } = start;
        let workshop = Workshop::open(system, context, mode, *seen, stop).await?;
        let agent = Agent {
            provider: &*chosen.provider,
            toolbox: workshop.toolbox(),
            bounds: Bounds { turns: self.max_turns as usize, tokens: self.max_tokens },
            watcher: &Unwatched,
            stop: stop.clone(),
        };
        let report = workshop.beside_a_person(system, agent.run(SYSTEM, &task.prompt)).await;
        let done = workshop.close(report).await;
        Ok(sample(task, chosen, &done))
    }

    /// Tells what was compared, and why it is not all, if it is not.
    fn tell(&self, comparisons: &[Comparison], failure: Option<Failure>) -> Result<(), Failure> {
        let all: Vec<&Comparison> = comparisons.iter().collect();
        let is_whole = failure.is_none();
        let failure = failure.or_else(|| verdict(comparisons));
        if all.is_empty() {
            return failure.map_or(Ok(()), Err);
        }
        if self.json {
            let mut object = object(comparisons);
            object["isWhole"] = json!(is_whole);
            object["error"] = json!(failure.as_ref().map(Failure::json));
            report::json(&object)?;
            report::flush();
            return failure.map_or(Ok(()), |failure| Err(failure.silenced()));
        }
        if !is_whole {
            report::warn(
                "not all was done: these are the runs until then; one that was broken off counts in no figure",
            );
        }
        if let Some(path) = &self.html {
            agent::write(path, PAGE, &compare::page(&all))?;
            report::note(format_args!("written to {}", path.display()));
        } else {
            let style = Style::detect(std::io::stdout().is_terminal(), variable);
            if all.len() > 1 {
                report::line(report::escaped_lines(&compare::table(&all)));
            }
            for comparison in &all {
                report::line(compare::render(&escaped_words(comparison), style));
            }
        }
        report::flush();
        failure.map_or(Ok(()), Err)
    }
}

/// The comparisons with the runs that there are.
fn done(mut comparisons: Vec<Comparison>) -> Vec<Comparison> {
    for comparison in &mut comparisons {
        comparison.ways.retain(|way| !way.runs.is_empty());
    }
    comparisons.retain(|comparison| !comparison.ways.is_empty());
    comparisons
}

/// Why a comparison that went to its end fails all the same: runs without an answer, or with a wrong one.
fn verdict(comparisons: &[Comparison]) -> Option<Failure> {
    let runs = || {
        let ways = comparisons.iter().flat_map(|comparison| &comparison.ways);
        ways.flat_map(|way| way.runs.iter().map(move |run| (way, run)))
    };
    let failed: Vec<String> = runs()
        .filter_map(|(way, run)| {
            Some(format!("{}: {}", escaped(&way.label()), escaped(run.failure.as_deref()?)))
        })
        .collect();
    if let Some(first) = failed.first() {
        return Some(Failure::new(format_args!(
            "{} gave no answer: {first}",
            report::counted(failed.len(), "run")
        )));
    }
    let wrong: Vec<String> =
        runs().filter(|(_, run)| run.right == Some(false)).map(|(way, _)| escaped(&way.label())).collect();
    let first = wrong.first()?;
    Some(Failure::new(format_args!(
        "{} gave a wrong answer, by the task's own check: {first}",
        report::counted(wrong.len(), "run")
    )))
}

fn sample(task: &Task, chosen: &Chosen, done: &Done) -> Sample {
    let Done { report, in_tools, in_code } = done;
    let (cost, (retries, given_up)) = (chosen.cost(report).ok(), report.given_up());
    let partial = report.ended == Ended::Interrupted;
    let failure = (report.ended != Ended::Answered)
        .then(|| agent::failure(report, None).map(|failure| failure.to_string()))
        .flatten();
    Sample {
        turns: report.turns.iter().map(|turn| turn.usage).collect(),
        counted: report.counted(),
        seconds: report.took.as_secs_f64(),
        model_seconds: report.in_model().as_secs_f64(),
        tool_seconds: in_tools.as_secs_f64(),
        code_seconds: in_code.as_secs_f64(),
        dollars: cost.as_ref().map(|cost| cost.dollars),
        prices_as_of: cost.map(|cost| cost.as_of),
        retries,
        given_up,
        answer: report.answer.clone().filter(|_| report.ended == Ended::Answered),
        // No answer is no right one.
        right: task.check.as_ref().filter(|_| !partial).map(|_| agent::judged(task, report) == Some(true)),
        failure,
        partial,
    }
}

fn object(comparisons: &[Comparison]) -> serde_json::Value {
    let each = comparisons.iter().map(|comparison| {
        let ways = comparison.ways.iter().map(|way| {
            json!({
                "mode": way.mode,
                "name": way.name,
                "tokens": way.tokens(),
                "seconds": way.spread(|run| run.seconds),
                "dollars": way.dollars(),
                "pricesAsOf": way.prices_as_of(),
                "right": way.right().map(|(right, judged)| json!({ "right": right, "judged": judged })),
                "answered": way.answered().count(),
                "failed": way.failed(),
                "brokenOff": way.runs.len() - way.ended(),
                "counted": way.runs.first().map(|run| run.counted.label()),
                "runs": way.runs,
            })
        });
        json!({
            "task": comparison.task,
            "title": comparison.title,
            "prompt": comparison.prompt,
            "model": comparison.model,
            "ways": ways.collect::<Vec<_>>(),
            "leftOut": comparison.left_out,
        })
    });
    json!({ "comparisons": each.collect::<Vec<_>>() })
}

/// A task's file may be a stranger's.
fn escaped_words(comparison: &Comparison) -> Comparison {
    let mut shown = comparison.clone();
    for text in [&mut shown.task, &mut shown.title, &mut shown.model] {
        *text = escaped(text);
    }
    for way in &mut shown.ways {
        way.name = escaped(&way.name);
    }
    shown
}
