//! Edits of one member in a configuration file's text that leave every other byte as it is: JSON with or without
//! comments, TOML, YAML. Each edit is checked against a fresh parse before anyone sees it. It touches no file.

mod json;
mod toml;
mod yaml;

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::wrong::listed;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// JSON as its specification has it.
    Json,
    /// JSON in which comments may stand.
    JsonWithComments,
    /// JSON in which comments and trailing commas may stand.
    Jsonc,
    /// TOML 1.0.
    Toml,
    /// YAML 1.2, one document.
    Yaml,
}

/// Why a text cannot be read or edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EditProblem {
    #[error("line {line} column {column}: {what}")]
    Syntax { line: usize, column: usize, what: String },
    #[error("`{member}` {what}")]
    Shape { member: String, what: &'static str },
    #[error(
        "`{member}` stands there more than once, in lines {}, and programs differ in which one they read",
        listed(lines)
    )]
    Repeated { member: String, lines: Vec<usize> },
    #[error("it is written in a way in which this cannot be edited without changing other parts of it")]
    Elsewhere,
}

impl EditProblem {
    fn not_an_object(path: &[&str]) -> Self {
        let member = if path.is_empty() { "the file".to_owned() } else { path.join(".") };
        Self::Shape { member, what: "must be an object" }
    }

    /// A problem at a byte of the text.
    fn at(text: &str, byte: usize, what: impl Into<String>) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self::Syntax {
            line: line_number(text, byte),
            column: before[line_start..].chars().count() + 1,
            what: what.into(),
        }
    }
}

/// A member that stands more than once in one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repeated {
    pub(crate) name: String,
    pub(crate) lines: Vec<usize>,
}

/// Where members stand, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Lines(HashMap<Vec<String>, Vec<usize>>);

impl Lines {
    /// The line of the member at `path`, or of its parents the last that is there.
    pub(crate) fn of(&self, path: &[String]) -> Option<usize> {
        (1..=path.len()).rev().find_map(|length| self.0.get(&path[..length])?.first().copied())
    }

    /// The members that stand more than once, each by its path and with its lines, in the order of the text.
    pub(crate) fn repeated(&self) -> Vec<(&[String], &[usize])> {
        let more = self.0.iter().filter(|(_, lines)| lines.len() > 1);
        let mut all: Vec<(&[String], &[usize])> = more.map(|(path, lines)| (&path[..], &lines[..])).collect();
        all.sort_by_key(|(path, lines)| (lines[0], *path));
        all
    }
}

/// Gathers what stands more than once among names with their places in the text.
fn repeated_among<'a>(text: &str, members: impl Iterator<Item = (&'a str, usize)>) -> Vec<Repeated> {
    let mut all: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (name, byte) in members {
        let place = *places.entry(name).or_insert(all.len());
        if place == all.len() {
            all.push((name, Vec::new()));
        }
        all[place].1.push(byte);
    }
    // A line is found by reading from the start, so it is looked for only where it is told.
    let repeated = all.into_iter().filter(|(_, bytes)| bytes.len() > 1);
    repeated
        .map(|(name, bytes)| Repeated {
            name: name.to_owned(),
            lines: bytes.into_iter().map(|byte| line_number(text, byte)).collect(),
        })
        .collect()
}

/// The number of the line in which a byte stands, from 1.
fn line_number(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).matches('\n').count() + 1
}

/// Byte order mark, which some editors write and every client here skips.
pub(super) const MARK: &str = "\u{feff}";

