//! Counts the words of one document by field. Everything that it looks at is bounded, because descriptions are
//! untrusted: neither their length nor repetition buys a place.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    document::{Document, Key},
    postings::{Counts, DESCRIPTION, FIELDS, Lengths, NAME, NAMESPACE, PARAMETER_TEXTS, PARAMETERS, TITLE},
    words::{Stems, each_word},
};

/// Words looked at in each field of a document.
const WORDS: [usize; FIELDS] = [24, 24, 16, 200, 96, 320];
/// Characters looked at in any text.
const CHARACTERS: usize = 4_000;
/// Times that one word of a description counts: saying it more often is no reason to be found.
const REPEATED: u8 = 3;
/// Parameters looked at.
const MOST_PARAMETERS: usize = 40;
/// Words looked at in one parameter's name and in what is said of it.
const NAME_WORDS: usize = 8;
const TEXT_WORDS: usize = 20;

/// The words of a document.
pub(super) struct Counted {
    pub(super) terms: HashMap<Arc<str>, Counts>,
    pub(super) lengths: Lengths,
    /// Every stem of the name and of the namespace, with a space between.
    pub(super) name: String,
    pub(super) namespace: String,
}

pub(super) fn count(stems: &mut Stems, key: &Key, document: &Document<'_>) -> Counted {
    let mut counter = Counter { stems, terms: HashMap::new(), lengths: Lengths::default() };
    let name = counter.names(NAME, &key.name);
    let namespace = counter.names(NAMESPACE, &key.namespace);
    counter.texts(TITLE, document.title.unwrap_or_default(), WORDS[TITLE]);
    counter.texts(DESCRIPTION, document.description.unwrap_or_default(), WORDS[DESCRIPTION]);
    for (name, text) in document.parameters.iter().take(MOST_PARAMETERS) {
        counter.texts(PARAMETERS, name, NAME_WORDS);
        counter.texts(PARAMETER_TEXTS, text, TEXT_WORDS);
    }
    Counted { terms: counter.terms, lengths: counter.lengths, name, namespace }
}

struct Counter<'a> {
    stems: &'a mut Stems,
    terms: HashMap<Arc<str>, Counts>,
    lengths: Lengths,
}

impl Counter<'_> {
    fn texts(&mut self, field: usize, text: &str, most: usize) {
        let mut left = most.min(WORDS[field] - usize::from(self.lengths[field]));
        each_word(shown(text), |word| {
            let known = self.stems.of(word);
            if left > 0 && known.tells {
                left -= 1;
                self.lengths[field] += 1;
                let counts = self.terms.entry(Arc::clone(&known.stem)).or_default();
                let most = if field == DESCRIPTION { REPEATED } else { u8::MAX };
                counts[field] = counts[field].saturating_add(1).min(most);
            }
            left > 0
        });
    }

    /// A name counts with all of its words, and is remembered whole.
    fn names(&mut self, field: usize, text: &str) -> String {
        let mut whole = String::new();
        each_word(shown(text), |word| {
            let known = self.stems.of(word);
            self.lengths[field] += 1;
            let counts = self.terms.entry(Arc::clone(&known.stem)).or_default();
            counts[field] = counts[field].saturating_add(1);
            if !whole.is_empty() {
                whole.push(' ');
            }
            whole.push_str(&known.stem);
            usize::from(self.lengths[field]) < WORDS[field]
        });
        whole
    }
}

/// The part of a text that is looked at.
fn shown(text: &str) -> &str {
    if text.len() <= CHARACTERS {
        return text;
    }
    text.char_indices().nth(CHARACTERS).map_or(text, |(end, _)| &text[..end])
}
