//! The two streams. A reader that went away is no error and no noise; output that is lost otherwise is remembered for
//! the end. Progress is one line of standard error, at a terminal only, and makes way for everything else.

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, Write},
    sync::{
        OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::Failure;

/// Why output was lost, if it was.
static LOST: OnceLock<io::Error> = OnceLock::new();
/// Whether something was printed on standard output.
static PRINTED: AtomicBool = AtomicBool::new(false);
/// Whether a line of progress stands at the terminal.
static PROGRESS: AtomicBool = AtomicBool::new(false);
/// Questions that lie before the person, which progress would write over.
static QUESTIONS: AtomicUsize = AtomicUsize::new(0);
/// Characters of a line of progress: one that wraps cannot be taken back.
const PROGRESS_CHARS: usize = 76;

/// A line of a command's result.
pub(crate) fn line(text: impl Display) {
    clear();
    keep(writeln!(anstream::stdout(), "{text}"));
}

/// A result of several lines. At a terminal it is made harmless first; anyone else gets it as it is.
pub(crate) fn text(text: &str) {
    if io::stdout().is_terminal() {
        line(super::escaped_lines(text));
    } else {
        verbatim(text);
    }
}

/// A result exactly as it is, and a line break.
pub(crate) fn verbatim(text: &str) {
    clear();
    let mut stdout = io::stdout().lock();
    keep(stdout.write_all(text.as_bytes()).and_then(|()| stdout.write_all(b"\n")));
}

/// A result that brings its own line breaks.
pub(crate) fn bytes(bytes: &[u8]) {
    clear();
    keep(io::stdout().lock().write_all(bytes));
}

/// A result for a machine: one JSON value, indented, because people look at it too.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format_args!("could not write the result as JSON: {error}")))?;
    verbatim(&text);
    Ok(())
}

/// Hands over what has been said, so that it can be read before the command ends.
pub(crate) fn flush() {
    if let Err(error) = io::stdout().flush() {
        lose(error);
    }
}

/// A line beside the result: what a person should know, on standard error.
pub(crate) fn note(text: impl Display) {
    clear();
    // There is nobody else to tell.
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// What a person may want to do next, on standard error.
pub(crate) fn hint(text: impl Display) {
    let cyan = Style::new().bold().fg_color(Some(AnsiColor::Cyan.into()));
    note(format_args!("{cyan}hint:{cyan:#} {text}"));
}

/// A warning on standard error.
pub(crate) fn warn(text: impl Display) {
    let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
    note(format_args!("{yellow}warning:{yellow:#} {text}"));
}

/// Progress on standard error, only at a terminal: the line is replaced by the next, or by anything else that is said.
pub(crate) fn progress(text: impl Display) {
    let mut stderr = io::stderr();
    if !stderr.is_terminal() || QUESTIONS.load(Ordering::Relaxed) > 0 {
        return;
    }
    let text: String = super::escaped(&text.to_string()).chars().take(PROGRESS_CHARS).collect();
    PROGRESS.store(!text.is_empty(), Ordering::Relaxed);
    // Progress that cannot be shown is no reason to stop.
    let _ = write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush());
}

/// Tells of no progress until dropped.
pub(super) fn quiet_progress() -> impl Drop {
    struct Quiet;
    impl Drop for Quiet {
        fn drop(&mut self) {
            QUESTIONS.fetch_sub(1, Ordering::Relaxed);
        }
    }
    QUESTIONS.fetch_add(1, Ordering::Relaxed);
    Quiet
}

/// The failure of the output, if some was lost that somebody wanted.
pub(super) fn written() -> Result<(), Failure> {
    flush();
    match LOST.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format_args!("could not write the result: {error}")))
        }
        _ => Ok(()),
    }
}

fn clear() {
    if PROGRESS.swap(false, Ordering::Relaxed) {
        // As with progress itself.
        let _ = write!(io::stderr(), "\r\x1b[2K");
    }
}

/// Whether a result, or a part of one, was printed.
pub(super) fn has_printed() -> bool {
    PRINTED.load(Ordering::Relaxed)
}

fn keep(result: io::Result<()>) {
    PRINTED.store(true, Ordering::Relaxed);
    if let Err(error) = result {
        lose(error);
    }
}

fn lose(error: io::Error) {
    // The first reason stands.
    let _ = LOST.set(error);
}
