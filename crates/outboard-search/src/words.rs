//! Text into words: split at marks and humps, folded, stemmed, and how much a common word says.
//! Knows English best; other scripts are split where Unicode lets them, Chinese and its like into characters.

mod stems;

use std::sync::LazyLock;

use hashbrown::HashMap;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

pub(crate) use stems::{Stems, stem};

/// Longest word that is looked at, in characters; the rest of a longer one is ignored.
const LONGEST_WORD: usize = 40;
/// What a word of asking says ("recommend", "currently").
const FAINT: f32 = 0.2;
/// What a word says that fits any subject ("service", "latest").
const WEAK: f32 = 0.5;
/// What a number or a lone letter says: it is a value and not a subject.
const VALUE: f32 = 0.3;

static COMMON: LazyLock<HashMap<&'static str, f32>> =
    LazyLock::new(|| common(include_str!("words/common.txt")));

/// Calls `word` with each word of a text, in lower case and without accents, until it says to stop.
pub(crate) fn each_word(text: &str, mut word: impl FnMut(&str) -> bool) {
    let mut folded = String::new();
    for run in text.split(|c: char| !c.is_alphanumeric()).filter(|run| !run.is_empty()) {
        let mut rest = run;
        while !rest.is_empty() {
            let (part, after) = rest.split_at(hump(rest));
            rest = after;
            fold(part, &mut folded);
            if !folded.is_empty() && !word(&folded) {
                return;
            }
        }
    }
}

/// How much a word says about what a tool does: 1 for most, 0 for those that are never looked for.
pub(crate) fn telling(word: &str) -> f32 {
    match COMMON.get(word) {
        Some(weight) => *weight,
        None if word.len() == 1 || word.bytes().all(|b| b.is_ascii_digit()) => VALUE,
        None => 1.0,
    }
}

/// Whether a word stands in the table of common ones.
pub(crate) fn is_common(word: &str) -> bool {
    COMMON.contains_key(word)
}

fn common(table: &'static str) -> HashMap<&'static str, f32> {
    let mut weights = HashMap::new();
    for line in table.lines() {
        let mut words = line.split_whitespace();
        let weight = match words.next() {
            Some("0") => 0.0,
            Some("1") => FAINT,
            Some("2") => WEAK,
            _ => continue,
        };
        for word in words {
            weights.entry(word).or_insert(weight);
        }
    }
    weights
}

fn fold(word: &str, folded: &mut String) {
    folded.clear();
    if word.is_ascii() {
        folded.push_str(&word[..word.len().min(LONGEST_WORD)]);
        folded.make_ascii_lowercase();
    } else {
        let letters = word.chars().take(LONGEST_WORD).nfd().filter(|c| !is_combining_mark(*c));
        folded.extend(letters.flat_map(char::to_lowercase));
    }
}

/// Where the first part of `listPullRequests`, `HTTPServer` or `漢字` ends.
fn hump(run: &str) -> usize {
    let mut characters = run.char_indices().peekable();
    let Some((_, mut before)) = characters.next() else { return run.len() };
    while let Some((at, c)) = characters.next() {
        let lower_next = || characters.clone().next().is_some_and(|(_, after)| after.is_lowercase());
        let upper = c.is_uppercase();
        if upper && (before.is_lowercase() || before.is_numeric() || (before.is_uppercase() && lower_next()))
            || ideograph(c)
            || ideograph(before)
        {
            return at;
        }
        before = c;
    }
    run.len()
}

fn ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word| {
            words.push(word.to_owned());
            true
        });
        words
    }

    #[test]
    fn words_are_split_at_marks_and_humps() {
        for (text, expected) in [
            ("listPullRequests", &["list", "pull", "requests"][..]),
            ("get_data-chunk v2", &["get", "data", "chunk", "v2"]),
            ("HTTPServer parseURL", &["http", "server", "parse", "url"]),
            ("s3ListBuckets", &["s3", "list", "buckets"]),
            ("Café naïve ÉCOLE", &["cafe", "naive", "ecole"]),
            ("检索 file", &["检", "索", "file"]),
            ("  --  ", &[]),
        ] {
            assert_eq!(split(text), expected, "for {text:?}");
        }
    }

    #[test]
    fn a_long_word_is_cut() {
        assert_eq!(split(&"x".repeat(100_000))[0].len(), LONGEST_WORD);
    }

    #[test]
    fn forms_of_one_word_have_one_stem() {
        for forms in [
            &["stage", "stages", "staging", "staged"][..],
            &["commit", "commits", "committing", "committed"],
            &["query", "queries"],
            &["box", "boxes"],
            &["translate", "translation", "translations"],
        ] {
            let stems: std::collections::BTreeSet<String> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{forms:?}: {stems:?}");
        }
        for apart in [["string", "str"], ["status", "stat"], ["thing", "the"]] {
            assert_ne!(stem(apart[0]), stem(apart[1]));
        }
    }

    #[test]
    fn common_words_say_less() {
        for (word, says) in
            [("the", 0.0), ("recommend", FAINT), ("service", WEAK), ("7", VALUE), ("invoice", 1.0)]
        {
            assert_eq!(telling(word), says, "{word}");
        }
    }
}
