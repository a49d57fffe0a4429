//! What is said of a run that is not over yet, or whose result is not here: one line each.
//! It knows no session: what is true, its callers tell.

use std::sync::Arc;

use super::plain::{clean_line, clipped, counted, grouped, limit_size};
use crate::{approval::Sheet, ids::RunId, run::Progress, session::NotHere};

/// The line that stands for the answer of a run that goes on.
pub fn still_running(id: &RunId, progress: Progress) -> String {
    let name = id.name();
    let state = match progress {
        Progress { queued: true, .. } => {
            " (waiting for its turn: as many runs as may are under way)".to_owned()
        }
        Progress { calls_made: 0, .. } => String::new(),
        Progress { calls_made, calls_done, calls_asking: 1.., .. } => format!(
            " ({} of {} calls done, {} for approval)",
            grouped(calls_done as usize),
            grouped(calls_made as usize),
            match progress.calls_asking {
                1 => "1 waits".to_owned(),
                asking => format!("{} wait", grouped(asking as usize)),
            }
        ),
        Progress { calls_made, calls_done, .. } => {
            format!(" ({} of {} calls done)", grouped(calls_done as usize), grouped(calls_made as usize))
        }
    };
    format!("still running: {name}{state}. execute {{\"resume\":\"{name}\"}} waits for the result.")
}

/// Bytes of a call's arguments that are named to the model, which wrote them.
const ARGUMENTS: usize = 160;

/// The lines that stand for the answer of a run that waits for nothing but a person.
pub fn waiting_for_approval(id: &RunId, sheets: &[Arc<Sheet>]) -> String {
    let name = id.name();
    let asked: Vec<String> = sheets.iter().map(|sheet| asked(sheet)).collect();
    let why = sheets.iter().map(|sheet| sheet.first()).find_map(|question| {
        let remedy = clean_line(question.remedy.as_ref()?);
        Some(format!(
            ". It was asked because: {}; to be asked no more: {remedy}",
            clean_line(&question.reason)
        ))
    });
    let commands: Vec<String> = sheets.iter().map(|sheet| format!("outboard approve {}", sheet.id)).collect();
    format!(
        "waiting for approval: {}. Run {name} is kept; when it has been approved, execute {{\"resume\":\"{name}\"}} returns \
         the result. A person who was not asked here answers in a terminal: {}{}",
        asked.join("; "),
        commands.join(" && "),
        why.unwrap_or_default()
    )
}

/// `slack.post {"text":"…"} (line 4)`, `slack.post × 3 (lines 4, 5)`.
fn asked(sheet: &Sheet) -> String {
    let tool = clipped(&clean_line(&sheet.subject()), 100).into_owned();
    let mut lines: Vec<u32> = sheet.questions.iter().filter_map(|question| question.line).collect();
    lines.dedup();
    let lines = match &lines[..] {
        [] => String::new(),
        [line] => format!(" (line {line})"),
        lines => format!(" (lines {})", lines.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")),
    };
    match &sheet.questions[..] {
        [question] => {
            format!("{tool} {}{lines}", clipped(&clean_line(&question.shown()), ARGUMENTS))
        }
        questions => format!("{tool} × {}{lines}", grouped(questions.len())),
    }
}

/// The line on a run whose client gave up waiting before it learnt the run's name.
pub fn not_lost(id: &RunId) -> String {
    let name = id.name();
    format!(
        "[not lost: {name}, a script whose answer the client stopped waiting for, went on: execute \
         {{\"resume\":\"{name}\"}} gives its result]"
    )
}

/// Why there is nothing to resume under this name.
pub fn not_here(name: &str, why: NotHere, going: Option<&[RunId]>) -> String {
    let name = clipped(&clean_line(name), 40).into_owned();
    match why {
        NotHere::Unknown if name.contains('_') => format!(
            "no run is called `{name}`: that is the handle of a kept result; read it in a script with \
             `await results.get(\"{name}\")`"
        ),
        NotHere::Unknown => {
            let others = match going {
                None => String::new(),
                Some([]) => ", and no run of yours is under way".to_owned(),
                Some(going) => {
                    let names: Vec<&str> = going.iter().rev().take(10).map(RunId::name).collect();
                    format!(", and under way: {}", names.join(", "))
                }
            };
            format!(
                "there is nothing to resume under `{name}`: only runs that were said to be still running have a name \
                 here{others}"
            )
        }
        NotHere::Dropped { gone, keeps } => {
            let how = if gone.ended_well { "came to its end" } else { "failed" };
            let effects = match gone.effects {
                0 => "It changed nothing as far as is known, so it can be run again.".to_owned(),
                calls => format!(
                    "It made {} that changed something, or may have: do not simply run it again.",
                    counted(calls, "call")
                ),
            };
            format!(
                "the result of {name} is gone: it {how}, but newer results took its place, because {} or {} are kept \
                 (settings `limits.keptResults`, `limits.keptBytes`). {effects}",
                grouped(keeps.results),
                limit_size(keeps.bytes),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Gone, Keeping};

    #[test]
    fn a_run_that_goes_on_is_one_line_that_says_how_to_get_the_rest() {
        let id = RunId::from("r12-k3xq7zj9wv4mh8tb");
        let rest = "execute {\"resume\":\"r12\"} waits for the result.";
        for (progress, state) in [
            (Progress::default(), ""),
            (
                Progress { calls_made: 1_200, calls_done: 30, ..Progress::default() },
                " (30 of 1,200 calls done)",
            ),
            (
                Progress { calls_made: 5, calls_done: 3, calls_asking: 1, ..Progress::default() },
                " (3 of 5 calls done, 1 waits for approval)",
            ),
            (
                Progress { queued: true, ..Progress::default() },
                " (waiting for its turn: as many runs as may are under way)",
            ),
        ] {
            assert_eq!(still_running(&id, progress), format!("still running: r12{state}. {rest}"));
        }
    }

    #[test]
    fn a_result_that_is_not_here_says_why_and_what_it_did() {
        let keeps = Keeping { results: 100, bytes: 256 << 20 };
        let going = [RunId::from("r2-x"), RunId::from("r10-x")];
        let dropped = |ended_well, effects| NotHere::Dropped { gone: Gone { ended_well, effects }, keeps };
        for (why, name, going, expected) in [
            (
                NotHere::Unknown,
                "r9",
                &going[..],
                "there is nothing to resume under `r9`: only runs that were said to be still running have a name here, \
                 and under way: r10, r2",
            ),
            (
                NotHere::Unknown,
                "r7_k3xq",
                &[],
                "no run is called `r7_k3xq`: that is the handle of a kept result; read it in a script with \
                 `await results.get(\"r7_k3xq\")`",
            ),
            (
                dropped(true, 0),
                "r3",
                &[],
                "the result of r3 is gone: it came to its end, but newer results took its place, because 100 or 256 MiB \
                 are kept (settings `limits.keptResults`, `limits.keptBytes`). It changed nothing as far as is known, \
                 so it can be run again.",
            ),
            (
                dropped(false, 3),
                "r3",
                &[],
                "the result of r3 is gone: it failed, but newer results took its place, because 100 or 256 MiB are kept \
                 (settings `limits.keptResults`, `limits.keptBytes`). It made 3 calls that changed something, or may \
                 have: do not simply run it again.",
            ),
        ] {
            assert_eq!(not_here(name, why, Some(going)), expected);
        }
    }
}
