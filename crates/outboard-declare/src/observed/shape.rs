//! The shape of values seen at one place, and how two shapes become one that holds for both.
//! Widening is a union: it loses no value that was seen. It knows no results and shows nothing.

use serde::{Deserialize, Serialize};

use super::{MOST_NAMES, MOST_WORDS, calls::Calls};

/// Kinds of values seen at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    /// Something of which nothing more is said: nested too deep, or too much of it.
    #[serde(skip_serializing_if = "is_false")]
    pub(super) anything: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) null: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) boolean: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) integer: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub(super) number: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) string: Option<Words>,
    /// The items of lists; nothing at all if every list was empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) list: Option<Box<Shape>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) record: Option<Box<Record>>,
}

/// Strings: each of these words, or any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Words {
    /// At most a few, all of which may be shown; empty if any string is meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) words: Vec<(String, Calls)>,
}

/// Records seen at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    /// How many.
    pub(super) seen: u64,
    /// Those of their names that may be shown, in the order in which they were first seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) fields: Vec<Field>,
    /// What stood under all other names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) others: Option<Shape>,
}

/// What stood under one name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Field {
    pub(super) name: String,
    /// In how many of the records.
    pub(super) seen: u64,
    pub(super) calls: Calls,
    pub(super) shape: Shape,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over references")]
fn is_false(truth: &bool) -> bool {
    !truth
}

impl Shape {
    /// Makes it hold for the values of the other as well.
    pub(super) fn widen(&mut self, other: Self) {
        self.anything |= other.anything;
        self.null |= other.null;
        self.boolean |= other.boolean;
        self.integer |= other.integer;
        self.number |= other.number;
        join(&mut self.string, other.string, Words::widen);
        join(&mut self.list, other.list, |own, other| own.widen(*other));
        join(&mut self.record, other.record, |own, other| own.widen(*other));
    }

    /// Forgets what is deepest until no more than `most` places are left.
    pub(super) fn shrink(&mut self, most: usize, mut deepest: usize) {
        while self.places() > most && deepest > 0 {
            deepest -= 1;
            self.cut(deepest);
        }
    }

    fn places(&self) -> usize {
        1 + self.parts().map(Self::places).sum::<usize>()
    }

    fn cut(&mut self, deepest: usize) {
        if deepest == 0 {
            let nested = self.list.take().is_some() | self.record.take().is_some();
            self.anything |= nested;
            return;
        }
        if let Some(list) = &mut self.list {
            list.cut(deepest - 1);
        }
        if let Some(record) = &mut self.record {
            let shapes = record.fields.iter_mut().map(|field| &mut field.shape).chain(&mut record.others);
            shapes.for_each(|shape| shape.cut(deepest - 1));
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Self> {
        let record = self
            .record
            .iter()
            .flat_map(|record| record.fields.iter().map(|field| &field.shape).chain(&record.others));
        self.list.as_deref().into_iter().chain(record)
    }
}

impl Words {
    /// A string of which nothing is shown.
    pub(super) fn any() -> Self {
        Self::default()
    }

    fn widen(&mut self, other: Self) {
        if self.words.is_empty() || other.words.is_empty() {
            self.words.clear();
            return;
        }
        for (word, calls) in other.words {
            match self.words.iter_mut().find(|(known, _)| *known == word) {
                Some((_, known)) => known.extend(&calls),
                None => self.words.push((word, calls)),
            }
        }
        if self.words.len() > MOST_WORDS {
            self.words.clear();
        }
    }
}

impl Record {
    fn widen(&mut self, other: Self) {
        self.seen = self.seen.saturating_add(other.seen);
        for field in other.fields {
            self.put(field);
        }
        join(&mut self.others, other.others, Shape::widen);
    }

    /// Adds what was seen under a name; one name too many is a name among others.
    pub(super) fn put(&mut self, field: Field) {
        let room = self.fields.len() < MOST_NAMES;
        match self.fields.iter_mut().find(|known| known.name == field.name) {
            Some(known) => {
                known.seen = known.seen.saturating_add(field.seen);
                known.calls.extend(&field.calls);
                known.shape.widen(field.shape);
            }
            None if room => self.fields.push(field),
            None => self.put_other(field.shape),
        }
    }

    /// Adds what was seen under a name that is not shown.
    pub(super) fn put_other(&mut self, shape: Shape) {
        join(&mut self.others, Some(shape), Shape::widen);
    }
}

fn join<T>(own: &mut Option<T>, other: Option<T>, widen: impl FnOnce(&mut T, T)) {
    match (own.as_mut(), other) {
        (Some(own), Some(other)) => widen(own, other),
        (None, other) => *own = other,
        (Some(_), None) => {}
    }
}
