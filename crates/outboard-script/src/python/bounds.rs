//! Bounds what the Python parser can be asked to do: how deep its tree may become.
//!
//! The parser enlarges its own stack, without an end; visiting and dropping its tree recurse on ours. Its own lexer
//! does the counting, so that both see the same tokens. It does not decide whether a script is well-formed.

use crate::finding::Findings;
use crate::position::{PositionMap, to_u32};
use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

/// Brackets and interpolated strings inside of one another; CPython itself takes 200 brackets.
const MAX_NESTING: usize = 200;
/// Tokens in one stretch without a comma, `;` or new line of code.
const MAX_STRETCH: usize = 20_000;

/// Stack that any script may need: statements nested as deeply as a script of a megabyte can, and `MAX_NESTING`.
const BASE_STACK: usize = 8 << 20;
/// Stack for one token of a stretch.
const STRETCH_STACK: usize = 2_560;

/// Checks a `program` against the bounds and tells how much stack parsing and visiting it takes; `None` when a
/// finding says why it will not be parsed.
pub(super) fn stack_for(
    program: &str,
    positions: &PositionMap,
    findings: &mut Findings<'_>,
) -> Option<usize> {
    let (nesting, stretch) = measure(program);
    let (at, message, hint) = if nesting > MAX_NESTING {
        (
            first(program, |(nesting, _)| nesting > MAX_NESTING),
            format!("nested more than {MAX_NESTING} levels deep"),
            "build deep values in steps, with variables",
        )
    } else if stretch > MAX_STRETCH {
        (
            first(program, |(_, stretch)| stretch > MAX_STRETCH),
            format!("more than {MAX_STRETCH} operators in one statement"),
            "split it, or put the data into a list and loop",
        )
    } else {
        return Some(BASE_STACK + stretch * STRETCH_STACK);
    };
    let at = positions.copied_from(to_u32(at)).unwrap_or_default();
    findings.add(at, at + 1, message, Some(hint.to_owned()));
    None
}

/// The byte at which the text first measures too much. The measure of a longer text is never smaller.
fn first(program: &str, exceeds: impl Fn((usize, usize)) -> bool) -> usize {
    let (mut fits, mut too_long) = (0, program.len());
    while fits + 1 < too_long {
        let middle = program.floor_char_boundary(usize::midpoint(fits, too_long));
        if middle <= fits {
            break;
        }
        if exceeds(measure(&program[..middle])) {
            too_long = middle;
        } else {
            fits = middle;
        }
    }
    fits
}

/// The deepest nesting, and the most tokens that may stand in one another.
fn measure(program: &str) -> (usize, usize) {
    let mut lexer = lexer::lex(program, Mode::Module);
    let mut open = vec![Open { closer: TokenKind::EndOfFile, tokens: 0 }];
    let (mut nesting, mut stretch, mut tokens) = (0, 0, 0_usize);
    loop {
        let kind = lexer.next_token();
        let last = open.len() - 1;
        match kind {
            TokenKind::EndOfFile => return (nesting, stretch),
            TokenKind::Comment | TokenKind::NonLogicalNewline => continue,
            TokenKind::Newline => {
                // What is still open here was closed wrongly, and may be open to the parser.
                open.iter_mut().for_each(|open| open.tokens = 0);
                tokens = 0;
            }
            TokenKind::Comma | TokenKind::Semi => {
                tokens -= open[last].tokens;
                open[last].tokens = 0;
            }
            _ if last > 0 && kind == open[last].closer => {
                tokens -= open[last].tokens;
                open.pop();
            }
            _ => {
                open[last].tokens += 1;
                tokens += 1;
                if let Some(closer) = closer(kind) {
                    open.push(Open { closer, tokens: 0 });
                }
            }
        }
        nesting = nesting.max(open.len() - 1);
        stretch = stretch.max(tokens);
    }
}

/// Something open, and the tokens in it since the last comma.
struct Open {
    closer: TokenKind,
    tokens: usize,
}

fn closer(opener: TokenKind) -> Option<TokenKind> {
    Some(match opener {
        TokenKind::Lpar => TokenKind::Rpar,
        TokenKind::Lsqb => TokenKind::Rsqb,
        TokenKind::Lbrace => TokenKind::Rbrace,
        TokenKind::FStringStart => TokenKind::FStringEnd,
        TokenKind::TStringStart => TokenKind::TStringEnd,
        _ => return None,
    })
}
