//! The text that a person decides by: what would be done, with everything that it would be done with; what the tool claims;
//! why they are asked; where in the script; what was done before; for whom. Foreign text stands in lines of its own, further in than
//! ours, and is never shortened.

use super::{
    question::{Question, Sheet, SoFar, Unshowable},
    shown,
    value::{self, Lines},
};
use crate::{
    catalogue::Annotations,
    operation::{AskedFor, Operation},
    present::grouped,
    run::Effect,
};

/// Where a person is shown a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Medium {
    /// A dialogue of an MCP client, of which nobody knows how it shows long text.
    Client,
    /// A terminal, which can be scrolled.
    Terminal,
}

impl Medium {
    /// Characters that can be shown whole.
    pub(super) fn shows(self) -> usize {
        match self {
            Self::Client => 4_000,
            Self::Terminal => 40_000,
        }
    }
}

/// The question as lines. Clients that read Markdown see foreign text as a block of code, because it stands further in.
pub fn render(sheet: &Sheet, medium: Medium) -> String {
    let first = sheet.first();
    let (margin, count) = (if medium == Medium::Client { 4 } else { 2 }, sheet.questions.len());
    let mut lines = Lines::default();
    lines.push(0, 2, &headline(first, count));
    if medium == Medium::Client {
        lines.0.push(String::new());
    }
    for (index, question) in sheet.questions.iter().enumerate() {
        if count > 1 {
            let place = question.line.map_or_else(String::new, |line| format!(", line {line}"));
            lines.push(margin, 0, &format!("call {} of {count}{place}:", index + 1));
        }
        lines.arguments(if count > 1 { margin + 2 } else { margin }, &question.shown());
    }
    if medium == Medium::Client {
        lines.0.push(String::new());
    }
    warn(&mut lines, &sheet.questions);
    let asked = format!("Asked because {}.", sentence(&first.reason));
    match &first.operation {
        Operation::CallTool(_) => lines.push(0, 2, &format!("{} {asked}", says(first))),
        Operation::Request(_) | Operation::Asked(_) => lines.push(0, 2, &asked),
    }
    lines.push(0, 2, &surroundings(sheet));
    lines.0.join("\n")
}

/// The first line. What an upstream asks is always marked as that upstream's.
fn headline(first: &Question, count: usize) -> String {
    let (subject, namespace) =
        (shown::text(&first.subject()), shown::name(first.operation.namespace().as_str()));
    let who = if first.script.is_some() { "this script" } else { "this command" };
    match &first.operation {
        Operation::CallTool(_) if count == 1 => format!("Outboard asks: may {who} call {subject}?"),
        Operation::CallTool(_) => format!("Outboard asks: may {who} make {count} calls of {subject}?"),
        Operation::Request(_) => format!("Outboard asks: may {who} send {subject}?"),
        Operation::Asked(asked) => {
            let what = match asked.what {
                AskedFor::Sample => "a model's answer at your cost to this",
                AskedFor::Elicit => "an answer of yours to this",
                AskedFor::ListRoots => "the names of your folders",
            };
            format!("The server {namespace} asks, not Outboard: it wants {what}. May it have that?")
        }
    }
}

/// What the upstream says that its tool does, and whether that counts.
fn says(question: &Question) -> String {
    let claims = claims(question.annotations);
    if question.vouched {
        format!("The tool says: {claims}.")
    } else {
        format!("The tool says, and nobody has vouched for it: {claims}.")
    }
}

/// The script of a question with its lines numbered, those that ask marked.
pub fn script(sheet: &Sheet) -> Option<String> {
    let source = sheet.first().script.as_deref()?;
    let mut lines = Lines::default();
    for (number, line) in (1..).zip(source.lines()) {
        let asks = sheet.questions.iter().any(|question| question.line == Some(number));
        lines.push(
            2,
            8,
            &format!(
                "{} {number:>3} | {}",
                if asks { '>' } else { ' ' },
                shown::text(&line.replace('\t', "    "))
            ),
        );
    }
    Some(lines.0.join("\n"))
}

