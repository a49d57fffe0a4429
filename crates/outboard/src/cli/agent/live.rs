//! What a person sees of an agent while it works, on standard error, and the figures at its end. Words of models and tools are
//! made harmless and kept short; the whole is printed by --json.

use std::time::Duration;

use outboard_agent::{
    ToolAnswer, ToolUse, Turn, Usage, Watcher, compare::thousands, provider::Heard, task::Mode,
    usage::Counted,
};
use outboard_runtime::present::count_tokens;
use serde_json::Value;

use super::{Chosen, Done, word};
use crate::report::{self, counted, escaped, escaped_lines};

/// Characters of a line, and lines of a script or a text.
const LINE: usize = 100;
const LINES: usize = 24;

/// Tells what happens.
pub(super) struct Live;

impl Watcher for Live {
    fn begins(&self, turn: usize) {
        report::progress(format_args!("turn {turn}: the model is thinking"));
    }

    fn hears(&self, heard: &Heard<'_>) {
        match heard {
            Heard::Words(words) => {
                let line = words.trim().lines().last().unwrap_or_default();
                if !line.is_empty() {
                    report::progress(line);
                }
            }
            Heard::Uses(_) => {}
            Heard::Again { why, pause } => {
                report::warn(format_args!("{why}; once more in {:.1} s", pause.as_secs_f64()));
            }
        }
    }

    fn said(&self, turn: &Turn, usage: Usage, _: Counted) {
        report::note(format_args!(
            "turn: {} in, {} out",
            thousands(usage.whole_input()),
            thousands(usage.output)
        ));
        // The last words are the answer, which is printed as such.
        if !turn.calls.is_empty() && !turn.text.trim().is_empty() {
            report::note(format_args!("  says   {}", short(turn.text.trim())));
        }
        for call in &turn.calls {
            tell_call(call);
        }
        if !turn.calls.is_empty() {
            report::progress(format_args!("{} under way", counted(turn.calls.len(), "call")));
        }
    }

    fn answered(&self, call: &ToolUse, answer: &ToolAnswer, took: Duration) {
        let what = if answer.is_error { "FAILED" } else { "gave  " };
        report::note(format_args!(
            "  {what} {} ({}: {} tokens, {})",
            short(answer.text.trim()),
            escaped(&call.name),
            thousands(count_tokens(&answer.text) as u64),
            span(took)
        ));
    }

    fn unanswered(&self, call: &ToolUse) {
        report::warn(format_args!(
            "{} got no answer: whether it was carried out is not known",
            escaped(&call.name)
        ));
    }
}

/// A call; of a script its lines.
fn tell_call(call: &ToolUse) {
    let code = ["code", "command"].iter().find_map(|member| call.input.get(*member).and_then(Value::as_str));
    match code {
        Some(code) if code.trim().contains('\n') => {
            report::note(format_args!("  calls  {}", escaped(&call.name)));
            let text = escaped_lines(code.trim());
            let lines: Vec<&str> = text.lines().collect();
            for line in lines.iter().take(LINES) {
                report::note(format_args!("           {line}"));
            }
            if lines.len() > LINES {
                report::note(format_args!("           … {} more", counted(lines.len() - LINES, "line")));
            }
        }
        _ => {
            report::note(format_args!("  calls  {} {}", escaped(&call.name), short(&call.input.to_string())));
        }
    }
}

fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown: String = line.chars().take(LINE).collect();
    let more = if line.chars().nth(LINE).is_some() { " …" } else { "" };
    escaped(&shown) + more
}

fn span(span: Duration) -> String {
    format!("{:.2} s", span.as_secs_f64())
}

/// The figures at the end.
pub(super) fn tell(mode: Mode, chosen: &Chosen, done: &Done, right: Option<bool>) {
    let Done { report, in_tools, in_code } = done;
    let usage = report.usage();
    let judged = match right {
        Some(true) => ", and the answer is right",
        Some(false) => ", and the answer is wrong",
        None => "",
    };
    let way = chosen.way.as_deref().filter(|way| !way.is_empty()).map(|way| format!(", {}", escaped(way)));
    report::note("");
    report::note(format_args!(
        "{} in {} (mode {}{}, {}){judged}",
        word(&report.ended).replace('_', " "),
        counted(report.turns.len(), "turn"),
        mode.as_str(),
        way.unwrap_or_default(),
        chosen.label(),
    ));
    report::note(format_args!(
        "tokens  {} (input {}, output {}; {})",
        thousands(usage.total()),
        thousands(usage.whole_input()),
        thousands(usage.output),
        report.counted().label()
    ));
    if usage.cache_read + usage.cache_write > 0 {
        report::note(format_args!(
            "cached  {} of the input read from the prompt cache, {} written into it",
            thousands(usage.cache_read),
            thousands(usage.cache_write)
        ));
    }
    let (retries, given_up) = report.given_up();
    if retries > 0 {
        report::note(format_args!(
            "lost    {} gave no turn and had used {} tokens as far as the API told, which are not counted above",
            counted(retries as usize, "attempt"),
            thousands(given_up.total())
        ));
    }
    match chosen.cost(report) {
        Ok(cost) => {
            let of = if report.counted() == Counted::Estimated { ", of estimated tokens" } else { "" };
            report::note(format_args!(
                "cost    ${:.4} by prices of {}{of}",
                cost.dollars,
                escaped(&cost.as_of)
            ));
        }
        Err(why) if chosen.provider.model().is_some() => {
            report::note(format_args!("cost    not known: {why} (--prices FILE)"));
        }
        Err(_) => {}
    }
    report::note(format_args!(
        "time    {}: model {}, tools {}, code {}",
        span(report.took),
        span(report.in_model()),
        span(*in_tools),
        span(*in_code)
    ));
}
