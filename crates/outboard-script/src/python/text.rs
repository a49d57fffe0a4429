//! The script's own text: without what stands around it, without an indentation that all of it has.
//!
//! Lines keep their numbers. It knows nothing of the language but how lines are indented.

use crate::position::{Columns, Origin, Piece, PositionMap, SourceText, to_u32, with_line_feeds};
use std::ops::Range;

/// The program for the `script` within `source`, and the way back.
pub(super) fn clean(text: &SourceText, source: &str, script: Range<usize>) -> (String, PositionMap) {
    let code = &source[script.clone()];
    let code = code.strip_prefix('\u{feff}').unwrap_or(code);
    let start = script.end - code.len();
    let mut program = with_line_feeds(source[..start].chars().filter(|c| matches!(c, '\n' | '\r')).collect());
    let mut pieces = Vec::new();
    if !program.is_empty() {
        pieces.push(Piece { program: 0, origin: Origin::Wrapper });
    }
    let margin = margin(code);
    let code = with_line_feeds(code.to_owned());
    let mut at = start;
    for line in code.split_inclusive('\n') {
        let skipped = line.len() - line.trim_start_matches(INDENTATION).len();
        let skipped = skipped.min(margin);
        if margin > 0 || at == start {
            pieces
                .push(Piece { program: to_u32(program.len()), origin: Origin::Copied(to_u32(at + skipped)) });
        }
        program.push_str(&line[skipped..]);
        at += line.len();
    }
    let positions = PositionMap::new(text.clone(), &program, pieces, Columns::Characters);
    (program, positions)
}

const INDENTATION: [char; 3] = [' ', '\t', '\u{c}'];

/// How far the first line of code is indented: no line of a script can be less.
fn margin(code: &str) -> usize {
    let lines = code.split(['\n', '\r']).map(|line| (line, line.trim_start_matches(INDENTATION)));
    let mut code = lines.filter(|(_, rest)| !rest.is_empty() && !rest.starts_with('#'));
    code.next().map_or(0, |(line, rest)| line.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, script: &str, program: &str, places: &[((u32, u32), &str)]) {
        let start = source.find(script).expect("the script stands in the source");
        let text = SourceText::new(source);
        let (cleaned, positions) = clean(&text, source, start..start + script.len());
        assert_eq!(cleaned, program);
        for ((line, column), expected) in places {
            let place = positions.to_source(*line, *column).map(|place| place.to_string());
            assert_eq!(place.as_deref().unwrap_or("nowhere"), *expected, "{line}:{column} of {source:?}");
        }
    }

    #[test]
    fn lines_keep_their_numbers_and_columns_lead_back() {
        check("x = 1\ny", "x = 1\ny", "x = 1\ny", &[((1, 5), "1:5"), ((2, 1), "2:1"), ((2, 9), "2:2")]);
        let fenced = "Prose: é\n\n```py\nä = 'ü'\nä\n```\nmore";
        check(
            fenced,
            "ä = 'ü'\nä\n",
            "\n\n\nä = 'ü'\nä\n",
            &[((4, 6), "4:6"), ((5, 1), "5:1"), ((1, 1), "nowhere")],
        );
        check("```py x + 1```", "x + 1", "x + 1", &[((1, 1), "1:7"), ((1, 3), "1:9")]);
        check("\u{feff}x", "\u{feff}x", "x", &[((1, 1), "1:2")]);
        check("a\r\nb\rc", "a\r\nb\rc", "a\r\nb\nc", &[((3, 1), "3:1")]);
    }

    #[test]
    fn an_indentation_that_all_lines_have_is_taken_off() {
        check(
            "  # so\n    if a:\n        b\n\n    c\n",
            "  # so\n    if a:\n        b\n\n    c\n",
            "# so\nif a:\n    b\n\nc\n",
            &[((2, 1), "2:5"), ((3, 5), "3:9"), ((5, 1), "5:5")],
        );
        check(" x = 1\ny = 2", " x = 1\ny = 2", "x = 1\ny = 2", &[((1, 1), "1:2"), ((2, 1), "2:1")]);
        check("  ```py\n  x\n  ```", "  x\n", "\nx\n", &[((2, 1), "2:3")]);
    }
}