/// Characters that showing these takes, or of their arguments where these alone are too many.
pub(super) fn size(questions: &[Question]) -> usize {
    let arguments: usize = questions.iter().map(written).sum();
    if arguments > Medium::Terminal.shows() {
        return arguments;
    }
    questions.iter().map(shown_size).sum()
}

/// Whether a question can be shown to anyone.
pub(super) fn showable(question: &Question) -> Result<(), Unshowable> {
    let (characters, limit) = (size(std::slice::from_ref(question)), Medium::Terminal.shows());
    if characters <= limit { Ok(()) } else { Err(Unshowable { characters, limit }) }
}

fn written(question: &Question) -> usize {
    question.shown().len() + question.subject().len()
}

fn shown_size(question: &Question) -> usize {
    let mut lines = Lines::default();
    lines.arguments(6, &question.shown());
    warn(&mut lines, std::slice::from_ref(question));
    lines.0.iter().map(|line| line.chars().count() + 1).sum::<usize>()
        + shown::text(&question.subject()).len()
}

/// Adds what could be mistaken for something else in questions about one tool.
fn warn(lines: &mut Lines, questions: &[Question]) {
    let names = questions.first().map(|first| {
        let operation = &first.operation;
        [operation.namespace().as_str(), operation.name()]
    });
    for name in names.into_iter().flatten().filter(|name| !name.is_ascii()) {
        lines.push(0, 2, &format!("Careful: the name is {}", shown::name(name)));
    }
    let mut words = Vec::new();
    for question in questions {
        value::strings(&question.shown(), &mut |text| words.extend(shown::mixed(text)));
    }
    words.sort();
    words.dedup();
    for word in words {
        lines.push(0, 2, &format!("Careful: letters of different alphabets, {word}"));
    }
}

/// What an upstream says that its tool does.
fn claims(claims: Annotations) -> String {
    let changes = match (claims.read_only_hint, claims.destructive_hint) {
        (Some(true), _) => "it changes nothing",
        (_, Some(true)) => "it changes things and may destroy some",
        (_, Some(false)) => "it changes things and destroys none",
        (Some(false), None) => "it changes things",
        (None, None) => "nothing about what it changes",
    };
    let reaches = match claims.open_world_hint {
        Some(true) => ", it reaches others",
        Some(false) => ", it reaches nobody else",
        None => "",
    };
    format!("{changes}{reaches}")
}

/// A reason as part of a sentence. It is the user's own or Outboard's, and escaped all the same.
fn sentence(reason: &str) -> String {
    shown::text(reason.trim().trim_end_matches('.'))
}

fn surroundings(sheet: &Sheet) -> String {
    let first = sheet.first();
    let mut parts = Vec::new();
    if let (Some(line), Some(script), 1) = (first.line, &first.script, sheet.questions.len()) {
        parts.push(format!("line {line} of {}", script.lines().count()));
    }
    if first.script.is_some() {
        parts.push(format!("so far: {}", so_far(&first.so_far)));
    }
    parts.push(format!("asked by {}", shown::name(first.principal.as_str())));
    parts.join(" · ")
}

/// `read 2 (slack.read_channel_messages × 2), changed nothing`.
fn so_far(so_far: &SoFar) -> String {
    let read = match so_far.read.iter().map(|(_, count)| *count as usize).sum::<usize>() {
        0 => "read nothing".to_owned(),
        count => {
            let tools: Vec<String> = so_far
                .read
                .iter()
                .map(|(tool, count)| format!("{} × {}", shown::text(tool), grouped(*count as usize)))
                .collect();
            format!("read {} ({})", grouped(count), tools.join(", "))
        }
    };
    let changed = match so_far.changed.len() {
        0 => "changed nothing".to_owned(),
        _ => format!("called what changes things: {}", changed(&so_far.changed)),
    };
    format!("{read}, {changed}")
}

fn changed(effects: &[Effect]) -> String {
    let mut tools: Vec<(String, usize)> = Vec::new();
    for effect in effects {
        let name = format!("{}.{}", effect.namespace, effect.tool);
        match tools.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => tools.push((name, 1)),
        }
    }
    let tools: Vec<String> =
        tools.iter().map(|(tool, count)| format!("{} × {}", shown::text(tool), grouped(*count))).collect();
    tools.join(", ")
}
