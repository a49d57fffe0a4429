//! The inverted index, changed one document at a time. What it answers depends on the documents it holds and not on
//! the way they came in. Knows nothing of queries.

mod count;

use std::sync::Arc;

use hashbrown::HashMap;

use crate::{
    document::{Document, Key},
    postings::{FIELDS, Lengths, Means},
    vocabulary::Vocabulary,
    words::Stems,
};

/// All documents of a catalogue. Cloning is cheap and shares what does not change afterwards.
#[derive(Clone, Debug, Default)]
pub struct Index {
    pub(crate) vocabulary: Vocabulary,
    /// By place; what is at a free place means nothing.
    pub(crate) lengths: Vec<Lengths>,
    entries: Vec<Option<Arc<Entry>>>,
    free: Vec<u32>,
    places: HashMap<Key, u32>,
    totals: [u64; FIELDS],
    stems: Stems,
}

/// One document of the index.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) key: Key,
    /// Stems of the name, every one, with a space between.
    pub(crate) name: String,
    /// The same with the namespace before it.
    pub(crate) full_name: String,
    terms: Vec<u32>,
}

impl Index {
    /// An index of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many documents it holds.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Puts a document in, in place of the one with the same key.
    pub fn put(&mut self, key: Key, document: &Document<'_>) {
        self.remove(&key);
        let place = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.lengths.push(Lengths::default());
            u32::try_from(self.entries.len() - 1).expect("fewer documents than 2^32")
        });
        let counted = count::count(&mut self.stems, &key, document);
        let terms = counted
            .terms
            .into_iter()
            .map(|(term, counts)| self.vocabulary.add(&term, place, counts))
            .collect();
        for (total, length) in self.totals.iter_mut().zip(counted.lengths) {
            *total += u64::from(length);
        }
        self.lengths[place as usize] = counted.lengths;
        let full_name = format!("{} {}", counted.namespace, counted.name);
        self.entries[place as usize] =
            Some(Arc::new(Entry { key: key.clone(), name: counted.name, full_name, terms }));
        self.places.insert(key, place);
    }

    /// Takes a document out, if it is in.
    pub fn remove(&mut self, key: &Key) {
        let Some(place) = self.places.remove(key) else { return };
        let Some(entry) = self.entries[place as usize].take() else { return };
        for term in &entry.terms {
            self.vocabulary.remove(*term, place);
        }
        for (total, length) in self.totals.iter_mut().zip(self.lengths[place as usize]) {
            *total -= u64::from(length);
        }
        self.free.push(place);
    }

    pub(crate) fn entry(&self, place: u32) -> &Entry {
        self.entries[place as usize].as_ref().expect("postings name documents that are in")
    }

    /// One more than the largest place of a document.
    pub(crate) fn places(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn means(&self) -> Means {
        self.totals.map(|total| (total as f32 / self.len().max(1) as f32).max(1.0))
    }
}
