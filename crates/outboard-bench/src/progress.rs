//! How far the measures are, on standard error: one line that changes on a terminal, one for each measure elsewhere.
//! It never writes to standard output, which belongs to the figures.

use std::io::{IsTerminal as _, Write as _};

/// Tells how far a command is.
#[derive(Debug)]
pub(crate) struct Progress {
    live: bool,
    of: usize,
    place: std::cell::Cell<usize>,
}

impl Progress {
    /// Of this many measures.
    pub(crate) fn new(of: usize) -> Self {
        Self { live: std::io::stderr().is_terminal(), of, place: std::cell::Cell::new(0) }
    }

    /// A measure begins.
    pub(crate) fn begin(&self, what: &str) {
        self.place.set(self.place.get() + 1);
        self.say(&format!("measuring {what} ({} of {})", self.place.get(), self.of), !self.live);
    }

    /// A round of a measure begins.
    pub(crate) fn round(&self, what: &str, round: usize, rounds: usize) {
        if self.live {
            let place = self.place.get();
            self.say(
                &format!("measuring {what} ({place} of {}), round {} of {rounds}", self.of, round + 1),
                false,
            );
        }
    }

    /// All is measured.
    pub(crate) fn end(&self) {
        self.say("", false);
    }

    fn say(&self, text: &str, whole_line: bool) {
        let mut out = std::io::stderr().lock();
        // Without standard error there is nobody to tell.
        let _ = match (whole_line, self.live) {
            (true, _) => writeln!(out, "{text}"),
            (false, true) => write!(out, "\r\x1b[K{text}"),
            (false, false) => Ok(()),
        };
        let _ = out.flush();
    }
}
