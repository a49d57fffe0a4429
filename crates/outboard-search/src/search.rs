//! A search: reads the query, scores the documents that have any of its words, and chooses among the best.
//! Bounded by the index and the query's limits. Does not format answers.

use crate::{document::Key, index::Index, parts::Parts, query::Query, scores, select};

/// Documents that the choice is made from.
const CANDIDATES: usize = 200;

/// A document that a query found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its key.
    pub key: Key,
    /// What it was worth when it was chosen; comparable within one answer only.
    pub score: f32,
}

impl Index {
    /// The best `limit` documents for a few words or a whole task, best first; equal ones in the order of their keys.
    ///
    /// A document that the query names comes first. Of a query, 4,000 characters and 96 words are looked at.
    ///
    /// ```
    /// use outboard_search::{Document, Index, Key};
    /// let mut index = Index::new();
    /// let says = |description| Document { description: Some(description), ..Document::default() };
    /// index.put(Key::new("shop", "list_orders"), &says("All orders of a customer"));
    /// index.put(Key::new("mail", "send_message"), &says("Send an e-mail"));
    /// let found = index.search("which purchases did the client make", 5);
    /// assert_eq!(found[0].key, Key::new("shop", "list_orders"));
    /// ```
    pub fn search(&self, query: &str, limit: usize) -> Vec<Hit> {
        self.search_with(query, limit, Parts::default())
    }

    /// The same with some parts of the ranking left out, to measure what they gain.
    pub fn search_with(&self, query: &str, limit: usize, parts: Parts) -> Vec<Hit> {
        let query = Query::read(query, self, parts);
        let candidates = scores::candidates(self, &query, limit.max(CANDIDATES), parts);
        select::choose(self, &query, candidates, limit, parts)
            .into_iter()
            .map(|(place, score)| Hit { key: self.entry(place).key.clone(), score })
            .collect()
    }
}
