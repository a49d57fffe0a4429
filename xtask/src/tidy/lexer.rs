//! Splits Rust source into the tokens that the rules look at, so that strings and comments fool none of them.
//! Talks to nothing. Does not check the grammar: what rustc would refuse is split somehow, never refused.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identifier or a keyword; raw ones without their `r#`.
    Word,
    /// One character of punctuation.
    Mark,
    /// A string, character or number.
    Literal,
    /// A lifetime or a loop label.
    Lifetime,
    /// A comment of any sort, with its slashes.
    Comment,
}

/// One token and the line (from 1) it starts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) kind: Kind,
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

/// Splits `source`; whitespace is left out.
pub(crate) fn lex(source: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut rest, mut line) = (Vec::new(), source, 1);
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            line += usize::from(first == '\n');
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (kind, length) = measure(rest, first);
        let (text, after) = rest.split_at(length);
        let shown = if kind == Kind::Word { text.strip_prefix("r#").unwrap_or(text) } else { text };
        tokens.push(Token { kind, text: shown, line });
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

/// The kind and the length in bytes of the token that `rest` starts with.
fn measure(rest: &str, first: char) -> (Kind, usize) {
    if rest.starts_with("//") {
        return (Kind::Comment, rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return (Kind::Comment, block_comment(rest));
    }
    if let Some(length) = string(rest) {
        return (Kind::Literal, length);
    }
    if first == '\'' {
        return character_or_lifetime(rest);
    }
    if first.is_ascii_digit() {
        return (Kind::Literal, number(rest));
    }
    let raw = if rest.starts_with("r#") { 2 } else { 0 };
    match word(&rest[raw..]) {
        0 => (Kind::Mark, first.len_utf8()),
        length => (Kind::Word, raw + length),
    }
}

fn word(rest: &str) -> usize {
    if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return 0;
    }
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

fn number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut end = 1;
    while end < bytes.len() {
        let point = bytes[end] == b'.' && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        if !point && !bytes[end].is_ascii_alphanumeric() && bytes[end] != b'_' {
            break;
        }
        end += 1;
    }
    end
}

/// Block comments nest.
fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of a string literal of any sort, if `rest` starts with one.
fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| {
            let body = if prefix.ends_with('r') { after.trim_start_matches('#') } else { after };
            body.starts_with('"')
        })
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.find('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let body = prefix.len() + hashes + 1;
        return Some(rest[body..].find(&close).map_or(rest.len(), |at| body + at + close.len()));
    }
    Some(prefix.len() + escaped(after, b'"'))
}

/// The length of `quote … quote`, with backslashes taking the next character along.
fn escaped(rest: &str, quote: u8) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn character_or_lifetime(rest: &str) -> (Kind, usize) {
    let mut after = rest[1..].chars();
    match (after.next(), after.next()) {
        (Some('\\'), _) => (Kind::Literal, escaped(rest, b'\'')),
        (Some(one), Some('\'')) => (Kind::Literal, one.len_utf8() + 2),
        _ => (Kind::Lifetime, 1 + word(&rest[1..])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sort_of_token_is_told_apart() {
        use Kind::{Comment, Lifetime, Literal, Mark, Word};
        let cases: &[(&str, &[(Kind, &str)])] = &[
            ("a.unwrap()", &[(Word, "a"), (Mark, "."), (Word, "unwrap"), (Mark, "("), (Mark, ")")]),
            (r#""println!(\"x\")" y"#, &[(Literal, r#""println!(\"x\")""#), (Word, "y")]),
            (r##"r#"a "quoted" b"# y"##, &[(Literal, r##"r#"a "quoted" b"#"##), (Word, "y")]),
            (r#"br"a\" b"c" c"d""#, &[(Literal, r#"br"a\""#), (Literal, r#"b"c""#), (Literal, r#"c"d""#)]),
            ("r#type", &[(Word, "type")]),
            ("// unsafe\nx", &[(Comment, "// unsafe"), (Word, "x")]),
            ("/* a /* b */ c */ x", &[(Comment, "/* a /* b */ c */"), (Word, "x")]),
            (
                r"'\'' 'x' 'é' 'life",
                &[(Literal, r"'\''"), (Literal, "'x'"), (Literal, "'é'"), (Lifetime, "'life")],
            ),
            (
                "0.1.x 1..2 0xff_u8",
                &[
                    (Literal, "0.1"),
                    (Mark, "."),
                    (Word, "x"),
                    (Literal, "1"),
                    (Mark, "."),
                    (Mark, "."),
                    (Literal, "2"),
                    (Literal, "0xff_u8"),
                ],
            ),
            ("\"never closed", &[(Literal, "\"never closed")]),
        ];
        for (source, expected) in cases {
            let found: Vec<_> = lex(source).iter().map(|token| (token.kind, token.text)).collect();
            assert_eq!(found, *expected, "{source}");
        }
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let lines: Vec<_> = lex("\"a\nb\" c /* d\n\n */ e\nf").iter().map(|token| token.line).collect();
        assert_eq!(lines, [1, 2, 2, 4, 5]);
    }

    #[test]
    fn any_prefix_of_any_source_is_split_without_a_panic() {
        let source = "fn é() { let s = br#\"x\"#; 'a: loop { '\\u{1F600}'; /* ü */ } } // ñ";
        for end in (0..=source.len()).filter(|end| source.is_char_boundary(*end)) {
            let length: usize = lex(&source[..end]).iter().map(|token| token.text.len()).sum();
            assert!(length <= end);
        }
    }
}
