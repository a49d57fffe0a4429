//! What a person sees: lines on standard output and error, errors as `error:` and `hint:`, and the exit code.
//! All printing of this program is here. In stdio mode standard output belongs to the protocol.

use std::{error::Error, fmt::Display, process::ExitCode};

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};

/// Something that ended a command, with what may be done about it.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
}

/// The command could not do its work.
pub(crate) const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub(crate) const USAGE: u8 = 2;

impl Display for Failure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl Failure {
    /// A failure told by an error and its sources; reads as "could not …".
    pub(crate) fn could_not(error: &dyn Error) -> Self {
        Self { message: format!("could not {}", chain(error)), hint: None, code: FAILED }
    }

    /// A failure told by a sentence.
    pub(crate) fn new(message: impl Display) -> Self {
        Self { message: message.to_string(), hint: None, code: FAILED }
    }

    /// The same failure told by another sentence.
    pub(crate) fn told_as(mut self, message: impl Display) -> Self {
        self.message = message.to_string();
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

/// Tells of a command's end and gives its exit code.
pub(crate) fn end(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    eprintln!("{red}error:{red:#} {}", failure.message);
    if let Some(text) = failure.hint {
        hint(text);
    }
    ExitCode::from(failure.code)
}

/// A line of a command's result.
pub(crate) fn line(text: impl Display) {
    println!("{text}");
}

/// A line beside the result: what a person should know, on standard error.
pub(crate) fn note(text: impl Display) {
    eprintln!("{text}");
}

/// What a person may want to do next, on standard error.
pub(crate) fn hint(text: impl Display) {
    let cyan = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    eprintln!("{cyan}hint:{cyan:#} {text}");
}

/// A warning on standard error.
pub(crate) fn warn(text: impl Display) {
    let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    eprintln!("{yellow}warning:{yellow:#} {text}");
}

/// Progress on standard error, only at a terminal: the line is replaced by the next.
pub(crate) fn progress(text: impl Display) {
    use std::io::{IsTerminal as _, Write as _};
    let mut stderr = std::io::stderr();
    if stderr.is_terminal() {
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush());
    }
}
