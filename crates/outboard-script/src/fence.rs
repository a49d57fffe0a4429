//! Finds the script in the text that a model sent: past a byte order mark, prose and a Markdown fence.
//!
//! Fences follow CommonMark 0.31, section 4.5, in the parts that models write. It does not parse code.

use crate::Language;
use std::ops::Range;

/// Where the script stands in the text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Located {
    /// These bytes, all of the text where there is no fence, and the language that the fence names.
    Script(Range<usize>, Option<Language>),
    /// Several blocks that could each be the script: the first two.
    Several(Range<usize>, Range<usize>),
    /// The only fenced block is labelled as another language.
    Foreign(Range<usize>, String),
}

struct Block {
    /// The opening line.
    opener: Range<usize>,
    body: Range<usize>,
    language: String,
}

/// Locates the script in `text`. Where its language is known, blocks of other languages are not meant.
pub(crate) fn locate(text: &str, language: Option<Language>) -> Located {
    if let Some(located) = one_line(text, language) {
        return located;
    }
    let blocks = blocks(text);
    let labelled = |block: &&Block| {
        let named = block.language.parse::<Language>();
        named.is_ok_and(|named| language.is_none_or(|language| language == named))
    };
    let mut scripts = blocks.iter().filter(labelled).collect::<Vec<_>>();
    if scripts.is_empty() {
        scripts = blocks.iter().filter(|block| block.language.is_empty()).collect();
    }
    match (scripts.as_slice(), blocks.first()) {
        ([], None) => Located::Script(0..text.len(), None),
        ([], Some(block)) => Located::Foreign(block.opener.clone(), block.language.clone()),
        ([block], _) => Located::Script(block.body.clone(), block.language.parse().ok()),
        ([first, second, ..], _) => Located::Several(first.opener.clone(), second.opener.clone()),
    }
}

/// The lines with their byte ranges, line ends excluded from the text and included in the range.
fn lines(text: &str) -> impl Iterator<Item = (Range<usize>, &str)> {
    let mut at = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = at..at + line.len();
        at = range.end;
        (range, line.trim_end_matches(['\n', '\r']))
    })
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open: Option<(char, usize)> = None;
    let mut in_comment = false;
    let mut in_text = false;
    for (range, line) in lines(text) {
        match open {
            None => {
                // A fence inside of a block comment, or of a text in triple quotes, is part of a script that has no
                // fence of its own.
                if let Some((mark, length, language)) = opener(line).filter(|_| !in_comment && !in_text) {
                    open = Some((mark, length));
                    blocks.push(Block {
                        body: range.end..text.len(),
                        opener: range.start..range.start + line.len(),
                        language,
                    });
                } else {
                    in_comment = match (line.rfind("/*"), line.rfind("*/")) {
                        (None, None) => in_comment,
                        (begin, end) => begin > end,
                    };
                    let quotes = line.matches("\"\"\"").count() + line.matches("'''").count();
                    in_text ^= quotes % 2 == 1;
                }
            }
            Some((mark, length)) => {
                if closes(line, mark, length) {
                    open = None;
                    if let Some(block) = blocks.last_mut() {
                        block.body.end = range.start;
                    }
                }
            }
        }
    }
    if let (Some((mark, length)), Some(block)) = (open, blocks.last_mut()) {
        // The closing fence may stand at the end of the last line of code, or be missing.
        let fence = mark.to_string().repeat(length);
        if let Some(rest) = text[block.body.clone()].trim_end().strip_suffix(fence.as_str()) {
            block.body.end = block.body.start + rest.len();
        }
    }
    blocks
}

fn opener(line: &str) -> Option<(char, usize, String)> {
    let rest = line.trim_start_matches([' ', '\t']);
    let mark = rest.chars().next().filter(|&c| c == '`' || c == '~')?;
    let info = rest.trim_start_matches(mark);
    let length = rest.len() - info.len();
    if length < 3 || info.contains(mark) {
        return None;
    }
    let word = info.split([' ', '\t', '{', ',', ':']).find(|word| !word.is_empty()).unwrap_or_default();
    let language = word.to_ascii_lowercase();
    // Three tildes or backticks before anything else are code, say `~~~mask & 1`.
    let is_name = language.chars().all(|c| c.is_ascii_alphanumeric() || "+#-_.".contains(c));
    let known = mark == '`' || language.is_empty() || language.parse::<Language>().is_ok();
    (is_name && known).then_some((mark, length, language))
}

