//! A tool as the search sees it: its texts, and the key under which the caller finds it again.
//! Does not look into texts.

use std::sync::Arc;

/// What a tool says of itself. All of it is untrusted text of any length; what is looked at is bounded.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    /// A title for people.
    pub title: Option<&'a str>,
    /// What it does.
    pub description: Option<&'a str>,
    /// Its parameters with what they mean.
    pub parameters: Vec<(&'a str, &'a str)>,
}

/// Names one tool: `namespace.name`, each once in an index. Equal scores are ordered by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The upstream's namespace.
    pub namespace: Arc<str>,
    /// The tool's name in scripts.
    pub name: Arc<str>,
}

impl Key {
    /// The key of `namespace.name`.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }
}
