//! Says oxc's syntax errors in plain words, with what was found and what to try.
//!
//! Talks to `finding`. It parses nothing; messages that it does not know are passed on as they are.

use super::code_start;
use crate::Language;
use crate::finding::{Findings, MAX_FINDINGS};
use crate::position::to_u32;
use crate::recognise::Evidence;
use oxc_parser::ParserReturn;

/// Adds a finding for each syntax error of `text`, in source order.
pub(super) fn explain(text: &str, parsed: &ParserReturn<'_>, findings: &mut Findings<'_>) {
    let mut diagnostics = parsed.diagnostics.iter().collect::<Vec<_>>();
    diagnostics.sort_by_key(|diagnostic| diagnostic.labels.first().map_or(0, |label| label.span().start));
    let other_language = other_language(text);
    for diagnostic in diagnostics.iter().take(MAX_FINDINGS) {
        let main = diagnostic.labels.iter().find(|label| label.primary()).or(diagnostic.labels.first());
        let (start, end) = main.map_or((0, 0), |label| (label.span().start, label.span().end));
        if let Some(mark) = escaped_line_break(text, start) {
            let hint = "the script holds the two characters `\\n` where a line break is meant";
            findings.add(mark, mark + 2, "unexpected `\\`", Some(hint.to_owned()));
            return;
        }
        let mut said = in_plain_words(text, &diagnostic.message, start, end);
        if let Some(opened) = diagnostic.labels.iter().find(|label| label.label() == Some("Opened here")) {
            let at = opened.span().start;
            said.hint = Some(format!("`{}` was opened at {}", token_at(text, at), findings.position(at)));
        }
        let help = diagnostic.help.as_deref().and_then(|help| help.lines().next()).map(lowercase_first);
        let hint = other_language.map(str::to_owned).or(said.hint).or(help.filter(|_| said.use_help));
        findings.add(said.start, said.end, said.message, hint);
    }
    findings.leave_out(diagnostics.len().saturating_sub(MAX_FINDINGS));
    if findings.is_empty() {
        findings.add(0, 0, "this is not a script that can be read", None);
    }
}

struct Said {
    message: String,
    hint: Option<String>,
    /// Whether the parser's own advice says more than `message`.
    use_help: bool,
    start: u32,
    end: u32,
}

/// What `message` about `start..end` means.
fn in_plain_words(text: &str, message: &str, start: u32, end: u32) -> Said {
    // The parser may point into a character.
    let start = to_u32(text.floor_char_boundary(start as usize));
    let say = |message: String, hint: Option<&str>| Said {
        message,
        hint: hint.map(str::to_owned),
        use_help: false,
        start,
        end,
    };
    let before = &text[..start as usize];
    let next = to_u32(text.len() - code_start(&text[start as usize..]).len());
    let token = token_at(text, next);
    let (found, cut_off) = match token.as_str() {
        "" => ("the end of the script".to_owned(), Some("the script may have been cut off")),
        token => (format!("`{token}`"), None),
    };
    if message.starts_with("Expected a semicolon") {
        let said = match token.as_str() {
            ")" | "]" | "}" => {
                say(format!("unexpected {found}"), Some("there is nothing open that it could close"))
            }
            _ => say(format!("expected `;` or a line break before {found}"), None),
        };
        return Said { start: next, end: next + to_u32(token.len()), ..said };
    }
    if let Some((wanted, _)) =
        message.strip_prefix("Expected ").and_then(|rest| rest.split_once(" but found "))
    {
        return say(format!("expected {wanted}, found {found}"), cut_off);
    }
    match message {
        "Unexpected token" if token == ">" && before.ends_with('-') => {
            say("unexpected `->`".to_owned(), Some("arrow functions are written with `=>`"))
        }
        "Unexpected token" => say(format!("unexpected {found}"), cut_off),
        "Unterminated string" if text[start as usize..].starts_with('`') => {
            say("this template literal is never closed".to_owned(), Some("close it with a backtick"))
        }
        "Unterminated string" => say(
            "this string is not closed on its line".to_owned(),
            Some("close the quote; write a line break as `\\n`, or use a template literal"),
        ),
        "Unterminated regular expression" => {
            say("this regular expression is not closed on its line".to_owned(), Some("close it with `/`"))
        }
        _ if message.starts_with("Invalid Character") => {
            let character = text[start as usize..].chars().next().unwrap_or(' ');
            let hint = match character {
                '“' | '”' | '‘' | '’' => Some("use straight quotes: ' or \""),
                _ if before.ends_with('#') => Some("comments start with `//`"),
                _ => None,
            };
            say(format!("unexpected character `{character}`"), hint)
        }
        _ if message.starts_with("`await` is only allowed") => say(
            "`await` inside of a function that is not async".to_owned(),
            Some("write `async` before the enclosing function"),
        ),
        _ => Said { use_help: true, ..say(lowercase_first(message), None) },
    }
}

/// A hint for texts that are something else than TypeScript altogether.
fn other_language(text: &str) -> Option<&'static str> {
    if Evidence::of(text).language() == Some(Language::Python) {
        return Some("this looks like Python; give `python` as the language, or leave it out");
    }
    (text.contains("</") || text.contains("/>"))
        .then_some("JSX and HTML are not part of the language here; build text with template literals")
}

/// Where the backslash of a `\n` at `start`, or around it, stands.
fn escaped_line_break(text: &str, start: u32) -> Option<u32> {
    let from = |at: u32| text.get(at as usize..).filter(|rest| rest.starts_with("\\n")).map(|_| at);
    from(start).or_else(|| from(start.checked_sub(1)?))
}

/// The word or the one character at `start`, shortened.
fn token_at(text: &str, start: u32) -> String {
    let rest = text.get(start as usize..).unwrap_or_default();
    let belongs = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '$');
    let word = rest.chars().take_while(belongs).take(40).collect::<String>();
    if word.is_empty() { rest.chars().take(1).collect() } else { word }
}

fn lowercase_first(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    let first = chars.next();
    // Abbreviations keep their case.
    if chars.as_str().starts_with(char::is_uppercase) {
        return message.to_owned();
    }
    first.map(|c| c.to_ascii_lowercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_within_a_character_is_told() {
        for start in 0..=7 {
            let said = in_plain_words("a\u{2028}b;;", "Unexpected token", start, start);
            assert!(
                said.message.contains("unexpected") || said.message.contains("expected"),
                "{}",
                said.message
            );
        }
    }
}