impl Syntax {
    /// What the text says. An empty text is an empty object: clients make such files.
    pub(crate) fn read(self, text: &str) -> Result<Value, EditProblem> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        if text.trim().is_empty() {
            return Ok(Value::Object(Map::new()));
        }
        match self {
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::read(text, self),
            Self::Toml => toml::read(text),
            Self::Yaml => yaml::read(text),
        }
    }

    /// The members of the object at `path` that stand there more than once, each with its lines: a parser would keep
    /// one of them in silence. A problem if there is more than one such object. In TOML the parser refuses it.
    pub(crate) fn repeated(self, text: &str, path: &[&str]) -> Result<Vec<Repeated>, EditProblem> {
        let text = text.strip_prefix(MARK).unwrap_or(text);
        match self {
            _ if text.trim().is_empty() => Ok(Vec::new()),
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::repeated(text, self, path),
            Self::Toml => Ok(Vec::new()),
            Self::Yaml => yaml::repeated(text, path),
        }
    }

    /// The lines in which each member starts, by its path; several if it stands more than once. Only in JSON, and no
    /// deeper than a setting may stand.
    pub(crate) fn lines(self, text: &str) -> Lines {
        match self {
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::lines(text, self).unwrap_or_default(),
            Self::Toml | Self::Yaml => Lines::default(),
        }
    }

    /// The text with the member at `path` set to `value`, and the objects on the way made where they are missing.
    pub(crate) fn set(self, text: &str, path: &[&str], value: &Value) -> Result<String, EditProblem> {
        let mut expected = self.read(text)?;
        *place(&mut expected, path)? = value.clone();
        self.edited(text, &[expected], |text| match self {
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::set(text, self, path, value),
            Self::Toml => toml::set(text, path, value),
            Self::Yaml => yaml::set(text, path, value),
        })
    }

    /// The text with one element more in the list at `path`, before the one at `at` or at the end. The list is made
    /// where it is missing. Only in JSON.
    pub(crate) fn insert(
        self,
        text: &str,
        path: &[&str],
        at: usize,
        value: &Value,
    ) -> Result<String, EditProblem> {
        let mut expected = self.read(text)?;
        let list = place(&mut expected, path)?;
        if list.is_null() {
            return self.set(text, path, &Value::Array(vec![value.clone()]));
        }
        let member = || path.join(".");
        let Value::Array(items) = list else {
            return Err(EditProblem::Shape { member: member(), what: "must be a list" });
        };
        let at = at.min(items.len());
        items.insert(at, value.clone());
        self.edited(text, &[expected], |text| match self {
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::insert(text, self, path, at, value),
            Self::Toml | Self::Yaml => Err(EditProblem::Elsewhere),
        })
    }

    /// The text without the member at `path`; the same text if there is none.
    pub(crate) fn unset(self, text: &str, path: &[&str]) -> Result<String, EditProblem> {
        let mut expected = self.read(text)?;
        if !without(&mut expected, path) {
            return Ok(text.to_owned());
        }
        // In TOML a table that holds nothing but tables need not be written; it goes with the last of them.
        let mut thinner = expected.clone();
        if let (Self::Toml, Some((_, parent))) = (self, path.split_last()) {
            let holder = parent.iter().try_fold(&expected, |value, key| value.get(key));
            if holder.and_then(Value::as_object).is_some_and(Map::is_empty) {
                without(&mut thinner, parent);
            }
        }
        self.edited(text, &[expected, thinner], |text| match self {
            Self::Json | Self::JsonWithComments | Self::Jsonc => json::unset(text, self, path),
            Self::Toml => toml::unset(text, path),
            Self::Yaml => yaml::unset(text, path),
        })
    }

    /// Edits and compares with what must come out, so that no oddity of a file can make an edit damage it.
    fn edited(
        self,
        text: &str,
        expected: &[Value],
        edit: impl FnOnce(&str) -> Result<String, EditProblem>,
    ) -> Result<String, EditProblem> {
        let (mark, content) = match text.strip_prefix(MARK) {
            Some(content) => (MARK, content),
            None => ("", text),
        };
        let new = edit(content)?;
        match self.read(&new) {
            Ok(read) if expected.contains(&read) => Ok(format!("{mark}{new}")),
            _ => Err(EditProblem::Elsewhere),
        }
    }
}

/// The member at `path`, made if it is missing.
fn place<'a>(value: &'a mut Value, path: &[&str]) -> Result<&'a mut Value, EditProblem> {
    let mut here = value;
    for (depth, key) in path.iter().enumerate() {
        // A member without a value, as YAML has it, is an empty object.
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let Value::Object(object) = here else { return Err(EditProblem::not_an_object(&path[..depth])) };
        here = object.entry(*key).or_insert(Value::Null);
    }
    Ok(here)
}

/// Takes the member at `path` out. Whether there was one.
fn without(value: &mut Value, path: &[&str]) -> bool {
    let Some((name, parents)) = path.split_last() else { return false };
    let parent = parents.iter().try_fold(value, |value, key| value.get_mut(key));
    parent.and_then(Value::as_object_mut).and_then(|object| object.shift_remove(*name)).is_some()
}

/// `value` within the objects that `path` names.
fn nested(path: &[&str], value: &Value) -> Value {
    path.iter()
        .rev()
        .fold(value.clone(), |value, key| Value::Object(Map::from_iter([((*key).to_owned(), value)])))
}

/// A text with ranges of bytes replaced. The ranges do not overlap.
fn spliced(text: &str, mut splices: Vec<(std::ops::Range<usize>, String)>) -> String {
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut new = String::with_capacity(text.len() + 256);
    let mut from = 0;
    for (range, with) in splices {
        new.push_str(&text[from..range.start]);
        new.push_str(&with);
        from = range.end;
    }
    new.push_str(&text[from..]);
    new
}

/// The start of the line in which a byte stands.
fn line_start(text: &str, byte: usize) -> usize {
    text[..byte].rfind('\n').map_or(0, |at| at + 1)
}

/// The end of the line in which a byte stands, its line break included.
fn line_end(text: &str, byte: usize) -> usize {
    text[byte..].find('\n').map_or(text.len(), |at| byte + at + 1)
}

/// The line break that a text uses.
fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

#[cfg(test)]
mod tests;
