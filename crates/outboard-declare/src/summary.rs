//! The purpose of a tool in one line: the first sentence of its description.
//! Used by declarations and listings; it does not escape for a place in source (see `text`).

use crate::text::{cut, fold};

/// Longest summary, in characters.
pub const LONGEST_SUMMARY: usize = 160;

/// How much of a description is looked at.
const LOOKED_AT: usize = 2_000;

/// The first sentence of a description, folded into one line without its full stop and cut at 160
/// characters; `None` if it says nothing.
///
/// A sentence ends at a full stop, question or exclamation mark before a space, at an empty line and before a
/// list or heading; common abbreviations do not end it.
///
/// ```
/// use outboard_declare::summary::first_sentence;
/// let description = "List files, e.g. logs.\n\nUse with care.";
/// assert_eq!(first_sentence(description).as_deref(), Some("List files, e.g. logs"));
/// ```
pub fn first_sentence(description: &str) -> Option<String> {
    let start: String = description.chars().take(LOOKED_AT).collect();
    let mut paragraph = String::new();
    for line in start.lines() {
        let line = line.trim();
        let line = line.trim_start_matches('#').trim_start();
        let ends_before = paragraph.ends_with(':') || starts_item(line) || is_heading(line);
        if !paragraph.is_empty() && (line.is_empty() || ends_before) {
            break;
        }
        paragraph.push(' ');
        paragraph.push_str(line);
        paragraph = fold(&paragraph);
    }
    let sentence = sentence(&paragraph).trim_end_matches(['.', ':', ' ', '。']);
    (!sentence.is_empty()).then(|| cut(sentence, LONGEST_SUMMARY))
}

/// `Args:` and its like on a line of their own.
fn is_heading(line: &str) -> bool {
    line.ends_with(':') && line.len() <= 30 && line.starts_with(char::is_uppercase)
}

fn starts_item(line: &str) -> bool {
    line.starts_with(['-', '*', '•', '<', '|', '`'])
        || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(". ")
}

fn sentence(paragraph: &str) -> &str {
    let mut characters = paragraph.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let end = at + c.len_utf8();
        if matches!(c, '。' | '！' | '？') {
            return &paragraph[..end];
        }
        let followed_by_space = matches!(characters.peek(), Some((_, ' ')));
        if matches!(c, '.' | '!' | '?') && followed_by_space && !goes_on(&paragraph[..at], &paragraph[end..])
        {
            return &paragraph[..end];
        }
    }
    paragraph
}

/// Whether the full stop between the two belongs to an abbreviation rather than ending a sentence.
fn goes_on(before: &str, after: &str) -> bool {
    const ABBREVIATIONS: [&str; 9] = ["e.g", "i.e", "eg", "ie", "etc", "vs", "cf", "incl", "no"];
    let word = before.rsplit([' ', '(', '[', '"']).next().unwrap_or_default();
    let lower_next = after.trim_start().starts_with(char::is_lowercase);
    ABBREVIATIONS[..4].iter().any(|a| word.eq_ignore_ascii_case(a))
        || (lower_next && ABBREVIATIONS.iter().any(|a| word.eq_ignore_ascii_case(a)))
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn first_sentences_are_found() {
        let cases = [
            ("", None),
            (" \n\u{200b} ", None),
            ("Get pages.", Some("Get pages")),
            ("Get pages", Some("Get pages")),
            ("Get v1.2 pages. More.", Some("Get v1.2 pages")),
            ("Wow! Really.", Some("Wow!")),
            ("Files, e.g. Logs. More.", Some("Files, e.g. Logs")),
            ("Files, logs etc. and more. End.", Some("Files, logs etc. and more")),
            ("Files, logs etc. End.", Some("Files, logs etc")),
            ("# Title\n\nBody.", Some("Title")),
            ("Wrapped\n  line.\nNext.", Some("Wrapped line")),
            ("List things:\n- one\n- two", Some("List things")),
            ("Do it\n1. first", Some("Do it")),
            ("Do it\nArgs:\n    x: what", Some("Do it")),
            ("Args:", Some("Args")),
            ("获取页面。更多。", Some("获取页面")),
            ("```\ncode\n```", Some("``` code")),
        ];
        for (description, expected) in cases {
            assert_eq!(first_sentence(description).as_deref(), expected, "for {description:?}");
        }
    }

    #[test]
    fn a_sentence_without_end_is_cut() {
        let summary = first_sentence(&"word ".repeat(100_000)).unwrap();
        assert!(summary.chars().count() <= super::LONGEST_SUMMARY, "{summary}");
        assert!(summary.ends_with('…'));
    }
}
