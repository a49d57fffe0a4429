//! One Rust file as the rules see it: its tokens, and which of them belong to tests.
//! Talks to the lexer. Reads no file itself and knows no rule.

use std::collections::HashSet;
use std::ops::Range;

use super::lexer::{Kind, Token, lex};

/// A Rust file and what its path and attributes say about it.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// The path from the workspace root, with `/`.
    pub(crate) path: &'a str,
    pub(crate) text: &'a str,
    /// The tokens without the comments.
    pub(crate) code: Vec<Token<'a>>,
    pub(crate) comments: Vec<Token<'a>>,
    /// Ranges of indices into `code` that are compiled for tests only.
    tests: Vec<Range<usize>>,
}

impl<'a> Source<'a> {
    /// Splits `text`. `test_only` says that another file declares this one under `#[cfg(test)]`.
    pub(crate) fn new(path: &'a str, text: &'a str, test_only: bool) -> Self {
        let (comments, code): (Vec<_>, Vec<_>) =
            lex(text).into_iter().partition(|token| token.kind == Kind::Comment);
        let whole = test_only || in_folder(path, "tests") || in_folder(path, "benches");
        let tests = if whole { vec![Range { start: 0, end: code.len() }] } else { test_items(&code) };
        Self { path, text, code, comments, tests }
    }

    /// Whether the token at `index` of `code` is compiled for tests only.
    pub(crate) fn is_test(&self, index: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&index))
    }

    /// Indices of the tokens that are compiled for more than tests.
    pub(crate) fn shipped(&self) -> impl Iterator<Item = usize> {
        (0..self.code.len()).filter(|index| !self.is_test(*index))
    }

    /// Whether the whole file is compiled for tests only.
    pub(crate) fn is_all_test(&self) -> bool {
        self.tests.iter().any(|range| range.len() == self.code.len())
    }

    /// The number of lines that belong to tests.
    pub(crate) fn test_lines(&self) -> usize {
        let line = |index: usize| self.code.get(index).map_or(0, |token| token.line);
        if self.is_all_test() {
            return self.text.lines().count();
        }
        self.tests.iter().map(|range| line(range.end - 1) + 1 - line(range.start)).sum()
    }

    /// Whether the tokens from `index` on read as `texts`.
    pub(crate) fn reads(&self, index: usize, texts: &[&str]) -> bool {
        texts.iter().enumerate().all(|(offset, text)| self.text_at(index + offset) == *text)
    }

    /// The text of the token at `index`, or nothing beyond the end.
    pub(crate) fn text_at(&self, index: usize) -> &'a str {
        self.code.get(index).map_or("", |token| token.text)
    }

    /// Paths, without `.rs`, of the modules that this file declares under `#[cfg(test)]` and keeps in files of their own.
    pub(crate) fn test_modules(&self) -> HashSet<String> {
        let stem = self.path.strip_suffix(".rs").unwrap_or(self.path);
        let folder = match stem.rsplit_once('/') {
            Some((folder, "lib" | "main")) => folder,
            _ => stem,
        };
        (0..self.code.len())
            .filter(|index| {
                self.is_test(*index) && self.text_at(*index) == "mod" && self.text_at(index + 2) == ";"
            })
            .map(|index| format!("{folder}/{}", self.text_at(index + 1)))
            .collect()
    }
}

/// Whether `path` lies below a folder called `name`.
pub(crate) fn in_folder(path: &str, name: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(folders, _)| folders.split('/').any(|folder| folder == name))
}

/// The ranges of items behind `#[test]`, `#[cfg(test)]` and their like.
fn test_items(code: &[Token<'_>]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let Some((inner, attribute)) = attribute(code, at) else {
            at += 1;
            continue;
        };
        if !is_test_attribute(&code[attribute.clone()]) {
            at = attribute.end + 1;
            continue;
        }
        if inner {
            return vec![Range { start: 0, end: code.len() }];
        }
        let end = item_end(code, attribute.end + 1);
        found.push(Range { start: at, end });
        at = end;
    }
    found
}

