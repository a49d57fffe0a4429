//! Text of an upstream made fit to stand in Python source. What is the same in every language is `crate::text`'s.
//! It does not shorten.

use std::fmt::Write as _;

use crate::text::{fold, is_invisible};

/// Words that Python keeps for itself; soft keywords (`match`, `type`, `case`, `_`) are names like any other. Sorted.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def",
    "del", "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is",
    "lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Comments that begin with such a word and a colon speak to a program that reads source: a checker, a formatter. `noqa` and
/// `nosec` need no colon. Sorted.
const DIRECTIVES: [&str; 15] = [
    "coverage",
    "flake8",
    "fmt",
    "isort",
    "mypy",
    "noqa",
    "nosec",
    "pragma",
    "pylint",
    "pyre-fixme",
    "pyre-ignore",
    "pyright",
    "ruff",
    "ty",
    "type",
];

/// Whether a name can be a parameter, or a key in the body of a class. Beyond ASCII it cannot: Python folds such
/// names into another spelling. Nor can `__name`, which a class changes.
pub(super) fn is_plain(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with("__")
        && KEYWORDS.binary_search(&name).is_err()
}

/// A double-quoted literal that Python reads as exactly `text`.
pub fn literal(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if is_invisible(c) => {
                let code = u32::from(c);
                let written = if code > 0xFFFF {
                    write!(quoted, "\\U{code:08x}")
                } else {
                    write!(quoted, "\\u{code:04x}")
                };
                written.expect("writing to a string succeeds");
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// One line of text that can stand behind `#`: folded, unable to speak to a type checker. A word that would is quoted,
/// wherever a comment could be taken to begin; blanks before its colon would not keep every checker from listening.
pub(super) fn comment(text: &str) -> String {
    let text = fold(text);
    let mut safe = String::with_capacity(text.len());
    for (number, part) in text.split('#').enumerate() {
        if number > 0 {
            safe.push('#');
        }
        let said = part.trim_start();
        let length = said.find(|c: char| !c.is_ascii_alphanumeric() && c != '-').unwrap_or(said.len());
        let (word, rest) = said.split_at(length);
        if speaks(word, rest) {
            safe.push_str(&part[..part.len() - said.len()]);
            safe.extend(["'", word, "'", rest]);
        } else {
            safe.push_str(part);
        }
    }
    safe
}

/// Whether a comment that begins with this word is meant for a program.
fn speaks(word: &str, rest: &str) -> bool {
    let word = word.to_ascii_lowercase();
    let needs_none = word == "noqa" || word == "nosec";
    DIRECTIVES.binary_search(&word.as_str()).is_ok()
        && (needs_none || rest.trim_start().starts_with([':', '[']))
}

/// One line of text that can stand on a line of its own between three quotes: folded, unable to end them, and no example
/// that `doctest` would run.
pub(super) fn docstring(text: &str) -> String {
    let mut text = fold(text).replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    if text.starts_with(">>>") {
        text.insert(2, ' ');
    }
    text
}

/// A whole docstring of one line.
pub fn in_three_quotes(text: &str) -> String {
    let mut text = docstring(text);
    // The last three may be escaped already.
    let before = text.strip_suffix('"').map(|start| start.len() - start.trim_end_matches('\\').len());
    if before.is_some_and(|backslashes| backslashes % 2 == 0) {
        text.insert(text.len() - 1, '\\');
    }
    format!("\"\"\"{text}\"\"\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain_if_python_takes_them_as_they_are() {
        assert!(KEYWORDS.is_sorted());
        for name in ["page", "_", "type", "match", "x2", "default", "delete"] {
            assert!(is_plain(name), "{name}");
        }
        for name in ["from", "class", "None", "x-loc", "2x", "", "é", "__typename", "a b"] {
            assert!(!is_plain(name), "{name}");
        }
    }

    #[test]
    fn upstream_text_stays_inside_of_its_place() {
        for (text, expected) in [
            ("plain", "\"plain\""),
            ("a\"\\\n\u{2028}\u{202e}é", "\"a\\\"\\\\\\n\\u2028\\u202eé\""),
            ("\u{e0041}😀", "\"\\U000e0041😀\""),
        ] {
            assert_eq!(literal(text), expected);
        }
        for (text, expected) in [
            ("a\nb\u{2029}c\rimport os", "a b c import os"),
            ("type: ignore", "'type': ignore"),
            ("type \t : ignore", "'type' : ignore"),
            ("so # type: ignore", "so # 'type': ignore"),
            ("so ## #ty : ignore", "so ## #'ty' : ignore"),
            ("the type: one of", "the type: one of"),
            ("types: one of", "types: one of"),
            ("type", "type"),
            ("Pyright: basic", "'Pyright': basic"),
            ("pyre-ignore[7]", "'pyre-ignore'[7]"),
            ("noqa", "'noqa'"),
        ] {
            assert_eq!(comment(text), expected);
        }
        for (text, expected) in [
            ("say \"hi\"", r#"say "hi\""#),
            ("\"\"\"\nimport os", r#"\"\"\" import os"#),
            ("\"\"\"\"", r#"\"\"\"\""#),
            ("say \"\"\"", r#"say \"\"\""#),
            ("say \\\"", r#"say \\\""#),
            ("back\\", r"back\\"),
            (">>> f()", ">> > f()"),
            ("\u{200b}\n >>>> f()", ">> >> f()"),
            ("back\\\"", r#"back\\\""#),
        ] {
            assert_eq!(in_three_quotes(text), format!("\"\"\"{expected}\"\"\""));
        }
    }
}
