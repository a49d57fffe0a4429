//! What a query asks for: its telling words, each with the terms that may stand for it, and the clauses they stand in.
//! Talks to the vocabulary, the thesaurus and the spelling. Does not score documents.

mod clauses;

use crate::{
    index::Index,
    parts::Parts,
    spelling,
    thesaurus::{self, related},
    words::{each_word, is_common, stem, telling},
};

/// Characters of a query that are looked at.
const CHARACTERS: usize = 4_000;
/// Concepts of a query at most.
const CONCEPTS: usize = 96;
/// What a related word is worth beside its own worth when the catalogue has the word that was said.
const BESIDE: f32 = 0.5;
/// What two words written as one are worth.
const JOINED: f32 = 0.9;

/// A telling word of the query.
#[derive(Debug)]
pub(crate) struct Concept {
    /// What it is worth by itself.
    pub(crate) weight: f32,
    /// The clauses it stands in, one bit each.
    pub(crate) clauses: u32,
    /// Terms of the catalogue that may stand for it, with what each is worth.
    pub(crate) terms: Vec<(u32, f32)>,
}

/// A query as the ranking sees it.
#[derive(Debug, Default)]
pub(crate) struct Query {
    pub(crate) concepts: Vec<Concept>,
    /// How many clauses have telling words.
    pub(crate) clauses: usize,
    /// Every word's stem, with a space between: to compare with names.
    pub(crate) whole: String,
    /// The same of each run of characters that is written like a name.
    pub(crate) names: Vec<String>,
}

struct Said {
    word: String,
    stem: String,
    clause: usize,
}

impl Query {
    pub(crate) fn read(text: &str, index: &Index, parts: Parts) -> Self {
        let text = text.char_indices().nth(CHARACTERS).map_or(text, |(end, _)| &text[..end]);
        let mut said: Vec<Said> = Vec::new();
        let mut clause = 0;
        for part in clauses::split(text, parts.clauses) {
            let before = said.len();
            each_word(part, |word| {
                said.push(Said { word: word.to_owned(), stem: stem(word), clause });
                true
            });
            let tells = said[before..].iter().any(|said| telling(&said.word) > 0.0);
            clause += usize::from(tells && clause + 1 < clauses::MOST);
        }
        let stems: Vec<&str> = said.iter().map(|said| said.stem.as_str()).collect();
        Self {
            whole: stems.join(" "),
            names: names(text),
            concepts: concepts(&said, index, parts),
            clauses: clause.max(1),
        }
    }
}

fn concepts(said: &[Said], index: &Index, parts: Parts) -> Vec<Concept> {
    // A query of nothing but common words means them.
    let silent = said.iter().all(|said| telling(&said.word) == 0.0);
    let mut concepts: Vec<Concept> = Vec::new();
    let mut stems: Vec<&str> = Vec::new();
    for (place, Said { word, stem, clause }) in said.iter().enumerate() {
        let weight = match telling(word) {
            0.0 if silent => 1.0,
            0.0 => continue,
            _ if !parts.common => 1.0,
            weight => weight,
        };
        if let Some(known) = stems.iter().position(|known| known == stem) {
            concepts[known].clauses |= 1 << clause;
        } else if concepts.len() < CONCEPTS {
            let next = said.get(place + 1).map(|next| next.stem.as_str());
            stems.push(stem);
            concepts.push(Concept {
                weight,
                clauses: 1 << clause,
                terms: terms(index, word, stem, next, parts),
            });
        }
    }
    concepts
}

/// The terms that may stand for a word, each once, the word itself first.
fn terms(index: &Index, word: &str, stem: &str, next: Option<&str>, parts: Parts) -> Vec<(u32, f32)> {
    let vocabulary = &index.vocabulary;
    let mut terms: Vec<(u32, f32)> =
        vocabulary.number(stem).map(|number| (number, 1.0)).into_iter().collect();
    let beside = if terms.is_empty() { 1.0 } else { BESIDE };
    let mut offer = |number: u32, worth: f32| match terms.iter_mut().find(|(known, _)| *known == number) {
        Some((_, known)) => *known = known.max(worth),
        None => terms.push((number, worth)),
    };
    if parts.thesaurus {
        for (other, worth) in related(stem) {
            if let Some(number) = vocabulary.number(other) {
                offer(number, worth * beside);
            }
        }
    }
    if parts.compounds {
        if let Some(number) = next.and_then(|next| vocabulary.number(&format!("{stem}{next}"))) {
            offer(number, JOINED);
        }
        if !is_common(word) {
            for (number, worth) in spelling::holding(vocabulary, stem) {
                offer(number, worth * beside);
            }
        }
    }
    let unknown = terms.is_empty() && !is_common(word) && !thesaurus::knows(stem);
    if parts.spelling && unknown { spelling::near(vocabulary, stem) } else { terms }
}

/// Runs that are written like names of tools: `create_issue`, `github.createIssue`, `getUser()`.
fn names(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|run| run.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|run| {
            let humps = run
                .as_bytes()
                .windows(2)
                .any(|two| two[0].is_ascii_lowercase() && two[1].is_ascii_uppercase());
            humps || run.contains(['_', '.', '/', '-'])
        })
        .take(CONCEPTS)
        .map(|run| {
            let mut stems: Vec<String> = Vec::new();
            each_word(run, |word| {
                stems.push(stem(word));
                true
            });
            stems.join(" ")
        })
        .collect()
}
