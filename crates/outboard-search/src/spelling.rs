//! Terms of the catalogue near to a word that it does not have: misspelt, or part of a longer one.
//! Works on letter groups first, so that few words are compared letter by letter.

use hashbrown::HashMap;

use crate::vocabulary::{Vocabulary, grams};

/// Terms offered for one word.
const OFFERED: usize = 3;
/// Words shorter than this are not corrected: too many are one letter apart.
const SHORTEST: usize = 5;
/// Words shorter than this are not looked for within others.
const SHORTEST_PART: usize = 4;
/// Longer terms offered for one word.
const LONGER: usize = 8;
/// What the nearest known word is worth, one change away and two.
const ONE_CHANGE: f32 = 0.8;
const TWO_CHANGES: f32 = 0.6;

/// Known terms within one change of a word, two from eight letters on, with what each is worth; nearest first.
pub(crate) fn near(vocabulary: &Vocabulary, word: &str) -> Vec<(u32, f32)> {
    let length = word.chars().count();
    if length < SHORTEST || !word.chars().all(char::is_alphabetic) {
        return Vec::new();
    }
    let most = if length >= 8 { 2 } else { 1 };
    let groups = grams(word);
    let mut shared: HashMap<u32, usize> = HashMap::new();
    for group in &groups {
        for term in vocabulary.with_gram(group) {
            *shared.entry(*term).or_default() += 1;
        }
    }
    // One change destroys at most three groups of a word, an exchange of two letters four.
    let enough = groups.len().saturating_sub(4 * most).max(1);
    let mut offered: Vec<(usize, u32)> = shared
        .into_iter()
        .filter(|(_, count)| *count >= enough)
        .filter_map(|(term, _)| {
            let text = vocabulary.text(term);
            if text.chars().count().abs_diff(length) > most {
                return None;
            }
            let changes = strsim::osa_distance(word, text);
            (changes <= most).then_some((changes, term))
        })
        .collect();
    offered.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| vocabulary.text(a.1).cmp(vocabulary.text(b.1))));
    let nearest = offered.first().map_or(0, |first| first.0);
    offered
        .into_iter()
        .take_while(|(changes, _)| *changes == nearest)
        .take(OFFERED)
        .map(|(changes, term)| (term, if changes == 1 { ONE_CHANGE } else { TWO_CHANGES }))
        .collect()
}

/// Known terms that begin or end with a word, as names that are written without a mark do: `timezone` for `zone`.
pub(crate) fn holding(vocabulary: &Vocabulary, word: &str) -> Vec<(u32, f32)> {
    let length = word.chars().count();
    if length < SHORTEST_PART {
        return Vec::new();
    }
    let groups = grams(word);
    // An ending that the stemmer took from the longer word only is not looked for: `webscrap` for `scraper`.
    let short = word.char_indices().nth_back(1).map_or(word, |(end, _)| &word[..end]);
    let short = if length >= SHORTEST_PART + 3 { short } else { word };
    let inner = &groups[1..=short.chars().count() - 2];
    let Some(rarest) = inner.iter().min_by_key(|group| vocabulary.with_gram(group).len()) else {
        return Vec::new();
    };
    let mut found: Vec<(u32, f32)> = vocabulary
        .with_gram(rarest)
        .iter()
        .filter_map(|term| {
            let text = vocabulary.text(*term);
            let rest = text
                .strip_prefix(word)
                .or_else(|| text.strip_suffix(word))
                .or_else(|| text.strip_suffix(short))?;
            // What is left is a word of its own, not an ending.
            (rest.chars().count() >= 3).then(|| (*term, 0.5 * word.len() as f32 / text.len() as f32 + 0.2))
        })
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| vocabulary.text(a.0).cmp(vocabulary.text(b.0))));
    found.truncate(LONGER);
    found
}
