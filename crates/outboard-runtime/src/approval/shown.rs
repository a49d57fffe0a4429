//! Foreign text as a person is shown it before deciding: whole, and nothing in it that acts, hides, reorders or passes for
//! something else. It never shortens.

use std::fmt::Write as _;

use unicode_security::MixedScript as _;

/// Text on one line: what a terminal would act on, or what cannot be seen, as its code.
pub(super) fn text(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        push(&mut shown, char);
    }
    shown
}

/// A name. One that is not plain ASCII is followed by its codes, because letters of other alphabets look like others.
pub fn name(name: &str) -> String {
    let shown = text(name);
    if name.is_ascii() {
        return shown;
    }
    let codes: String =
        name.chars().map(|char| if is_plain_ascii(char) { char.to_string() } else { code(char) }).collect();
    if codes == shown { shown } else { format!("{shown} (that is {codes})") }
}

/// The words of a text whose letters are of more than one alphabet, as `payраl` with two Cyrillic letters, each with its
/// codes. One that occurs twice is told twice.
pub fn mixed(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split(|char: char| !char.is_alphanumeric() && char != '_') {
        if !word.is_ascii() && !word.is_single_script() {
            let codes: String = word
                .chars()
                .map(|char| if is_plain_ascii(char) { char.to_string() } else { code(char) })
                .collect();
            words.push(format!("{} is {codes}", self::text(word)));
        }
    }
    words
}

/// A JSON string with its quotes, escaped like [`text`], except that nothing is escaped twice.
pub(super) fn string(value: &str) -> String {
    let mut shown = String::with_capacity(value.len() + 2);
    shown.push('"');
    for char in value.chars() {
        match char {
            '"' => shown.push_str("\\\""),
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            char => push(&mut shown, char),
        }
    }
    shown.push('"');
    shown
}

fn push(shown: &mut String, char: char) {
    if is_visible(char) {
        shown.push(char);
    } else {
        shown.push_str(&code(char));
    }
}

fn code(char: char) -> String {
    let mut code = String::new();
    // Writing to a String cannot fail.
    let _ = write!(code, "\\u{{{:x}}}", u32::from(char));
    code
}

fn is_plain_ascii(char: char) -> bool {
    char == ' ' || char.is_ascii_graphic()
}

/// Whether a reader sees this character as itself. What the standard library would not print is not; of what it would,
/// neither are letters and signs that are drawn as nothing.
fn is_visible(char: char) -> bool {
    if is_plain_ascii(char) {
        return true;
    }
    let blank = matches!(
        char,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{2800}' | '\u{fffc}' | '\u{1d159}'
    );
    // One char long: it would be printed. Longer: its code.
    !blank && char.escape_debug().count() == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_hides_or_reorders_is_shown_as_its_code() {
        for (foreign, expected) in [
            ("plain text, größer, 日本語, 🎉", "plain text, größer, 日本語, 🎉"),
            ("\u{1b}[2J\u{7}\u{9b}1m", "\\u{1b}[2J\\u{7}\\u{9b}1m"),
            ("a\rb\nc\td\u{8}", "a\\u{d}b\\u{a}c\\u{9}d\\u{8}"),
            ("pay \u{202e}evil\u{2066}", "pay \\u{202e}evil\\u{2066}"),
            ("zero\u{200b}width\u{feff}\u{2060}\u{ad}", "zero\\u{200b}width\\u{feff}\\u{2060}\\u{ad}"),
            ("blank\u{3164}\u{2800}\u{115f}", "blank\\u{3164}\\u{2800}\\u{115f}"),
            ("tag\u{e0041}\u{e007f}", "tag\\u{e0041}\\u{e007f}"),
            ("line\u{2028}para\u{2029}nbsp\u{a0}", "line\\u{2028}para\\u{2029}nbsp\\u{a0}"),
            ("private\u{e000}\u{10ffff}", "private\\u{e000}\\u{10ffff}"),
            ("pile\u{301}\u{301}", "pile\\u{301}\\u{301}"),
        ] {
            assert_eq!(text(foreign), expected);
        }
    }

    #[test]
    fn strings_are_told_from_what_they_quote() {
        assert_eq!(string("a\"b\\u{1b}\n\u{1b}"), r#""a\"b\\u{1b}\n\u{1b}""#);
    }

    #[test]
    fn names_that_could_pass_for_others_are_followed_by_their_codes() {
        assert_eq!(name("post_message"), "post_message");
        assert_eq!(name("p\u{43e}st"), "p\u{43e}st (that is p\\u{43e}st)");
        assert_eq!(name("post\u{200b}"), "post\\u{200b}");
    }

    #[test]
    fn words_of_more_than_one_alphabet_are_told() {
        assert_eq!(
            mixed("write to \u{430}dmin@bank.com, Grüße, привет, 日本語カナ"),
            ["\u{430}dmin is \\u{430}dmin"]
        );
    }
}
