//! All terms of an index: their numbers, their postings, and the letter groups by which near spellings are found.
//! A term is dropped with its last posting, so that changes leave nothing behind.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::postings::{Counts, Posting};

/// Three letters of a term.
type Gram = [char; 3];

/// All terms. Cloning shares what does not change afterwards.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vocabulary {
    numbers: HashMap<Arc<str>, u32>,
    terms: Vec<Term>,
    free: Vec<u32>,
    grams: HashMap<Gram, Arc<Vec<u32>>>,
}

#[derive(Clone, Debug)]
struct Term {
    text: Arc<str>,
    postings: Arc<Vec<Posting>>,
}

impl Vocabulary {
    /// The number of a term, if any document has it.
    pub(crate) fn number(&self, term: &str) -> Option<u32> {
        self.numbers.get(term).copied()
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        &self.terms[number as usize].text
    }

    pub(crate) fn postings(&self, number: u32) -> &[Posting] {
        &self.terms[number as usize].postings
    }

    /// Terms that have this group of three letters.
    pub(crate) fn with_gram(&self, gram: &Gram) -> &[u32] {
        self.grams.get(gram).map_or(&[], |terms| terms)
    }

    /// Adds a posting and gives the term's number.
    pub(crate) fn add(&mut self, text: &Arc<str>, document: u32, counts: Counts) -> u32 {
        let number = self.number(text).unwrap_or_else(|| self.new_term(text));
        let postings = Arc::make_mut(&mut self.terms[number as usize].postings);
        let place = postings.partition_point(|posting| posting.document < document);
        postings.insert(place, Posting { document, counts });
        number
    }

    /// Takes the posting of a document away.
    pub(crate) fn remove(&mut self, number: u32, document: u32) {
        let term = &mut self.terms[number as usize];
        let postings = Arc::make_mut(&mut term.postings);
        if let Ok(place) = postings.binary_search_by_key(&document, |posting| posting.document) {
            postings.remove(place);
        }
        if postings.is_empty() {
            self.drop_term(number);
        }
    }

    fn new_term(&mut self, text: &Arc<str>) -> u32 {
        let term = Term { text: Arc::clone(text), postings: Arc::default() };
        let number = match self.free.pop() {
            Some(number) => {
                self.terms[number as usize] = term;
                number
            }
            None => {
                self.terms.push(term);
                u32::try_from(self.terms.len() - 1).expect("fewer terms than 2^32")
            }
        };
        for gram in grams(text) {
            let terms = Arc::make_mut(self.grams.entry(gram).or_default());
            if let Err(place) = terms.binary_search(&number) {
                terms.insert(place, number);
            }
        }
        self.numbers.insert(Arc::clone(text), number);
        number
    }

    fn drop_term(&mut self, number: u32) {
        let text = Arc::clone(&self.terms[number as usize].text);
        for gram in grams(&text) {
            if let Some(terms) = self.grams.get_mut(&gram) {
                Arc::make_mut(terms).retain(|other| *other != number);
                if terms.is_empty() {
                    self.grams.remove(&gram);
                }
            }
        }
        self.numbers.remove(&text);
        self.free.push(number);
    }
}

/// The groups of three letters of a word with its ends marked.
pub(crate) fn grams(word: &str) -> Vec<Gram> {
    let marked: Vec<char> = std::iter::once('^').chain(word.chars()).chain(['$']).collect();
    marked.windows(3).map(|three| [three[0], three[1], three[2]]).collect()
}
