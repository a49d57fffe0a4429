//! What is wrong with a script, said so that a model can mend it: place, message, hint, the line itself.
//!
//! Talks to `position`. It finds nothing by itself: parsing, stripping and the limits do.

use crate::position::{Position, SourceText};
use std::fmt::{self, Write as _};

/// At most this many findings are handed back; `Rejected::left_out` counts the others.
pub const MAX_FINDINGS: usize = 10;

/// Characters of a source line that an excerpt shows.
const EXCERPT_WIDTH: usize = 100;

/// One mistake in a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Where it starts, in the text as it was sent.
    pub position: Position,
    /// What is wrong, as a lowercase fragment: expected and found where both are known.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// The line at `position`.
    pub excerpt: Excerpt,
}

impl Finding {
    /// A finding at a place of a text.
    pub fn at(source: &str, position: Position, message: String, hint: Option<String>) -> Self {
        let line = source.lines().nth((position.line as usize).saturating_sub(1)).unwrap_or_default();
        Self { position, message, hint, excerpt: Excerpt::of_line(line, position, 1) }
    }
}

/// A source line with the part of it that a finding is about; control characters are shown as spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or at most 100 characters of it around the part.
    pub text: String,
    /// Characters of `text` before the part.
    pub before: usize,
    /// Characters to mark, at least one.
    pub width: usize,
}

/// A script that was not prepared, with the reasons: at least one, in source order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("prepare the script: {}", self.summary())]
pub struct Rejected {
    /// The mistakes, at most [`MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many more were found.
    pub left_out: usize,
}

impl Rejected {
    fn new(mut findings: Vec<Finding>, left_out: usize) -> Self {
        findings.sort_by_key(|finding| finding.position);
        // What is found wrong at one place for the second time only follows from the first.
        findings.dedup_by_key(|finding| finding.position);
        Self { findings, left_out }
    }

    fn summary(&self) -> String {
        match (self.findings.first(), self.findings.len() + self.left_out) {
            (Some(finding), 1) => format!("{}: {}", finding.position, finding.message),
            (Some(finding), count) => {
                format!("{}: {}, and {} more", finding.position, finding.message, count - 1)
            }
            (None, _) => "nothing found".to_owned(),
        }
    }

    /// All findings with their lines, marks and hints, as a person or a model reads them.
    pub fn render(&self) -> String {
        let mut text = self.findings.iter().map(|finding| finding.to_string() + "\n").collect::<String>();
        if self.left_out > 0 {
            let _ = writeln!(text, "and {} more", self.left_out);
        }
        text.truncate(text.trim_end().len());
        text
    }
}

impl fmt::Display for Finding {
    /// The place and message, the line with a mark under the part meant, and the hint.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.position.line.to_string();
        let (margin, mark) = (" ".repeat(line.len()), "^".repeat(self.excerpt.width));
        writeln!(f, "{}  {}", self.position, self.message)?;
        writeln!(f, "  {line} | {}", self.excerpt.text)?;
        write!(f, "  {margin} | {}{mark}", " ".repeat(self.excerpt.before))?;
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

impl Excerpt {
    fn of(source: &SourceText, position: Position, width: usize) -> Self {
        Self::of_line(source.line(position.line).unwrap_or_default(), position, width)
    }

    fn of_line(line: &str, position: Position, width: usize) -> Self {
        let before = (position.column as usize).saturating_sub(1);
        let skipped = if before < EXCERPT_WIDTH * 3 / 4 { 0 } else { before - EXCERPT_WIDTH / 2 };
        let shown = line.chars().skip(skipped).take(EXCERPT_WIDTH);
        let text = shown.map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
        let before = before - skipped;
        let rest = text.trim_end().chars().count().saturating_sub(before);
        Self { before, width: width.clamp(1, rest.max(1)), text: text.trim_end().to_owned() }
    }
}

/// Collects findings about one source, by byte offsets.
pub(crate) struct Findings<'s> {
    source: &'s SourceText,
    found: Vec<Finding>,
    left_out: usize,
}

impl<'s> Findings<'s> {
    pub(crate) fn new(source: &'s SourceText) -> Self {
        Self { source, found: Vec::new(), left_out: 0 }
    }

    /// Adds a finding about the bytes `start..end`; once there are enough, it is only counted.
    pub(crate) fn add(&mut self, start: u32, end: u32, message: impl Into<String>, hint: Option<String>) {
        if self.found.len() == MAX_FINDINGS {
            self.left_out += 1;
            return;
        }
        let finding = self.worded(start, end, message.into(), hint);
        self.found.push(finding);
    }

    /// A finding that is not counted among the mistakes.
    pub(crate) fn worded(&self, start: u32, end: u32, message: String, hint: Option<String>) -> Finding {
        let (position, last) = (self.source.position(start), self.source.position(end.max(start)));
        let width = if last.line == position.line { last.column - position.column } else { u32::MAX };
        let excerpt = Excerpt::of(self.source, position, width as usize);
        Finding { position, message, hint, excerpt }
    }

    /// For a text without any code.
    pub(crate) fn nothing_to_run(&mut self, hint: &str) {
        self.add(0, 1, "there is nothing to run", Some(hint.to_owned()));
    }

    /// Counts findings that were not worth writing out.
    pub(crate) fn leave_out(&mut self, count: usize) {
        self.left_out += count;
    }

    pub(crate) fn position(&self, offset: u32) -> Position {
        self.source.position(offset)
    }

    /// Whether further findings are only counted, so that nobody need word them.
    pub(crate) fn is_full(&self) -> bool {
        self.found.len() == MAX_FINDINGS
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_rejected(self) -> Rejected {
        Rejected::new(self.found, self.left_out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected(text: &str, spans: &[(u32, u32)]) -> Rejected {
        let source = SourceText::new(text);
        let mut findings = Findings::new(&source);
        for &(start, end) in spans {
            findings.add(start, end, "wrong", Some("right it".to_owned()));
        }
        findings.into_rejected()
    }

    #[test]
    fn a_finding_shows_its_line_and_marks_the_part() {
        let shown = rejected("one\n\tçé wrong\n", &[(10, 15)]).render();
        assert_eq!(shown, "2:5  wrong\n  2 |  çé wrong\n    |     ^^^^^\n  hint: right it");
    }

    #[test]
    fn long_lines_are_cut_around_the_part() {
        let line = "x".repeat(5_000);
        let finding = &rejected(&line, &[(3_000, 5_000)]).findings[0];
        assert_eq!(
            (finding.excerpt.text.len(), finding.excerpt.before, finding.excerpt.width),
            (100, 50, 50)
        );
        assert_eq!(finding.position, Position { line: 1, column: 3_001 });
    }

    #[test]
    fn findings_are_sorted_deduplicated_and_at_most_ten() {
        let spans = [3, 2, 2, 1].into_iter().chain(4..15).map(|at| (at, at + 1)).collect::<Vec<_>>();
        let rejected = rejected(&"y".repeat(40), &spans);
        let columns = rejected.findings.iter().map(|finding| finding.position.column).collect::<Vec<_>>();
        assert_eq!((columns, rejected.left_out), (vec![2, 3, 4, 5, 6, 7, 8, 9, 10], 5));
        assert_eq!(rejected.to_string(), "prepare the script: 1:2: wrong, and 13 more");
    }
}
