//! Foreign text made harmless for a terminal: what a terminal would act on, or what would hide or reorder what a person
//! reads, is shown as its code. It does not shorten anything.

/// A text for one line, without anything that a terminal would act on or hide.
pub(crate) fn escaped(text: &str) -> String {
    // Spaces of other widths would hide where a word ends.
    let plain = |c: char| c == ' ' || (is_plain(c) && !c.is_whitespace());
    text.chars().map(|c| if plain(c) { c.to_string() } else { code(c) }).collect()
}

/// [`escaped`], with line feeds and tabs kept. A carriage return before a line feed is dropped.
pub(crate) fn escaped_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\t' | ' ' => out.push(c),
            c if is_plain(c) => out.push(c),
            c => out.push_str(&code(c)),
        }
    }
    out
}

/// A word as one would write it in a shell, near enough to be read; not meant to be run.
pub(crate) fn quoted(text: &str) -> String {
    let bare =
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c));
    if bare { text.to_owned() } else { format!("'{}'", escaped(text).replace('\'', "\\'")) }
}

fn is_plain(c: char) -> bool {
    // Other spaces are letters of many languages' texts, line separators are not.
    !c.is_control() && !is_invisible(c) && !matches!(c, '\u{2028}' | '\u{2029}')
}

/// Format characters: zero-width, bidirectional overrides, tags.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

fn code(c: char) -> String {
    c.escape_unicode().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_or_hide_is_escaped() {
        for (text, shown) in [
            ("npx", "npx"),
            ("a b", "'a b'"),
            ("", "''"),
            ("\u{1b}[2Jrm", "'\\u{1b}[2Jrm'"),
            ("safe\u{202e}txt", "'safe\\u{202e}txt'"),
            ("a\u{200b}b", "'a\\u{200b}b'"),
            ("it's\n", "'it\\'s\\u{a}'"),
        ] {
            assert_eq!(quoted(text), shown);
        }
    }

    #[test]
    fn text_of_several_lines_keeps_its_lines_and_nothing_else() {
        for (text, shown) in [
            ("a\n\tb", "a\n\tb"),
            ("a\r\nb\rc", "a\nb\\u{d}c"),
            ("\u{1b}]0;title\u{7}\u{9b}2J", "\\u{1b}]0;title\\u{7}\\u{9b}2J"),
            ("na\u{ef}ve \u{1f980} \u{a0}", "na\u{ef}ve \u{1f980} \u{a0}"),
            ("\u{202e}x\u{2028}", "\\u{202e}x\\u{2028}"),
        ] {
            assert_eq!(escaped_lines(text), shown);
        }
    }
}
