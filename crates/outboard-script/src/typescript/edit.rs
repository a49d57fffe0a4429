//! Text edits over the cleaned source, and the program with its position map that they make.
//!
//! Talks to `position`. It does not parse: callers give offsets that come from the syntax tree.

use crate::position::{Columns, Origin, Piece, PositionMap, SourceText, to_u32};
use oxc_span::Span;
use std::collections::BTreeSet;

/// The edits of one script, in any order; spans are those of the parsed text.
pub(crate) struct Edits<'s> {
    text: &'s str,
    /// How much longer the parsed text is than `text` at its start.
    shift: u32,
    edits: Vec<Edit>,
    /// Where the statements begin whose value the edits return, in the parsed text.
    pub(crate) returned: BTreeSet<u32>,
}

struct Edit {
    start: u32,
    end: u32,
    change: Change,
}

enum Change {
    Blank,
    Text(String),
}

/// What stands around the script in the program.
pub(crate) struct Wrapper {
    pub(crate) before: &'static str,
    pub(crate) after: &'static str,
}

impl<'s> Edits<'s> {
    pub(crate) fn new(text: &'s str, shift: u32) -> Self {
        Self { text, shift, edits: Vec::new(), returned: BTreeSet::new() }
    }

    /// Replaces every byte by a space, line ends excepted.
    pub(crate) fn blank(&mut self, start: u32, end: u32) {
        self.push(start, end, Change::Blank);
    }

    /// Blanks a span.
    pub(crate) fn blank_span(&mut self, span: Span) {
        self.blank(span.start, span.end);
    }

    /// Blanks, but leaves one ASCII character in the place of the first byte: a `;` where the gap could
    /// otherwise join what stands before it to what follows.
    pub(crate) fn blank_behind(&mut self, first: &'static str, start: u32, end: u32) {
        self.overwrite(start, first);
        self.blank(start + 1, end);
    }

    /// Puts one ASCII character in the place of one byte.
    pub(crate) fn overwrite(&mut self, at: u32, with: &'static str) {
        self.push(at, at + 1, Change::Text(with.to_owned()));
    }

    pub(crate) fn insert(&mut self, at: u32, text: impl Into<String>) {
        self.push(at, at, Change::Text(text.into()));
    }

    pub(crate) fn replace(&mut self, start: u32, end: u32, text: impl Into<String>) {
        self.push(start, end, Change::Text(text.into()));
    }

    fn push(&mut self, start: u32, end: u32, change: Change) {
        let start = start.saturating_sub(self.shift);
        let end = end.saturating_sub(self.shift).min(to_u32(self.text.len())).max(start);
        self.edits.push(Edit { start, end, change });
    }

    /// The program and its map. Insertions at one place keep the order in which they were made and go
    /// before a replacement that starts there; of two overlapping edits the later one is clipped.
    pub(crate) fn apply(mut self, source: SourceText, wrapper: &Wrapper) -> (String, PositionMap) {
        self.edits.sort_by_key(|edit| (edit.start, edit.end > edit.start));
        let mut out = Output { program: String::with_capacity(self.text.len() + 64), pieces: Vec::new() };
        out.push(Origin::Wrapper, wrapper.before);
        let mut done = 0;
        for edit in &self.edits {
            let start = edit.start.max(done);
            let end = edit.end.max(start);
            out.push(Origin::Copied(done), &self.text[done as usize..start as usize]);
            match &edit.change {
                Change::Blank => {
                    out.push(Origin::Copied(start), &blanked(&self.text[start as usize..end as usize]));
                }
                // One byte for one byte is a copy as far as positions go.
                Change::Text(text) if text.len() == 1 && end == start + 1 => {
                    out.push(Origin::Copied(start), text);
                }
                Change::Text(text) => out.push(Origin::Inserted(start), text),
            }
            done = end;
        }
        out.push(Origin::Copied(done), &self.text[done as usize..]);
        out.push(Origin::Wrapper, wrapper.after);
        let map = PositionMap::new(source, &out.program, out.pieces, Columns::Bytes);
        (out.program, map)
    }
}

struct Output {
    program: String,
    pieces: Vec<Piece>,
}

impl Output {
    fn push(&mut self, origin: Origin, text: &str) {
        if text.is_empty() {
            return;
        }
        let program = to_u32(self.program.len());
        let goes_on = match (self.pieces.last(), origin) {
            (Some(Piece { program: at, origin: Origin::Copied(from) }), Origin::Copied(source)) => {
                source.wrapping_sub(*from) == program - at
            }
            _ => false,
        };
        if !goes_on {
            self.pieces.push(Piece { program, origin });
        }
        self.program.push_str(text);
    }
}

/// Spaces byte for byte, so that columns counted in bytes stay; line ends stay line ends.
pub(crate) fn blanked(text: &str) -> String {
    text.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { char::from(byte) } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: Wrapper = Wrapper { before: "", after: "" };

    #[test]
    fn edits_apply_in_order_and_overlaps_are_clipped() {
        let text = "abcdefgh";
        let mut edits = Edits::new(text, 0);
        edits.insert(8, "1");
        edits.insert(8, "2");
        edits.replace(2, 4, "XYZ");
        edits.insert(2, "<");
        edits.blank(3, 6);
        let (program, map) = edits.apply(SourceText::new(text), &BARE);
        assert_eq!(program, "ab<XYZ  gh12");
        let column = |program_column| map.to_source(1, program_column).map(|position| position.column);
        assert_eq!(
            (column(2), column(3), column(6), column(9), column(12)),
            (Some(2), Some(3), Some(3), Some(7), Some(9))
        );
    }

    #[test]
    fn spans_of_a_longer_parsed_text_are_moved_back() {
        let mut edits = Edits::new("é\nb", 2);
        edits.blank(2, 5);
        let (program, _) = edits.apply(SourceText::new("é\nb"), &BARE);
        assert_eq!(program, "  \nb");
    }
}
