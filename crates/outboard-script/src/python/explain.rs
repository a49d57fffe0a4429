//! Says the Python parser's errors in plain words, with what was found and what to try.
//!
//! Talks to `finding`. It parses nothing; messages that it does not know are passed on as they are.

use crate::finding::{Findings, MAX_FINDINGS};
use crate::position::{PositionMap, to_u32};
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{InterpolatedStringErrorType, LexicalErrorType, ParseError, ParseErrorType};

/// Adds a finding for each syntax error of `program`, in source order.
pub(super) fn explain(
    program: &str,
    positions: &PositionMap,
    errors: &[ParseError],
    findings: &mut Findings<'_>,
) {
    let mut errors = errors.iter().collect::<Vec<_>>();
    errors.sort_by_key(|error| error.location.start());
    follow_ups_left_out(program, &mut errors);
    for error in errors.iter().take(MAX_FINDINGS) {
        let (start, end) = (error.location.start().to_u32(), error.location.end().to_u32());
        let Said { message, hint, start, end } = in_plain_words(program, &error.error, start, end);
        let place = |at: u32| positions.copied_from(at.min(to_u32(program.len())));
        let start = place(start).or_else(|| place(start.saturating_sub(1))).unwrap_or_default();
        findings.add(start, place(end).unwrap_or(start).max(start), message, hint);
    }
    findings.leave_out(errors.len().saturating_sub(MAX_FINDINGS));
}

/// What the parser finds later on a line, or at the end of the script, mostly follows from what it found first.
fn follow_ups_left_out(program: &str, errors: &mut Vec<&ParseError>) {
    let end = program.trim_end().len();
    let mut last: Option<usize> = None;
    errors.retain(|error| {
        let at = error.location.start().to_usize().min(program.len());
        let follows = last.is_some_and(|last| at >= end || !program[last..at].contains('\n'));
        if !follows {
            last = Some(at);
        }
        !follows
    });
}

struct Said {
    message: String,
    hint: Option<String>,
    start: u32,
    end: u32,
}

/// What `error` about `start..end` means.
fn in_plain_words(program: &str, error: &ParseErrorType, start: u32, end: u32) -> Said {
    let say = |message: &str, hint: Option<&str>| Said {
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
        start,
        end,
    };
    let found = found(program, start);
    let cut_off = found.is_empty().then_some("the script may have been cut off");
    let found = if found.is_empty() { "the end of the script".to_owned() } else { found };
    match error {
        ParseErrorType::ExpectedToken { expected, .. } => expected_token(program, *expected, &found, &say),
        ParseErrorType::ExpectedExpression => match found.as_str() {
            "the end of the line" => say("an expression is missing at the end of the line", None),
            _ => say(&format!("expected an expression, found {found}"), cut_off),
        },
        ParseErrorType::SimpleStatementsOnSameLine | ParseErrorType::UnexpectedExpressionToken => {
            let word = previous_word(program, start);
            match word {
                "print" | "exec" => say(
                    &format!("unexpected {found}"),
                    Some(&format!("`{word}` is a function: put its arguments in parentheses")),
                ),
                _ => say(&format!("expected the end of the statement, found {found}"), typescript(program)),
            }
        }
        ParseErrorType::UnexpectedIndentation => {
            say("unexpected indentation", Some("indent a line only below one that ends with `:`"))
        }
        ParseErrorType::OtherError(message) if message.starts_with("Expected an indented block") => {
            let statement = message.trim_start_matches("Expected an indented block after ");
            say(
                &format!("expected an indented block after {statement}"),
                Some("indent it; write `pass` for none"),
            )
        }
        ParseErrorType::OtherError(message) if message == "Expected a statement" => {
            let closes = matches!(found.as_str(), "`)`" | "`]`" | "`}`");
            let hint =
                if closes { Some("there is nothing open that it could close") } else { typescript(program) };
            say(&format!("unexpected {found}"), hint)
        }
        ParseErrorType::OtherError(message) => say(&lowercase_first(message), typescript(program)),
        ParseErrorType::Lexical(error) => lexical(program, error, &say, end),
        ParseErrorType::FStringError(error) | ParseErrorType::TStringError(error) => {
            interpolated(error, &say)
        }
        ParseErrorType::InvalidAssignmentTarget => say(
            "this cannot be assigned to",
            Some("compare with `==`; assign to a name, an attribute or an element"),
        ),
        other => say(&lowercase_first(&other.to_string()), None),
    }
}

