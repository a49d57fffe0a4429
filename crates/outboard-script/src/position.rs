//! Positions: lines and columns of the text as sent, and the way back to them from the program.
//!
//! Talks to nobody; `edit` builds the map. It does not know what any edit was for.

use std::fmt;

/// A place in the text as it was sent: 1-based line, 1-based column in Unicode scalar values.
///
/// Lines end at LF, CR LF or a lone CR, as editors count them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters (Unicode scalar values), from 1.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// The text as sent, with its line starts.
#[derive(Clone, Debug)]
pub(crate) struct SourceText {
    text: Box<str>,
    line_starts: Vec<u32>,
}

impl SourceText {
    pub(crate) fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends_line = |at: usize| match bytes[at] {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let line_starts = std::iter::once(0)
            .chain((0..bytes.len()).filter(|&at| ends_line(at)).map(|at| to_u32(at + 1)))
            .collect();
        Self { text: text.into(), line_starts }
    }

    /// Whether the text from a byte offset starts with one of these.
    fn starts_with(&self, at: u32, marks: &[char]) -> bool {
        self.text.get(at as usize..).is_some_and(|rest| rest.starts_with(marks))
    }

    /// The text of a 1-based line, without its line end.
    pub(crate) fn line(&self, line: u32) -> Option<&str> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.line_starts.get(index)? as usize;
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |&next| next as usize);
        Some(self.text[start..end].trim_end_matches(['\n', '\r']))
    }

    /// The position of a byte offset; an offset inside a character is taken as that character's start.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let mut at = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        let index = self.line_starts.partition_point(|&start| start as usize <= at) - 1;
        let column = self.text[self.line_starts[index] as usize..at].chars().count() + 1;
        Position { line: to_u32(index + 1), column: to_u32(column) }
    }
}

/// One stretch of the program: copied from the source, or put in at one place of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Where the stretch starts in the program, in bytes.
    pub(crate) program: u32,
    pub(crate) origin: Origin,
}

/// Where a stretch of the program comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Byte for byte from this source offset on (blanked types included: they keep their length).
    Copied(u32),
    /// Put in on behalf of the code at this source offset.
    Inserted(u32),
    /// The wrapper around the script, which stands for nothing in it.
    Wrapper,
}

/// Maps places in the program back to places in the text as it was sent.
#[derive(Clone, Debug)]
pub struct PositionMap {
    source: SourceText,
    /// Byte offsets at which the program's lines start, and its length last.
    program_lines: Vec<u32>,
    pieces: Vec<Piece>,
    columns: Columns,
}

/// What a guest counts when it names a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// UTF-8 bytes.
    Bytes,
    /// Characters (Unicode scalar values).
    Characters,
}

