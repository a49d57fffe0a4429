//! The end of what a child said on stderr, for people who ask why it failed. It is an upstream's word:
//! control characters are shown escaped. It is never parsed.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

use outboard_runtime::ids::UpstreamName;
use tokio::process::ChildStderr;
use tracing::debug;

use super::lines::{Line, Lines};

/// Bytes kept.
const KEPT: usize = 64 << 10;
/// The longest line kept whole.
const LINE: usize = 8 << 10;
/// Bytes shown with a failure.
const SHOWN: usize = 2000;

/// The last lines of a child's stderr.
#[derive(Default)]
pub(crate) struct Tail {
    kept: Mutex<Kept>,
    source: Mutex<Option<ChildStderr>>,
}

#[derive(Default)]
struct Kept {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    pub(super) fn follow(&self, errors: ChildStderr) {
        *lock(&self.source) = Some(errors);
    }

    /// Keeps what the child says until it can say no more.
    pub(super) async fn read(&self, upstream: &UpstreamName) {
        let source = lock(&self.source).take();
        if let Some(errors) = source {
            let mut lines = Lines::new(errors, LINE);
            while let Ok(Some(line)) = lines.next().await {
                let (Line::Whole(bytes) | Line::TooLong { head: bytes, .. }) = line;
                let line = escaped(&String::from_utf8_lossy(&bytes));
                debug!(%upstream, line, "stderr");
                self.keep(line);
            }
        }
    }

    /// `what` happened, followed by the child's last words, if it had any.
    pub(crate) fn after(&self, what: &str) -> String {
        let words = self.shown();
        if words.is_empty() { what.to_owned() } else { format!("{what}; stderr ends with:\n{words}") }
    }

    fn keep(&self, line: String) {
        let mut kept = lock(&self.kept);
        kept.bytes += line.len();
        kept.lines.push_back(line);
        while kept.bytes > KEPT {
            let oldest = kept.lines.pop_front().map_or(0, |line| line.len());
            kept.bytes -= oldest;
        }
    }

    fn shown(&self) -> String {
        let kept = lock(&self.kept);
        let mut room = SHOWN;
        let mut shown = Vec::new();
        for line in kept.lines.iter().rev() {
            if line.len() > room {
                // A last line that is long itself is better cut than missing.
                if shown.is_empty() {
                    shown.push(&line[..line.floor_char_boundary(room)]);
                }
                break;
            }
            room -= line.len();
            shown.push(line.as_str());
        }
        shown.reverse();
        shown.join("\n").trim().to_owned()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn escaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.trim_end_matches('\r').chars() {
        if c.is_control() && c != '\t' {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_words_are_bounded_and_escaped() {
        let tail = Tail::default();
        for n in 0..20_000 {
            tail.keep(escaped(&format!("line {n} \u{1b}[31mred")));
        }
        let shown = tail.after("it ended");
        assert!(shown.starts_with("it ended; stderr ends with:\nline "), "{shown}");
        assert!(shown.ends_with(r"line 19999 \u{1b}[31mred"), "{shown}");
        assert!(shown.len() < SHOWN + 200 && tail.kept.lock().unwrap().bytes <= KEPT);
    }

    #[test]
    fn a_silent_child_adds_nothing() {
        assert_eq!(Tail::default().after("it ended"), "it ended");
    }
}
