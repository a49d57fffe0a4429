//! A run that did not come to its end, as text: what failed and where, what to do, and which calls had an
//! effect before. It always fits its budget by saying less of each.

use std::fmt::Write as _;

use super::{
    hints,
    plain::{clean_line, clipped, counted, grouped, head},
    tokens::fits,
};
use crate::run::{Effect, Failure, FailureKind, Finding, Position, RunReport};

/// How much of each part is said.
#[derive(Clone, Copy)]
struct Detail {
    /// Bytes of a message.
    message: usize,
    /// Bytes of a source line; 0: none.
    excerpt: usize,
    frames: usize,
    /// Tools that are named.
    tools: usize,
    hint: bool,
}

const DETAILS: [Detail; 6] = [
    Detail { message: 8_000, excerpt: 160, frames: 5, tools: 20, hint: true },
    Detail { message: 2_000, excerpt: 160, frames: 5, tools: 20, hint: true },
    Detail { message: 600, excerpt: 120, frames: 2, tools: 10, hint: true },
    Detail { message: 200, excerpt: 100, frames: 0, tools: 4, hint: true },
    Detail { message: 100, excerpt: 60, frames: 0, tools: 2, hint: false },
    Detail { message: 60, excerpt: 0, frames: 0, tools: 1, hint: false },
];

/// Lines named of one tool's calls.
const LINES: usize = 6;

/// The text on a failed run in at most `budget` tokens (of 100 or more).
pub(super) fn failure_text(report: &RunReport, failure: &Failure, budget: usize) -> String {
    within(budget, |detail| failed(report, failure, detail))
}

/// The text on a script that did not run in at most `budget` tokens (of 100 or more).
pub(super) fn findings_text(findings: &[Finding], budget: usize) -> String {
    let mistakes = format!("not run: {}", counted(findings.len(), "mistake"));
    within(budget, |detail| {
        let shown = detail.tools.saturating_mul(2);
        let mut text = mistakes.clone();
        for finding in findings.iter().take(shown) {
            let message = clean_line(&finding.message);
            let _ = write!(
                text,
                "\n{}  {}",
                place(finding.position),
                clipped(&message, detail.message.min(2_000))
            );
            if let Some(hint) = finding.hint.as_deref().filter(|_| detail.hint) {
                let _ = write!(text, "; {}", clipped(&clean_line(hint), detail.message.min(2_000)));
            }
        }
        if findings.len() > shown {
            let _ = write!(text, "\nand {} more", grouped(findings.len() - shown));
        }
        text
    })
}

/// What a script could do better, each on a line of its own below the answer, in at most `budget` tokens.
pub(super) fn hints_text(hints: &[Finding], budget: usize) -> String {
    let mut text = String::new();
    for Finding { position, message, hint, .. } in hints {
        let hint = hint.as_deref().map(|hint| format!("; {}", clean_line(hint))).unwrap_or_default();
        let line = format!("\nhint: {}  {}{hint}", place(*position), clean_line(message));
        if fits(&format!("{text}{line}"), budget) {
            text.push_str(&line);
        }
    }
    text
}

fn within(budget: usize, write: impl Fn(Detail) -> String) -> String {
    let mut text = String::new();
    for detail in DETAILS {
        text = write(detail);
        if fits(&text, budget) {
            return text;
        }
    }
    // Only text that is all odd characters gets here: a token stands for a byte at least.
    head(&text, budget).to_owned()
}

fn failed(report: &RunReport, failure: &Failure, detail: Detail) -> String {
    let (verb, what, hint) = describe(report, failure);
    let mut text = verb.to_owned();
    if let Some(position) = failure.position {
        let _ = write!(text, " at {}", place(position));
    }
    let _ = write!(text, ": {}", clipped(&what, detail.message));
    if let Some(excerpt) =
        failure.position.and_then(|position| excerpt(&report.source, position, detail.excerpt))
    {
        let _ = write!(text, "\n{excerpt}");
    }
    for (position, function) in failure.frames.iter().skip(1).take(detail.frames) {
        let _ = write!(text, "\n  called at {}", place(*position));
        if !function.is_empty() {
            let _ = write!(text, " in {}", clipped(&clean_line(function), 60));
        }
    }
    if let Some(hint) = hint.filter(|_| detail.hint) {
        let _ = write!(text, "\n{hint}");
    }
    effects(&mut text, &report.effects, detail);
    if report.effects.is_empty() && detail.hint {
        text.push_str(untouched(&failure.kind));
    }
    text
}

/// What is said of a run that changed nothing, as far as its tools declare what they do.
fn untouched(kind: &FailureKind) -> &'static str {
    match kind {
        FailureKind::Crowded { .. } | FailureKind::LetGo => "",
        FailureKind::Cancelled => "\nnothing was changed before this: it is safe to run again",
        FailureKind::Internal(_) => "\nnothing was changed before this",
        _ => "\nnothing was changed before this: it is safe to run again once mended",
    }
}