impl PositionMap {
    pub(crate) fn new(source: SourceText, program: &str, pieces: Vec<Piece>, columns: Columns) -> Self {
        let program_lines = std::iter::once(0)
            .chain(program.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(at, _)| to_u32(at + 1)))
            .chain([to_u32(program.len()) + 1])
            .collect();
        Self { source, program_lines, pieces, columns }
    }

    /// The place in the script that stands at `line`:`column` of the program.
    ///
    /// Takes positions as the language's guest reports them, both 1-based: QuickJS-ng counts columns in UTF-8
    /// bytes (`quickjs.c`, `next_token` and `js_parse_error`), for Python they are counted in characters. A column
    /// past the end of its line is taken as that end. `None` for lines that the program does not have, and for
    /// what stands around the script.
    /// Not covered: U+2028 and U+2029 outside of strings, which QuickJS-ng counts as line ends.
    pub fn to_source(&self, line: u32, column: u32) -> Option<Position> {
        if self.columns == Columns::Characters {
            let Origin::Copied(start) = self.origin(line, 1)? else { return None };
            let start = self.source.position(start);
            let end = to_u32(self.source.line(start.line)?.chars().count() + 1);
            let column = start.column.saturating_add(column.saturating_sub(1)).min(end);
            return Some(Position { line: start.line, column });
        }
        match self.origin(line, column)? {
            Origin::Copied(at) | Origin::Inserted(at) => Some(self.source.position(at)),
            Origin::Wrapper => None,
        }
    }

    /// The place of a call that the script's author wrote: as [`to_source`](Self::to_source), but `None` for code that
    /// was put in. A call of our own behind the author's function is reported at that function's last character,
    /// where no call of the author's can stand.
    pub fn to_written_call(&self, line: u32, column: u32) -> Option<Position> {
        if self.columns == Columns::Characters {
            // Nothing is ever put into a Python script.
            return self.to_source(line, column);
        }
        match self.origin(line, column)? {
            Origin::Copied(at) if !self.source.starts_with(at, &['}', ')']) => Some(self.source.position(at)),
            Origin::Copied(_) => None,
            Origin::Inserted(_) | Origin::Wrapper => None,
        }
    }

    /// What stands at a place of the program; for copied text, the place itself in the source.
    fn origin(&self, line: u32, column: u32) -> Option<Origin> {
        let index = usize::try_from(line).ok()?.checked_sub(1)?;
        let (&start, &next) = (self.program_lines.get(index)?, self.program_lines.get(index + 1)?);
        self.origin_of(start.saturating_add(column.saturating_sub(1)).min(next - 1))
    }

    fn origin_of(&self, at: u32) -> Option<Origin> {
        let piece = self.pieces[self.pieces.partition_point(|piece| piece.program <= at).checked_sub(1)?];
        Some(match piece.origin {
            Origin::Copied(source) => Origin::Copied(source + (at - piece.program)),
            origin => origin,
        })
    }

    /// The byte of the source that a byte of the program was copied from.
    pub(crate) fn copied_from(&self, at: u32) -> Option<u32> {
        match self.origin_of(at)? {
            Origin::Copied(source) => Some(source),
            Origin::Inserted(_) | Origin::Wrapper => None,
        }
    }

    /// What is left of the program without all that was put in, if the pieces cover the source in order.
    #[cfg(test)]
    pub(crate) fn undo(&self, program: &str) -> Option<String> {
        let ends = self.pieces.iter().skip(1).map(|piece| piece.program as usize).chain([program.len()]);
        let mut left = String::new();
        for (piece, end) in self.pieces.iter().zip(ends) {
            if let Origin::Copied(source) = piece.origin {
                if source as usize != left.len() {
                    return None;
                }
                left.push_str(&program[piece.program as usize..end]);
            }
        }
        Some(left)
    }

    /// The text of a 1-based line as it was sent, without its line end.
    pub fn source_line(&self, line: u32) -> Option<&str> {
        self.source.line(line)
    }
}

/// The text with LF for each lone CR: the same length, and a line end to everybody.
pub(crate) fn with_line_feeds(text: String) -> String {
    if !text.contains('\r') {
        return text;
    }
    let mut chars = text.chars().peekable();
    std::iter::from_fn(|| {
        let c = chars.next()?;
        Some(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c })
    })
    .collect()
}

/// Sources are bounded far below 4 GiB before any offset is taken.
pub(crate) fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, column: u32) -> Position {
        Position { line, column }
    }

    #[test]
    fn offsets_become_lines_and_characters() {
        let source = SourceText::new("ab\r\nç😀x\rq\n");
        let table = [
            (0, at(1, 1)),
            (3, at(1, 4)),
            (4, at(2, 1)),
            (6, at(2, 2)),
            (8, at(2, 2)),
            (10, at(2, 3)),
            (12, at(3, 1)),
            (14, at(4, 1)),
            (99, at(4, 1)),
        ];
        for (offset, expected) in table {
            assert_eq!(source.position(offset), expected, "offset {offset}");
        }
        assert_eq!(source.line(2), Some("ç😀x"));
        assert_eq!((source.line(0), source.line(4), source.line(5)), (None, Some(""), None));
    }

    #[test]
    fn pieces_lead_back_and_the_wrapper_leads_nowhere() {
        let pieces = vec![
            Piece { program: 0, origin: Origin::Wrapper },
            Piece { program: 2, origin: Origin::Inserted(3) },
            Piece { program: 5, origin: Origin::Copied(3) },
        ];
        let map = PositionMap::new(SourceText::new("é\nxyz"), "W\nINSxyz", pieces, Columns::Bytes);
        assert_eq!(map.to_source(1, 1), None);
        assert_eq!(map.to_source(2, 2), Some(at(2, 1)));
        assert_eq!(map.to_source(2, 5), Some(at(2, 2)));
        assert_eq!(map.to_source(2, 900), Some(at(2, 4)));
        assert_eq!(
            (map.to_source(0, 1), map.to_source(3, 1), map.to_source(u32::MAX, u32::MAX)),
            (None, None, None)
        );
    }
}