fn closes(line: &str, mark: char, length: usize) -> bool {
    let line = line.trim();
    line.len() >= length && line.chars().all(|c| c == mark)
}

/// The code of a text that is one line of ```` ```ts … ``` ````.
fn one_line(text: &str, language: Option<Language>) -> Option<Located> {
    let trimmed = text.trim();
    let inner = trimmed.strip_prefix("```")?.strip_suffix("```")?;
    if inner.contains(['\n', '`']) {
        return None;
    }
    let (word, code) = inner.split_once(' ')?;
    let named = word.parse::<Language>().ok();
    let code = if named.is_some() { code } else { inner };
    let fence = text.len() - text.trim_start().len();
    if named.is_some_and(|named| language.is_some_and(|language| language != named)) {
        return Some(Located::Foreign(fence..fence + 3 + word.len(), word.to_ascii_lowercase()));
    }
    let start = fence + 3 + inner.len() - code.len();
    Some(Located::Script(start..start + code.len(), named))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        check_as(text, None, expected);
    }

    #[track_caller]
    fn check_as(text: &str, language: Option<Language>, expected: &str) {
        let shown = match locate(text, language) {
            Located::Script(range, _) => text[range].to_owned(),
            Located::Several(first, second) => format!("several: {} {}", &text[first], &text[second]),
            Located::Foreign(opener, language) => format!("foreign: {} {language}", &text[opener]),
        };
        assert_eq!(shown, expected, "{text:?}");
    }

    #[test]
    fn the_script_is_found_inside_of_its_fence() {
        let table = [
            ("return 1", "return 1"),
            ("```ts\nreturn 1\n```", "return 1\n"),
            ("```typescript\r\nreturn 1\r\n```\r\n", "return 1\r\n"),
            ("~~~\nreturn 1\n~~~", "return 1\n"),
            ("~~~js\nreturn 1\n~~~~~\n", "return 1\n"),
            ("Here you are:\n\n```js title=\"x\"\nreturn 1\n```\nIt doesn't fail.", "return 1\n"),
            ("Script:\n  ```TS\n  return 1\n  ```", "  return 1\n"),
            ("````ts\nreturn `a`\n```\n````", "return `a`\n```\n"),
            ("```ts\nreturn 1", "return 1"),
            ("```ts\nreturn 1```", "return 1"),
            ("```ts return 1 ```", "return 1 "),
            ("```js\nreturn 1\n```\nprints\n```json\n1\n```\n", "return 1\n"),
            ("```\nreturn 1\n```\nprints\n```text\n1\n```\n", "return 1\n"),
            ("```ts\n```", ""),
        ];
        for (text, expected) in table {
            check(text, expected);
        }
    }

    #[test]
    fn what_only_looks_like_a_fence_is_code() {
        for text in [
            "/*\n```ts\nfoo()\n```\n*/\nreturn 1",
            "const n =\n~~~mask & 1",
            "x = ``\n```a`",
            "const a = `\n\\`\\`\\`ts\n`",
            "text = \"\"\"\n```ts\n1\n```\n\"\"\"\nprint(text)",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn several_scripts_and_other_languages_are_told_apart() {
        check("```ts\n1\n```\nor\n```js\n2\n```", "several: ```ts ```js");
        check("```ruby\nputs 1\n```", "foreign: ```ruby ruby");
        check("```ts\n1\n```\nor\n```py\n2\n```", "several: ```ts ```py");
    }

    #[test]
    fn a_known_language_decides_between_blocks() {
        let both = "```ts\n1\n```\nor\n```py\n2\n```";
        check_as(both, Some(Language::TypeScript), "1\n");
        check_as(both, Some(Language::Python), "2\n");
        check_as("```\n1\n```\n```py\n2\n```", Some(Language::TypeScript), "1\n");
        check_as("```py\n1\n```", Some(Language::TypeScript), "foreign: ```py py");
        check_as("```py 1```", Some(Language::TypeScript), "foreign: ```py py");
    }

    #[test]
    fn a_fence_names_the_language() {
        for (text, language) in [
            ("```py\n1\n```", Some(Language::Python)),
            ("```python 1 ```", Some(Language::Python)),
            ("```JavaScript\n1\n```", Some(Language::TypeScript)),
            ("```\n1\n```", None),
            ("1", None),
        ] {
            let Located::Script(_, named) = locate(text, None) else { panic!("{text}") };
            assert_eq!(named, language, "{text}");
        }
    }
}