/// What happened, in one line, and what to do about it.
fn describe(report: &RunReport, failure: &Failure) -> (&'static str, String, Option<&'static str>) {
    match &failure.kind {
        FailureKind::Tool { tool, code, message } => {
            let kind = code.as_str().replace('_', " ");
            let what = format!("{}: {} ({kind})", clipped(&clean_line(tool), 160), said(message));
            ("failed", what, hints::call(*code))
        }
        FailureKind::Threw { name, message } => {
            let what = match (name.is_empty(), message.is_empty()) {
                (true, true) => "the script threw".to_owned(),
                (true, false) => format!("the script threw {}", said(message)),
                (false, true) => clean_line(name),
                (false, false) => format!("{}: {}", clipped(&clean_line(name), 80), said(message)),
            };
            ("failed", what, hints::thrown(report.language, name, message))
        }
        FailureKind::Limit(limit) => {
            let (what, hint) = hints::limit(*limit, &report.limits, report.language);
            ("stopped", what, Some(hint))
        }
        FailureKind::Stuck => {
            ("stopped", hints::stuck(report.language).0.to_owned(), Some(hints::stuck(report.language).1))
        }
        FailureKind::Crowded { at_once, waiting } => (
            "not run",
            format!(
                "{} are under way and {} for their turn, which is all that may (settings `runsAtOnce`, `runsWaiting`)",
                counted(*at_once, "run"),
                match waiting {
                    1 => "1 waits".to_owned(),
                    waiting => format!("{} wait", grouped(*waiting)),
                },
            ),
            Some("Run it again when some of them have ended."),
        ),
        FailureKind::Cancelled => ("cancelled", "the client or a person ended the run".to_owned(), None),
        FailureKind::LetGo => (
            "kept",
            format!("{} waits for a person, and Outboard ends", report.id.name()),
            Some("Another Outboard of this directory asks again. Do not run it again: resume it."),
        ),
        FailureKind::Internal(reason) => {
            ("failed", format!("Outboard could not go on: {}", said(reason)), None)
        }
    }
}

/// A message as it was given, harmless to terminals. Its further lines are set in, because only lines at the margin
/// are our own words.
fn said(message: &str) -> String {
    super::plain::clean(message.trim()).replace('\n', "\n    ")
}

fn place(position: Position) -> String {
    format!("{}:{}", position.line, position.column)
}

/// `  9 |   await slack.post_message({ channel: c, text })`, around the column if the line is long, and a mark below the
/// column unless the line begins there.
fn excerpt(source: &str, position: Position, bytes: usize) -> Option<String> {
    let line = source.lines().nth(usize::try_from(position.line).ok()?.checked_sub(1)?)?;
    if bytes == 0 || line.trim().is_empty() {
        return None;
    }
    let column = usize::try_from(position.column).ok()?.saturating_sub(1);
    let skipped = if line.len() <= bytes { 0 } else { column.saturating_sub(bytes / 2) };
    let from = line.char_indices().nth(skipped).map_or(0, |(at, _)| at);
    let lead = if from > 0 { "…" } else { "" };
    let shown = format!("{lead}{}", clipped(&line[from..], bytes));
    let before: String = line[from..].chars().take(column.saturating_sub(skipped)).collect();
    let margin = position.line.to_string();
    let mut text = format!("  {margin} | {}", clean_line(&shown).trim_end());
    if !before.trim().is_empty() && before.len() < line.len() - from {
        let width = lead.chars().count() + clean_line(&before).chars().count();
        let _ = write!(text, "\n  {} | {}^", " ".repeat(margin.len()), " ".repeat(width));
    }
    Some(text)
}

/// Says which calls were carried out, which may have been, and not to repeat them.
fn effects(text: &mut String, effects: &[Effect], detail: Detail) {
    let done = grouped_calls(effects.iter().filter(|effect| effect.certain), detail.tools);
    let unknown = grouped_calls(effects.iter().filter(|effect| !effect.certain), detail.tools);
    if let Some(done) = &done {
        let _ = write!(text, "\nalready done before this: {done}.");
    }
    if let Some(unknown) = &unknown {
        let _ = write!(text, "\nsent, but not known to be done: {unknown}. Check before doing it again.");
    }
    if done.is_some() {
        text.push_str(" Do not run the script again as it is: continue after what is done.");
    } else if unknown.is_some() {
        text.push_str(" Do not run the script again as it is.");
    }
}

/// `slack.post_message × 3 (lines 9, 9, 9), crm.update_contact × 1 (line 6)`.
fn grouped_calls<'a>(effects: impl Iterator<Item = &'a Effect>, most: usize) -> Option<String> {
    let mut tools: Vec<(String, usize, Vec<u32>)> = Vec::new();
    for effect in effects {
        let name = format!("{}.{}", effect.namespace, effect.tool);
        let index = tools.iter().position(|(known, ..)| *known == name).unwrap_or_else(|| {
            tools.push((name, 0, Vec::new()));
            tools.len() - 1
        });
        tools[index].1 += 1;
        tools[index].2.extend(effect.line);
    }
    if tools.is_empty() {
        return None;
    }
    let mut named: Vec<String> = tools
        .iter()
        .take(most)
        .map(|(name, count, lines)| {
            format!("{} × {}{}", clipped(&clean_line(name), 100), grouped(*count), lines_text(lines))
        })
        .collect();
    if tools.len() > most {
        let calls: usize = tools.iter().skip(most).map(|(_, count, _)| count).sum();
        named.push(format!("{} of {}", counted(calls, "call"), counted(tools.len() - most, "other tool")));
    }
    Some(named.join(", "))
}

fn lines_text(lines: &[u32]) -> String {
    let mut lines = lines.to_vec();
    if lines.len() > LINES {
        // Many calls come from few lines: which ones is enough.
        lines.sort_unstable();
        lines.dedup();
    }
    let shown: Vec<String> = lines.iter().take(LINES).map(ToString::to_string).collect();
    let more = if lines.len() > LINES { ", …" } else { "" };
    match lines.len() {
        0 => String::new(),
        1 => format!(" (line {})", shown[0]),
        _ => format!(" (lines {}{more})", shown.join(", ")),
    }
}
