//! What a person sees: lines on standard output and error, errors as `error:` and `hint:`, and the exit code.
//! All printing of this program is here. In stdio mode standard output belongs to the protocol.

mod escape;
mod output;
mod table;

use std::{error::Error, fmt::Display, process::ExitCode};

use anstyle::{AnsiColor, Style};

pub(crate) use escape::{escaped, escaped_lines, quoted};
pub(crate) use output::{bytes, flush, hint, json, line, note, progress, text, verbatim, warn};
pub(crate) use table::{Cell, Table};

/// Something that ended a command, with what may be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// `None` if the person has been told already.
    message: Option<String>,
    hint: Option<String>,
    code: u8,
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
    pub(crate) fn could_not(error: &dyn Error) -> Self {
        Self::new(format_args!("could not {}", chain(error)))
    }

    /// A failure told by a sentence.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { message: Some(message.to_string()), hint: None, code: FAILED }
    }

    /// A failure of which the person has been told: only the exit code is left to say.
    pub(crate) fn told() -> Self {
        Self { message: None, hint: None, code: FAILED }
    }

    /// A signal ended the command.
    pub(crate) fn interrupted() -> Self {
        Self::new("interrupted").code(INTERRUPTED)
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

/// Tells of a command's end and gives its exit code. A result that could not be written is a failure too, except
/// where nobody reads it any more.
pub(crate) fn end(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result.and_then(|()| output::written()) else { return ExitCode::SUCCESS };
    if let Some(message) = &failure.message {
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        note(format_args!("{red}error:{red:#} {message}"));
    }
    if let Some(text) = &failure.hint {
        hint(text);
    }
    ExitCode::from(failure.code)
}
