//! References within a document: `#/components/schemas/Pet`. Each walk has an allowance, because a few kilobytes of
//! references can ask for more reading than there is time. Other documents are not fetched from here.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{
    Document,
    members::{Members, items},
};

/// Bytes that may be read for one tool, beside what the index finds at once.
const ALLOWANCE: usize = 64 << 20;
/// References that lead to references.
const LONGEST_CHAIN: usize = 32;

/// Why a reference leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unresolved {
    /// It leads out of the document.
    External,
    /// There is nothing.
    Missing,
    /// It leads to itself.
    Circle,
    /// The allowance is used up.
    TooMuch,
}

/// Looks things up in a document until its allowance is used up.
pub(crate) struct Walk<'d> {
    pub(crate) document: &'d Document,
    left: usize,
}

impl<'d> Walk<'d> {
    pub(crate) fn new(document: &'d Document) -> Self {
        Self { document, left: ALLOWANCE }
    }

    /// The text that a reference names; what it finds may be a reference again.
    pub(crate) fn find(&mut self, reference: &str) -> Result<&'d str, Unresolved> {
        let pointer = pointer(reference)?;
        if let Some(range) = self.document.places.get(&*pointer) {
            return Ok(self.document.at(range));
        }
        // The longest start that the index knows, and on from there step by step.
        let mut known = &*pointer;
        let (mut text, rest) = loop {
            let Some((shorter, _)) = known.rsplit_once('/') else {
                break (None, &*pointer);
            };
            known = shorter;
            if let Some(range) = self.document.places.get(known) {
                break (Some(self.document.at(range)), &pointer[known.len()..]);
            }
        };
        for step in rest.split('/').skip(1) {
            let step = unescaped(step);
            text = match text {
                None => self.document.member(&step),
                Some(text) => {
                    self.left = self.left.checked_sub(text.len()).ok_or(Unresolved::TooMuch)?;
                    match text.as_bytes().first() {
                        Some(b'[') => step.parse().ok().and_then(|at: usize| items(text).get(at).copied()),
                        _ => Members::of(text).and_then(|members| members.get(&step)),
                    }
                }
            };
            if text.is_none() {
                return Err(Unresolved::Missing);
            }
        }
        text.ok_or(Unresolved::Missing)
    }

    /// What stands here: the text itself, or what it refers to in the end.
    pub(crate) fn follow(&mut self, text: &'d str) -> Result<&'d str, Unresolved> {
        let mut text = text;
        for _ in 0..LONGEST_CHAIN {
            self.left = self.left.checked_sub(text.len()).ok_or(Unresolved::TooMuch)?;
            let Some(reference) = Members::of(text).and_then(|members| members.text("$ref")) else {
                return Ok(text);
            };
            text = self.find(&reference)?;
        }
        Err(Unresolved::Circle)
    }
}

/// The pointer of a reference within the document.
pub(crate) fn pointer(reference: &str) -> Result<Cow<'_, str>, Unresolved> {
    let fragment = reference.strip_prefix('#').ok_or(Unresolved::External)?;
    percent_decode_str(fragment).decode_utf8().map_err(|_| Unresolved::Missing)
}

/// A name as a step of a pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

fn unescaped(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}
