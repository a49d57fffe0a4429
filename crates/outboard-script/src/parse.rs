//! Parses a cleaned script with oxc and says its syntax errors in plain words.
//!
//! Talks to `finding`. Runs on a thread whose stack `limits` has sized; it bounds nothing itself.

use crate::finding::Findings;
use oxc_allocator::Allocator;
use oxc_ast::ast::{Expression, Program, Statement};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_span::SourceType;

/// Put before a text that is an expression and would not be one at the start of a statement.
pub(crate) const EXPRESSION_PREFIX: &str = "x=";

/// A syntax tree without errors.
pub(crate) struct Parsed<'a> {
    pub(crate) program: Program<'a>,
    /// The text is one expression, parsed behind [`EXPRESSION_PREFIX`]; spans are that much too far right.
    pub(crate) as_expression: bool,
}

/// Parses `text`, which must outlive the tree together with `prefixed`, the same text behind the prefix.
pub(crate) fn parse<'a>(
    allocator: &'a Allocator,
    text: &'a str,
    prefixed: &'a str,
    findings: &mut Findings<'_>,
) -> Option<Parsed<'a>> {
    let code = code_start(text);
    // `{ a: 1 }` is a block to the grammar and an object to whoever wrote it.
    if code.starts_with('{')
        && let Some(parsed) = parse_expression(allocator, prefixed)
    {
        return Some(parsed);
    }
    let statements = parse_module(allocator, text);
    if !statements.panicked && statements.diagnostics.is_empty() {
        return Some(Parsed { program: statements.program, as_expression: false });
    }
    // A function without a name is no statement.
    if (code.starts_with("function") || code.starts_with("async") || code.starts_with("class"))
        && let Some(parsed) = parse_expression(allocator, prefixed)
    {
        return Some(parsed);
    }
    explain(text, &statements, findings);
    None
}

fn parse_module<'a>(allocator: &'a Allocator, text: &'a str) -> ParserReturn<'a> {
    let options = ParseOptions { allow_return_outside_function: true, ..ParseOptions::default() };
    Parser::new(allocator, text, SourceType::ts().with_module(true)).with_options(options).parse()
}

fn parse_expression<'a>(allocator: &'a Allocator, prefixed: &'a str) -> Option<Parsed<'a>> {
    let ParserReturn { program, diagnostics, panicked, .. } = parse_module(allocator, prefixed);
    let [Statement::ExpressionStatement(statement), rest @ ..] = program.body.as_slice() else { return None };
    let Expression::AssignmentExpression(assignment) = &statement.expression else { return None };
    let wanted = match assignment.right.get_inner_expression() {
        Expression::ObjectExpression(_)
        | Expression::FunctionExpression(_)
        | Expression::ClassExpression(_) => assignment.span.start == 0,
        _ => false,
    };
    let whole = rest.iter().all(|statement| matches!(statement, Statement::EmptyStatement(_)));
    let sound = !panicked && diagnostics.is_empty() && program.directives.is_empty();
    (wanted && whole && sound).then_some(Parsed { program, as_expression: true })
}

/// The text from its first token on.
pub(crate) fn code_start(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        rest = if let Some(comment) = rest.strip_prefix("//") {
            comment.find('\n').map_or("", |end| &comment[end..])
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").map_or("", |end| &comment[end + 2..])
        } else {
            return rest;
        }
        .trim_start();
    }
}

fn explain(text: &str, parsed: &ParserReturn<'_>, findings: &mut Findings<'_>) {
    for diagnostic in &parsed.diagnostics {
        let mut labels = diagnostic.labels.iter();
        let main = labels.clone().find(|label| label.primary()).or_else(|| labels.next());
        let (start, end) = main.map_or((0, 0), |label| (label.span().start, label.span().end));
        let opened = diagnostic.labels.iter().find(|label| label.label() == Some("Opened here"));
        let (start, end, mut explanation) = in_plain_words(text, &diagnostic.message, start, end);
        if let Some(label) = opened {
            let place = findings.position(label.span().start);
            explanation.hint =
                Some(format!("`{}` was opened at {place}", token_at(text, label.span().start)));
        }
        let hint = explanation
            .hint
            .or_else(|| diagnostic.help.as_ref().map(|help| lowercase_first(help)))
            .filter(|_| !explanation.at_end || opened.is_some())
            .or_else(|| explanation.at_end.then(|| "the end of the script may have been cut off".to_owned()));
        findings.add(start, end, explanation.message, foreign_hint(text, start).or(hint));
    }
    if findings.is_empty() {
        findings.add(0, 0, "this is not a script that can be read", None);
    }
}

