//! Stems of words, remembered, because a catalogue says the same words again and again.
//! What is remembered is bounded and changes no answer.

use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use snowball_stemmers_rs::{Algorithm, Stemmer};

use super::telling;

/// Words remembered; then it starts anew.
const REMEMBERED: usize = 20_000;

static ENGLISH: LazyLock<Stemmer> = LazyLock::new(|| Stemmer::create(Algorithm::English));

/// The form under which all forms of a word are found (Snowball's English stemmer, "Porter2").
pub(crate) fn stem(word: &str) -> String {
    if word.bytes().all(|b| b.is_ascii_lowercase()) {
        ENGLISH.stem(word).into_owned()
    } else {
        word.to_owned()
    }
}

/// Remembers stems. A clone starts empty.
#[derive(Debug, Default)]
pub(crate) struct Stems(HashMap<Box<str>, Known>);

#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) stem: Arc<str>,
    /// Whether the word is ever looked for.
    pub(crate) tells: bool,
}

impl Clone for Stems {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Stems {
    pub(crate) fn of(&mut self, word: &str) -> &Known {
        if self.0.len() >= REMEMBERED && !self.0.contains_key(word) {
            self.0.clear();
        }
        if !self.0.contains_key(word) {
            let known = Known { stem: stem(word).into(), tells: telling(word) > 0.0 };
            self.0.insert(word.into(), known);
        }
        &self.0[word]
    }
}
