//! `outboard run`: one script, as a model's `execute` would run it. Only the upstreams that it uses are started, and none
//! is waited for that it does not use.

mod told;

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use outboard_runtime::{
    Language, RunRequest,
    catalogue::Member,
    present,
    run::{Progress, RunReport},
    session::Session,
};
use tokio::sync::watch;

use super::{asking, context::Context, input, language, search::FIRST_LISTS, waiting};
use crate::{
    config::RESULT_TOKENS,
    report::{self, Failure, INTERRUPTED, Terminal, escaped_lines},
    tainted,
    wiring::System,
};
use told::Told;

/// Options of `outboard run`.
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The script; `-` reads it from standard input
    file: PathBuf,
    /// Its language; otherwise the file's name says it, or it is recognised
    #[arg(long, ignore_case = true, value_parser = language::parser())]
    language: Option<Language>,
    /// Tokens of the result, as a model would ask for them: from 100 to 200000
    #[arg(long, value_name = "TOKENS", value_parser = clap::value_parser!(u64).range(RESULT_TOKENS))]
    max_tokens: Option<u64>,
    /// Print one JSON object, with the whole value
    #[arg(long)]
    json: bool,
}

/// What becomes of a whole value that is cut: nothing outlives the command.
const ELSEWHERE: &str = "is printed by --json";

/// Between two lines of progress.
const CALM: Duration = Duration::from_millis(50);

impl Run {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let code = input::read(&self.file, "the script")?;
        let language = self.language.or_else(|| self.file.extension()?.to_str()?.parse().ok());
        let context = Context::load()?;
        // Commands of one run each are guarded as one session.
        let tainted_before =
            tainted::read(&context.places.state).map_err(|problem| Failure::could_not(&problem))?.taint;
        let asked = self.max_tokens.and_then(|tokens| usize::try_from(tokens).ok());
        let budget = asked.unwrap_or(context.configuration.settings.result_tokens);
        let asks_outboard = has_word(&code, "tools");
        // As JSON the value is printed whole.
        let within = (!self.json).then_some(budget);
        let request = RunRequest { code: code.clone(), language, budget: within, ..RunRequest::default() };
        let wanted = names_in(&code);
        context
            .with(&wanted, async |system, stop| {
                if asks_outboard {
                    // A script that searches is to find what there is.
                    waiting::wait(system.runtime.catalogue(), FIRST_LISTS, &stop, |_| ()).await?;
                }
                let session = Arc::new(Session::new());
                session.saw(tainted_before);
                session.set_client("outboard run".into());
                let progress = watch::Sender::new(Progress::default());
                let seen = progress.subscribe();
                let request = RunRequest { progress, ..request.clone() };
                let run = Box::pin(system.runtime.run(&session, request, stop.clone()));
                let report = watched(system, run, seen).await;
                tell(&report, budget, self.json, stop.is_cancelled())
            })
            .await
    }
}

/// The upstreams that a script may use.
pub(super) fn names_in(code: &str) -> impl Fn(&Member) -> bool + use<'_> {
    let asks_outboard = has_word(code, "tools");
    move |member| has_word(code, member.namespace.as_str()) || (asks_outboard && waiting::is_unlisted(member))
}

/// Prints what came of a run.
pub(super) fn tell(report: &RunReport, budget: usize, json: bool, interrupted: bool) -> Result<(), Failure> {
    let answer = present::answer_once(report, ELSEWHERE, budget);
    let failure = answer.is_error.then(|| {
        let failure = failure(report, budget, &answer.text, json);
        if interrupted { failure.code(INTERRUPTED) } else { failure }
    });
    if json {
        report::json(&Told::new(report, &answer.text, failure.as_ref().map(Failure::json)))?;
    } else if failure.is_none() {
        report::text(&answer.text);
    }
    report::flush();
    match failure {
        None => Ok(()),
        Some(failure) if json => Err(failure.silenced()),
        Some(failure) => Err(failure),
    }
}

/// Waits for a run, shows how far it is, and asks the person at the terminal what it has to ask.
pub(super) async fn watched<T>(
    system: &System,
    run: impl Future<Output = T>,
    seen: watch::Receiver<Progress>,
) -> T {
    let asked = asking::at_terminal(&system.approvals, Terminal::beside());
    let done = tokio::select! {
        done = run => done,
        never = tell_progress(seen) => match never {},
        never = asked => match never {},
    };
    report::progress("");
    done
}

async fn tell_progress(mut run: watch::Receiver<Progress>) -> Infallible {
    while run.changed().await.is_ok() {
        let Progress { calls_made, calls_done, .. } = *run.borrow_and_update();
        report::progress(format_args!("{calls_done} of {calls_made} calls done"));
        tokio::time::sleep(CALM).await;
    }
    std::future::pending().await
}

/// The text that a model would see. What the script wrote to its console comes first, as in that text.
fn failure(report: &RunReport, budget: usize, text: &str, json: bool) -> Failure {
    let silent = RunReport { console: Vec::new(), console_dropped: 0, ..report.clone() };
    let alone = present::answer_once(&silent, ELSEWHERE, budget).text;
    match text.strip_suffix(alone.as_str()) {
        Some(console) if !console.is_empty() => {
            if !json {
                report::note(escaped_lines(console.trim_end()));
            }
            Failure::new(escaped_lines(&alone))
        }
        _ => Failure::new(escaped_lines(text)),
    }
}

/// Whether a script may name this: it is only asked to start at once what is probably used.
fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    code.match_indices(word)
        .any(|(at, _)| !code[..at].ends_with(is_part) && !code[at + word.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_whole_words() {
        for (code, word, expected) in [
            ("await github.list()", "github", true),
            ("mygithub.list(), github2.x()", "github", false),
            ("globalThis['github']", "github", true),
            ("", "github", false),
            ("git", "github", false),
        ] {
            assert_eq!(has_word(code, word), expected, "{code}");
        }
    }
}