/// The attribute that starts at `at`: whether it is an inner one, and the range between its brackets.
pub(crate) fn attribute(code: &[Token<'_>], at: usize) -> Option<(bool, Range<usize>)> {
    let text = |index: usize| code.get(index).map_or("", |token| token.text);
    if text(at) != "#" {
        return None;
    }
    let inner = text(at + 1) == "!";
    let open = at + 1 + usize::from(inner);
    if text(open) != "[" {
        return None;
    }
    Some((inner, Range { start: open + 1, end: close(code, open) }))
}

/// The index of the bracket that closes the one at `open`, or the end.
fn close(code: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in code.iter().enumerate().skip(open) {
        match (token.kind, token.text) {
            (Kind::Mark, "(" | "[" | "{") => depth += 1,
            (Kind::Mark, ")" | "]" | "}") => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// One past the end of the item that starts at `at`: its closing brace, or its semicolon.
fn item_end(code: &[Token<'_>], mut at: usize) -> usize {
    while let Some(token) = code.get(at) {
        match (token.kind, token.text) {
            (Kind::Mark, ";") => return at + 1,
            (Kind::Mark, "{") => return (close(code, at) + 1).min(code.len()),
            (Kind::Mark, "(" | "[") => at = close(code, at) + 1,
            _ => at += 1,
        }
    }
    code.len()
}

/// Recognises `test`, `tokio::test`, `cfg(test)` and `cfg(all(test, …))`, but not `cfg(not(test))` and `cfg(any(test, …))`.
fn is_test_attribute(attribute: &[Token<'_>]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.kind == Kind::Word && token.text == word);
    match attribute.first().map(|token| token.text) {
        Some("cfg") => has("test") && !has("not") && !has("any"),
        Some("cfg_attr") => false,
        _ => {
            let path = attribute.iter().take_while(|token| token.text != "(");
            path.last().is_some_and(|token| token.text == "test")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped(text: &str) -> Vec<&str> {
        let source = Source::new("crates/x/src/a.rs", text, false);
        source.shipped().map(|index| source.text_at(index)).filter(|text| text.len() > 1).collect()
    }

    #[test]
    fn test_items_end_where_the_item_ends() {
        for (text, expected) in [
            ("#[cfg(test)] mod tests { fn aa() { } } fn bb() {}", &["fn", "bb"][..]),
            ("#[test] fn aa() { [1; 2]; } fn bb() {}", &["fn", "bb"]),
            (
                "#[tokio::test(start_paused = true)] #[ignore] async fn aa(x: [u8; 3]) {} fn bb() {}",
                &["fn", "bb"],
            ),
            ("#[cfg(test)] mod tests; fn bb() {}", &["fn", "bb"]),
            ("#[cfg(all(test, unix))] use aa::{bb, cc}; fn dd() {}", &["fn", "dd"]),
            ("#[cfg(not(test))] fn aa() {}", &["cfg", "not", "test", "fn", "aa"]),
            ("#[cfg(any(test, unix))] fn aa() {}", &["cfg", "any", "test", "unix", "fn", "aa"]),
            ("#![cfg(test)] fn aa() {}", &[]),
            ("#[cfg(test)] fn never_closed() {", &[]),
        ] {
            assert_eq!(shipped(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_in_a_folder_of_tests_is_a_test() {
        for (path, expected) in [
            ("crates/x/tests/it/main.rs", true),
            ("crates/x/src/tests.rs", false),
            ("crates/x/src/lib.rs", false),
        ] {
            assert_eq!(Source::new(path, "fn a() {}", false).is_test(0), expected, "{path}");
        }
    }

    #[test]
    fn test_modules_in_files_of_their_own_are_named_by_path() {
        for (path, expected) in
            [("crates/x/src/lib.rs", "crates/x/src/tests"), ("crates/x/src/run.rs", "crates/x/src/run/tests")]
        {
            let source = Source::new(path, "mod real; #[cfg(test)] mod tests;", false);
            assert_eq!(source.test_modules(), HashSet::from([expected.to_owned()]), "{path}");
        }
    }

    #[test]
    fn lines_of_tests_are_counted_from_the_attribute_to_the_closing_brace() {
        let source = Source::new("a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n\n}\nfn b() {}\n", false);
        assert_eq!(source.test_lines(), 4);
    }
}
