//! What a person sees: lines on standard output and error, errors as `error:` and `hint:`, and the exit code.
//! All printing of this program is here. In stdio mode standard output belongs to the protocol. A command that was asked
//! for JSON and fails before it has printed any prints `{"error": {"message", "hint", "exitCode"}}`.

mod escape;
mod hints;
mod output;
mod table;
mod terminal;

use std::{error::Error, fmt::Display, process::ExitCode};

use anstyle::{AnsiColor, Style};
use serde_json::{Map, Value, json};

pub(crate) use escape::{escaped, escaped_lines, quoted};
pub(crate) use outboard_runtime::present::counted;
pub(crate) use output::{bytes, flush, hint, json, line, note, progress, text, verbatim, warn};
pub(crate) use table::{Cell, Table};
pub(crate) use terminal::Terminal;

/// Something that ended a command, with what may be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` if the person has been told already.
    message: Option<String>,
    hint: Option<String>,
    code: u8,
    /// What a program is told beside that.
    facts: Box<Map<String, Value>>,
}

/// The command could not do its work.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 2;
/// A signal ended the command in order: 128 and the number of an interrupt, as shells count.
pub(crate) const INTERRUPTED: u8 = 130;

/// What each exit code means: the text of `--help` and of the man page.
pub(crate) const EXIT_CODES: [(u8, &str); 4] = [
    (0, "done"),
    (FAILED, "failed: the command, the script or the call; `doctor` found something to mend"),
    (USAGE, "wrong command line or configuration; nothing was done"),
    (INTERRUPTED, "interrupted; what was under way has been cancelled"),
];

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.message.as_deref().unwrap_or("failed"))
    }
}

impl Failure {
    /// A failure told by an error and its sources; reads as "could not …".
    pub(crate) fn could_not(error: &(dyn Error + 'static)) -> Self {
        let failure = Self::new(format_args!("could not {}", chain(error)));
        Self { hint: hints::of(error), ..failure }
    }

    /// A failure told by a sentence.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { message: Some(message.to_string()), hint: None, code: FAILED, facts: Box::default() }
    }

    /// A failure of which the person has been told: only the exit code is left to say.
    pub(crate) fn told() -> Self {
        Self { message: None, hint: None, code: FAILED, facts: Box::default() }
    }

    /// A signal ended the command.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted").code(INTERRUPTED)
    }

    /// Whether it is that a signal ended the command.
    pub(crate) fn is_interruption(&self) -> bool {
        self.code == INTERRUPTED
    }

    /// The same failure, of which nothing is left to say.
    pub(crate) fn silenced(self) -> Self {
        Self { message: None, hint: None, ..self }
    }

    /// The same failure told by another sentence.
    pub(crate) fn told_as(mut self, message: impl Display) -> Self {
        self.message = Some(message.to_string());
        self
    }

    /// What may be done about it.
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// A fact about it for programs.
    pub(crate) fn fact(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(key.to_owned(), value.into());
        self
    }

    /// The failure for a program.
    pub(crate) fn json(&self) -> Value {
        let mut error = Map::new();
        error.insert("message".to_owned(), json!(self.message));
        error.insert("hint".to_owned(), json!(self.hint));
        error.insert("exitCode".to_owned(), json!(self.code));
        error.extend((*self.facts).clone());
        Value::Object(error)
    }

    /// The exit code, [`FAILED`] unless said otherwise.
    pub(crate) fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }
}

/// An error and its sources in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// A warning about an error, with what may be done about it.
pub(crate) fn warn_of(error: &(dyn Error + 'static)) {
    warn(format_args!("could not {}", chain(error)));
    for text in hints::of(error).iter().flat_map(|text| text.lines()) {
        hint(text);
    }
}

/// What may be done about an error, if there is something to say.
pub(crate) fn hint_of(error: &(dyn Error + 'static)) -> Option<String> {
    hints::of(error)
}

/// Tells of a command's end and gives its exit code: to a program too, if `json` was asked for and nothing has been
/// printed yet. A result that could not be written is a failure as well, except where nobody reads it any more.
pub(crate) fn end(result: Result<(), Failure>, json: bool) -> ExitCode {
    let Err(failure) = result.and_then(|()| output::written()) else { return ExitCode::SUCCESS };
    if let Some(message) = &failure.message {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        note(format_args!("{red}error:{red:#} {message}"));
    }
    for text in failure.hint.iter().flat_map(|text| text.lines()) {
        hint(text);
    }
    if json && failure.message.is_some() && !output::has_printed() {
        line(format_args!("{:#}", json!({ "error": failure.json() })));
        flush();
    }
    ExitCode::from(failure.code)
}
