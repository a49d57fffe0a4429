//! What values a tool takes, as far as checks before a run look: kinds, choices, names, what is required.
//!
//! Whoever knows schemas makes it and bounds its size. It says less than a schema: a value that does not fit its shape
//! does not fit the schema, except for [`Others::Unsaid`]; one that fits its shape may still not fit the schema.

use std::collections::BTreeMap;

/// What values fit. The default is any.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shape {
    /// Of these kinds.
    pub kinds: Kinds,
    /// One of these, if there are any.
    pub choices: Option<Vec<Choice>>,
    /// An object has these members.
    pub members: Option<Members>,
    /// An array has these elements.
    pub items: Option<Box<Shape>>,
    /// All of these fit too.
    pub all_of: Vec<Shape>,
    /// One of these fits too, if there are any.
    pub any_of: Vec<Shape>,
}

/// The members of an object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// The declared ones.
    pub named: BTreeMap<String, Shape>,
    /// Those that must be there.
    pub required: Vec<String>,
    /// What other names mean.
    pub others: Others,
}

/// What a name means that is not declared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Others {
    /// A mistake: the schema takes no others.
    Refused,
    /// The schema says nothing. Servers that declare all that they look at ignore it in silence, so it is a mistake if
    /// it is a slip of a declared name that is not given. Otherwise it is let through.
    Unsaid,
    /// Nothing: the schema says that it takes others, or what it takes cannot be told.
    #[default]
    Taken,
}

/// A value that may be given.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// `null`.
    Null,
    /// A boolean.
    Boolean(bool),
    /// A number.
    Number(f64),
    /// A string.
    Text(String),
}

/// A set of kinds of JSON values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// `null`.
    pub const NULL: Self = Self(1);
    /// `true` and `false`.
    pub const BOOLEAN: Self = Self(2);
    /// Numbers without a fraction, `1.0` included.
    pub const INTEGER: Self = Self(4);
    /// All numbers.
    pub const NUMBER: Self = Self(4 | 8);
    /// Strings.
    pub const TEXT: Self = Self(16);
    /// Arrays.
    pub const ARRAY: Self = Self(32);
    /// Objects.
    pub const OBJECT: Self = Self(64);
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ANY: Self = Self(127);

    /// Of two sets, what is in either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is in it.
    pub fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether something of `other` is in it.
    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The kinds in words: `a string or a number`.
    pub(crate) fn in_words(self) -> String {
        let number = if self.covers(Self::NUMBER) {
            (Self::NUMBER, "a number")
        } else {
            (Self::INTEGER, "an integer")
        };
        let all = [
            (Self::TEXT, "a string"),
            number,
            (Self::BOOLEAN, "a boolean"),
            (Self::ARRAY, "an array"),
            (Self::OBJECT, "an object"),
            (Self::NULL, "null"),
        ];
        let words: Vec<&str> =
            all.iter().filter(|(kind, _)| self.covers(*kind)).map(|(_, word)| *word).collect();
        words.join(" or ")
    }
}

impl Default for Kinds {
    fn default() -> Self {
        Self::ANY
    }
}

impl Shape {
    /// Whether every value fits.
    pub fn is_any(&self) -> bool {
        *self == Self::default()
    }
}
