//! What was left out of a value, and where.
//! The renderer records it; it is not worded here but in [`super::note`].

use super::plain::{clean_line, clipped};

/// A place in a value that is shown only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Where, as scripts write it: `rows`, `pages[0].records`; empty for the value itself.
    pub path: String,
    /// What is counted.
    pub unit: Unit,
    /// How many are shown.
    pub shown: usize,
    /// How many there are.
    pub total: usize,
}

/// What a [`Cut`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Elements of an array.
    Elements,
    /// Entries of an object.
    Keys,
    /// Characters of a string.
    Characters,
}

/// The way from the value to one of its parts.
#[derive(Debug, Default)]
pub(super) struct Path {
    text: String,
    ends: Vec<usize>,
}

/// Longer keys and paths are shortened: they are the script's or an upstream's words.
const KEY: usize = 40;
const PATH: usize = 120;

impl Path {
    pub(super) fn enter(&mut self, raw_key: &str, index: usize) {
        self.ends.push(self.text.len());
        let key = raw_key.trim_matches('"');
        let text = if raw_key.is_empty() {
            format!("[{index}]")
        } else if key.len() <= KEY && is_identifier(key) {
            format!("{}{key}", if self.text.is_empty() { "" } else { "." })
        } else {
            format!("[\"{}\"]", clipped(&clean_line(key), KEY))
        };
        self.text.push_str(&text);
    }

    pub(super) fn leave(&mut self) {
        self.text.truncate(self.ends.pop().unwrap_or(0));
    }

    pub(super) fn to_text(&self) -> String {
        clipped(&self.text, PATH).into_owned()
    }
}

fn is_identifier(key: &str) -> bool {
    let mut chars = key.chars();
    chars.next().is_some_and(|char| char.is_ascii_alphabetic() || char == '_' || char == '$')
        && chars.all(|char| char.is_ascii_alphanumeric() || char == '_' || char == '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_like_code_and_stay_short() {
        let mut path = Path::default();
        path.enter("\"pages\"", 3);
        path.enter("", 0);
        path.enter("\"records\"", 0);
        assert_eq!(path.to_text(), "pages[0].records");
        path.leave();
        path.enter("\"no name\"", 0);
        assert_eq!(path.to_text(), "pages[0][\"no name\"]");
        path.enter(&format!("\"{}\"", "x".repeat(1_000_000)), 0);
        assert!(path.to_text().len() < 100);
        path.leave();
        path.leave();
        path.leave();
        path.leave();
        assert_eq!(path.to_text(), "");
    }
}
