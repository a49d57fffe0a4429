//! Declarations as models see them: tables of schemas and texts, hostile schemas, and real catalogues.
//! Talks to the public interface alone; it starts no type checker.

mod catalogs;
mod full;
mod hostile;
mod namespaces;
mod observed;
mod python;
mod reading;
mod signatures;

use outboard_declare::typescript::{Declaration, Detail, ToolShape, declare_tool};
use serde_json::Value;

/// Declares `ns.tool` with this input and output.
fn declare(input: Option<&Value>, output: Option<&Value>, detail: Detail) -> Declaration {
    let tool =
        ToolShape { namespace: "ns", identifier: "tool", description: None, input, output, observed: false };
    declare_tool(&tool, detail)
}

/// What has to be true of every text of declarations, whatever it was made from.
#[track_caller]
fn assert_well_formed(text: &str) {
    assert!(!text.trim().is_empty(), "nothing declared");
    if let Some(c) = text.chars().find(|c| *c != '\n' && outboard_declare::text::is_invisible(*c)) {
        panic!("{c:?} in {text}");
    }
    let mut open = Vec::new();
    for c in apart(text).0.chars() {
        match c {
            '(' | '[' | '{' | '<' => open.push(c),
            ')' | ']' | '}' | '>' => {
                let pair = (open.pop(), c);
                let fits =
                    matches!(pair, (Some('('), ')') | (Some('['), ']') | (Some('{'), '}') | (Some('<'), '>'));
                assert!(fits, "{pair:?} in {text}");
            }
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?} left open in {text}");
}

/// The code of a text without its literals, and its comments.
fn apart(text: &str) -> (String, String) {
    let (mut code, mut comments) = (String::new(), String::new());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").expect("every comment ends") + 4
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if c == '"' {
            rest = &rest[string_length(rest)..];
            continue;
        } else {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        };
        comments.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    (code, comments)
}

/// The bytes of the literal that `text` starts with, both quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            '\n' => panic!("a literal goes over the line: {text}"),
            _ => {}
        }
    }
    panic!("a literal does not end: {text}");
}
