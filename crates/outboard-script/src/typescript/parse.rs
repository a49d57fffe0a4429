//! Parses a cleaned script with oxc and says its syntax errors in plain words.
//!
//! Talks to `finding`. Runs on a thread whose stack `limits` has sized; it bounds nothing itself.

mod explain;

use crate::finding::Findings;
use oxc_allocator::Allocator;
use oxc_ast::ast::{Expression, Program, Statement};
use oxc_parser::{ParseOptions, Parser, ParserReturn};
use oxc_span::{SourceType, Span};

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
    let sound = !statements.panicked && statements.diagnostics.is_empty();
    let nameless = statements.program.body.iter().find_map(nameless);
    if sound && nameless.is_none() {
        return Some(Parsed { program: statements.program, as_expression: false });
    }
    // A function without a name is no statement.
    if (code.starts_with("function") || code.starts_with("async") || code.starts_with("class"))
        && let Some(parsed) = parse_expression(allocator, prefixed)
    {
        return Some(parsed);
    }
    match nameless {
        Some(span) if sound => {
            let hint = "give it a name, or make it the whole script".to_owned();
            findings.add(span.start, span.end, "a declaration without a name", Some(hint));
        }
        _ => explain::explain(text, &statements, findings),
    }
    None
}

/// A declaration that lacks its name, which the parser lets pass in front of type parameters and line ends.
fn nameless(statement: &Statement<'_>) -> Option<Span> {
    match statement {
        Statement::FunctionDeclaration(function) if function.id.is_none() => Some(function.span),
        Statement::ClassDeclaration(class) if class.id.is_none() => Some(class.span),
        _ => None,
    }
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
