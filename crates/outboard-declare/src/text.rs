//! Text of an upstream made fit to stand in source: as a comment or as a string literal.
//! Used by everything that writes declarations; it does not shorten (see `summary`).

/// Whether a character shows nothing or changes how its neighbours are shown: controls, line and paragraph
/// separators, bidirectional controls, zero-width and other default-ignorable characters, tags, non-characters.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            u32::from(c),
            0xAD | 0x34F
                | 0x61C
                | 0x115F..=0x1160
                | 0x17B4..=0x17B5
                | 0x180B..=0x180F
                | 0x200B..=0x200F
                | 0x2028..=0x202E
                | 0x2060..=0x206F
                | 0x3164
                | 0xFDD0..=0xFDEF
                | 0xFE00..=0xFE0F
                | 0xFEFF
                | 0xFFA0
                | 0xFFF0..=0xFFFB
                | 0x1BCA0..=0x1BCA3
                | 0x1D173..=0x1D17A
                | 0xE0000..=0xE0FFF
        )
        || u32::from(c) & 0xFFFE == 0xFFFE
}

/// Folds every run of whitespace, line ends and controls into one space and drops what cannot be seen.
///
/// ```
/// assert_eq!(outboard_declare::text::fold("  a\n\tb\u{2028}c\u{202e}d "), "a b cd");
/// ```
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') {
            gap = true;
        } else if !is_invisible(c) {
            if gap && !folded.is_empty() {
                folded.push(' ');
            }
            gap = false;
            folded.push(c);
        }
    }
    folded
}

/// Folds each line and keeps the lines, without empty ones at the ends or in a row.
pub fn fold_lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split(['\n', '\u{2028}', '\u{2029}']).map(fold) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    if lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// One line of text that can stand inside `/* … */` and after `//`: folded, unable to end the comment or to
/// speak to the type checker (`@ts-ignore`).
///
/// ```
/// assert_eq!(outboard_declare::text::comment("src/**/*.ts */ evil()"), r"src/**\/*.ts *\/ evil()");
/// ```
pub fn comment(text: &str) -> String {
    fold(text).replace("*/", r"*\/").replace("@ts-", "@ ts-")
}

/// A double-quoted literal that TypeScript, JavaScript and Python read as exactly `text`, in visible ASCII
/// escapes where a character could mislead: quotes, backslashes, whatever is invisible.
///
/// ```
/// assert_eq!(outboard_declare::text::literal("a\"\\\n\u{202e}é"), r#""a\"\\\n\u202eé""#);
/// ```
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_invisible(c) => escape(&mut quoted, c),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// UTF-16 escapes, as JSON has them; for characters beyond U+FFFF a pair, which Python would read as two, so
/// a Python writer has to use its own.
fn escape(quoted: &mut String, c: char) {
    use std::fmt::Write as _;
    for unit in c.encode_utf16(&mut [0; 2]) {
        write!(quoted, "\\u{unit:04x}").expect("writing to a string succeeds");
    }
}

/// Text of at most `limit` characters: cut after a whole word where there is one, with `…` for the rest.
pub fn cut(text: &str, limit: usize) -> String {
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return text.to_owned();
    };
    let kept = &text[..end];
    let whole = match kept.rfind(' ') {
        Some(space) if space > end / 2 => &kept[..space],
        _ => kept.char_indices().next_back().map_or("", |(last, _)| &kept[..last]),
    };
    format!("{}…", whole.trim_end_matches([' ', ',', ';', ':', '.']))
}

#[cfg(test)]
mod tests {
    use super::{comment, cut, fold, fold_lines, literal};

    #[test]
    fn comments_cannot_end_early_or_hide_anything() {
        let cases = [
            ("plain", "plain"),
            ("a */ b", r"a *\/ b"),
            ("a *\u{200b}/ b", r"a *\/ b"),
            ("a *\u{202e}\u{0}/", r"a * /"),
            ("**/**/", r"**\/**\/"),
            ("a\r\nb\u{85}c\u{2029}d", "a b c d"),
            ("\u{e0041}\u{e0042}hidden", "hidden"),
            ("@ts-ignore", "@ ts-ignore"),
            ("@\u{200d}ts-nocheck", "@ ts-nocheck"),
            ("esc\u{1b}[31m", "esc [31m"),
        ];
        for (text, expected) in cases {
            assert_eq!(comment(text), expected, "for {text:?}");
        }
    }

    #[test]
    fn literals_are_read_back_exactly() {
        let hostile =
            "\"\\\n\r\t\0\u{7f}\u{85}\u{2028}\u{2029}\u{202e}\u{200b}\u{feff}\u{e0041}`${x}'*/</script>é😀";
        let quoted = literal(hostile);
        assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), hostile);
        assert!(!quoted.chars().any(super::is_invisible), "{quoted}");
    }

    #[test]
    fn lines_are_folded_one_by_one() {
        assert_eq!(fold_lines("\n\n a  b \r\n\n\n- c\u{2028}d\n\n"), ["a b", "", "- c", "d"]);
        assert_eq!(fold_lines(" \n "), [""; 0]);
        assert_eq!(fold(" \u{200b} "), "");
    }

    #[test]
    fn long_text_is_cut_after_a_word() {
        assert_eq!(cut("one two three", 20), "one two three");
        assert_eq!(cut("one two, three", 11), "one two…");
        assert_eq!(cut("éééééé", 4), "ééé…");
        assert_eq!(cut("", 0), "");
    }
}