fn expected_token(
    program: &str,
    expected: TokenKind,
    found: &str,
    say: &impl Fn(&str, Option<&str>) -> Said,
) -> Said {
    let wanted = match expected {
        TokenKind::Name => "a name".to_owned(),
        TokenKind::Newline => "the end of the line".to_owned(),
        TokenKind::Indent => "an indented block".to_owned(),
        kind => format!("`{}`", kind.to_string().trim_matches(['\'', '`'])),
    };
    let hint = match (expected, found) {
        (TokenKind::Colon, "`{`") => Some("blocks begin with `:` and are indented; there are no braces"),
        (_, "the end of the script") => Some("the script may have been cut off"),
        _ => typescript(program),
    };
    say(&format!("expected {wanted}, found {found}"), hint)
}

fn lexical(
    program: &str,
    error: &LexicalErrorType,
    say: &impl Fn(&str, Option<&str>) -> Said,
    end: u32,
) -> Said {
    match error {
        LexicalErrorType::UnclosedStringError => say(
            "this string is not closed on its line",
            Some("close the quote; write a line break as `\\n`, or use three quotes"),
        ),
        LexicalErrorType::IndentationError => say(
            "this indentation fits no line above it",
            Some("indent with the same number of spaces as the block that the line belongs to"),
        ),
        LexicalErrorType::LineContinuationError => {
            let hint = program
                .get(end as usize..)
                .unwrap_or_default()
                .starts_with('n')
                .then_some("the script holds the two characters `\\n` where a line break is meant");
            say("unexpected `\\`", hint)
        }
        LexicalErrorType::UnrecognizedToken { tok } => {
            let hint = match tok {
                '“' | '”' | '‘' | '’' => Some("use straight quotes: ' or \""),
                '$' | '`' => typescript(program),
                _ => None,
            };
            say(&format!("unexpected character `{}`", visible(&tok.to_string())), hint)
        }
        LexicalErrorType::FStringError(error) | LexicalErrorType::TStringError(error) => {
            interpolated(error, say)
        }
        LexicalErrorType::UnicodeError => say(
            "an escape in this string is incomplete",
            Some("write a backslash as `\\\\`, or put `r` before the quote"),
        ),
        LexicalErrorType::Eof => say(
            "the script ends inside of something that is still open",
            Some("close it; the script may have been cut off"),
        ),
        other => say(&lowercase_first(&other.to_string()), None),
    }
}

fn interpolated(error: &InterpolatedStringErrorType, say: &impl Fn(&str, Option<&str>) -> Said) -> Said {
    match error {
        InterpolatedStringErrorType::SingleRbrace => {
            say("a single `}` in a formatted string", Some("write it as `}}`"))
        }
        InterpolatedStringErrorType::UnclosedLbrace => {
            say("a `{` in a formatted string is not closed", Some("close it, or write it as `{{`"))
        }
        InterpolatedStringErrorType::UnterminatedString => say(
            "this string is not closed on its line",
            Some("close the quote; write a line break as `\\n`, or use three quotes"),
        ),
        other => say(&format!("in a formatted string: {}", lowercase_first(&other.to_string())), None),
    }
}

/// A hint for texts that are TypeScript throughout.
fn typescript(program: &str) -> Option<&'static str> {
    use crate::recognise::Evidence;
    let is_typescript = Evidence::of(program).language() == Some(crate::Language::TypeScript);
    is_typescript.then_some("this looks like TypeScript; give `typescript` as the language, or leave it out")
}

/// The word or character at `start` in backticks; what it is, for a line's end; nothing at the script's.
fn found(program: &str, start: u32) -> String {
    let rest = program.get(start as usize..).unwrap_or_default();
    if rest.trim().is_empty() {
        return String::new();
    }
    let rest = rest.trim_start_matches([' ', '\t']);
    if rest.starts_with(['\n', '\r', '#']) {
        return "the end of the line".to_owned();
    }
    let word = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').take(40).collect::<String>();
    let shown = if word.is_empty() { rest.chars().take(1).collect() } else { word };
    format!("`{}`", visible(&shown))
}

fn visible(text: &str) -> String {
    let escaped = |c: char| if c.is_control() { c.escape_debug().to_string() } else { c.to_string() };
    text.chars().map(escaped).collect()
}

/// The word that ends before `start`.
fn previous_word(program: &str, start: u32) -> &str {
    let before = program.get(..start as usize).unwrap_or_default().trim_end_matches([' ', '\t']);
    before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
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
