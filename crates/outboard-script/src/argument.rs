//! Values that a script passes, as far as its text tells them. What cannot be known is `Unknown` and fits everywhere.
//! The languages' walks make them, `fit` judges them; they are never sent.

use crate::shape::Kinds;
use std::borrow::Cow;

/// Bytes of a text, from and to.
pub(crate) type Span = (u32, u32);

/// A value, with the place where it is written; values that are not written in a script have no place.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument<'a> {
    pub(crate) span: Span,
    pub(crate) value: Value<'a>,
}

/// What is known of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Unknown,
    /// It is `null`.
    Null,
    /// It is this boolean.
    Boolean(bool),
    /// It is this number.
    Number(f64),
    /// It is a string; which one may not be known.
    Text(Option<Cow<'a, str>>),
    /// It is an array.
    Array {
        /// The elements that are known.
        items: Vec<Argument<'a>>,
        /// Whether there may be more, and at other places.
        open: bool,
    },
    /// It is an object.
    Object {
        /// The members that are there, each name once.
        members: Vec<Member<'a>>,
        /// Whether there may be others.
        open: bool,
    },
    /// So many values where one object is expected.
    Several(usize),
}

/// A member of an object.
#[derive(Clone, Debug, PartialEq)]
pub struct Member<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) span: Span,
    pub(crate) value: Argument<'a>,
}

impl<'a> Argument<'a> {
    /// A value that stands in no script.
    pub fn of(value: Value<'a>) -> Self {
        Self { span: (0, 0), value }
    }

    pub(crate) fn unknown(span: Span) -> Self {
        Self { span, value: Value::Unknown }
    }

    /// The kinds that it may be of.
    pub(crate) fn kinds(&self) -> Kinds {
        match &self.value {
            Value::Unknown => Kinds::ANY,
            Value::Null => Kinds::NULL,
            Value::Boolean(_) => Kinds::BOOLEAN,
            Value::Number(number) if number.fract() == 0.0 => Kinds::INTEGER,
            Value::Number(_) => Kinds::NUMBER,
            Value::Text(_) => Kinds::TEXT,
            Value::Array { .. } | Value::Several(_) => Kinds::ARRAY,
            Value::Object { .. } => Kinds::OBJECT,
        }
    }
}

impl<'a> Member<'a> {
    /// A member that stands in no script.
    pub fn of(name: impl Into<Cow<'a, str>>, value: Argument<'a>) -> Self {
        Self { name: name.into(), span: (0, 0), value }
    }
}

/// Members of an object that are looked at. One of so many is data, and is taken for one that may have others.
pub(crate) const MOST_MEMBERS: usize = 256;

/// Puts a member among others: of two of one name the later one counts. Beyond [`MOST_MEMBERS`] nothing is put.
pub(crate) fn put<'a>(members: &mut Vec<Member<'a>>, member: Member<'a>) {
    if members.len() >= MOST_MEMBERS {
        return;
    }
    members.retain(|other| other.name != member.name);
    members.push(member);
}