struct Explanation {
    message: String,
    hint: Option<String>,
    at_end: bool,
}

/// What oxc's `message` about `start..end` means, and the span to show it at.
fn in_plain_words(text: &str, message: &str, start: u32, end: u32) -> (u32, u32, Explanation) {
    let next = next_token(text, start);
    let at_end = text[next as usize..].is_empty();
    let found =
        if at_end { "the end of the script".to_owned() } else { format!("`{}`", token_at(text, next)) };
    let word = |message: &str, hint: &str| {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        (start, end, Explanation { message: message.to_owned(), hint, at_end: false })
    };
    if let Some(wanted) = message.strip_prefix("Expected ").and_then(|rest| rest.split_once(" but found ")) {
        let message = format!("expected {}, found {found}", wanted.0);
        return (start, end, Explanation { message, hint: None, at_end });
    }
    if message.starts_with("Expected a semicolon") {
        let message = format!("expected `;` or a line break before {found}");
        let end = next + u32::try_from(token_at(text, next).len()).unwrap_or(0);
        return (next, end, Explanation { message, hint: None, at_end: false });
    }
    match message {
        "Unexpected token" => {
            (start, end, Explanation { message: format!("unexpected {found}"), hint: None, at_end })
        }
        "Unterminated string" if text[start as usize..].starts_with('`') => {
            word("this template literal is never closed", "close it with a backtick")
        }
        "Unterminated string" => word(
            "this string is not closed on its line",
            "close the quote, write a line break as `\\n`, or use a template literal",
        ),
        "Unterminated regular expression" => {
            word("this regular expression is not closed on its line", "close it with `/`")
        }
        _ if message.starts_with("Invalid Character") => {
            let character = text[start as usize..].chars().next().unwrap_or(' ');
            let hint = match character {
                '“' | '”' | '‘' | '’' => "use straight quotes: ' or \"",
                '#' => "comments start with `//`",
                _ => "",
            };
            word(&format!("unexpected character `{character}`"), hint)
        }
        _ if message.starts_with("`await` is only allowed") => word(
            "`await` inside of a function that is not async",
            "write `async` before the enclosing function",
        ),
        _ => word(&lowercase_first(message), ""),
    }
}

/// A hint for texts that are something else than a script altogether.
fn foreign_hint(text: &str, start: u32) -> Option<String> {
    let python = |line: &str| {
        let line = line.trim_start();
        let begins = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
        begins(&["def ", "async def ", "elif ", "except ", "except:", "print "])
            || (begins(&["import ", "from "]) && !line.contains(['"', '\'', '{']))
    };
    if text[start as usize..].starts_with("\\n") {
        return Some("the script holds the two characters `\\n` where a line break is meant".to_owned());
    }
    if text.lines().any(python) {
        return Some("this looks like Python; the script must be TypeScript or JavaScript".to_owned());
    }
    (text.contains("</") || text.contains("/>")).then(|| {
        "JSX and HTML are not part of the language here; build text with template literals".to_owned()
    })
}

/// Where the token at or after `start` begins.
fn next_token(text: &str, start: u32) -> u32 {
    let start = (start as usize).min(text.len());
    crate::position::to_u32(text.len() - code_start(&text[start..]).len())
}

/// The word or the one character at `start`, shortened.
fn token_at(text: &str, start: u32) -> String {
    let rest = text.get(start as usize..).unwrap_or_default();
    let word = rest
        .chars()
        .take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$'))
        .take(40)
        .collect::<String>();
    if word.is_empty() { rest.chars().take(1).collect() } else { word }
}

fn lowercase_first(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_ascii_lowercase());
    // Abbreviations keep their case.
    if chars.clone().next().is_some_and(char::is_uppercase) {
        return message.to_owned();
    }
    first.into_iter().chain(chars).collect()
}
