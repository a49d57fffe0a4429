//! Labels of upstreams and the taint of a session: what may not meet what. Once private data and untrusted content
//! have met in a session, what leaves the organisation may carry one by the word of the other.

use std::sync::atomic::{AtomicU8, Ordering};

use serde::{Deserialize, Serialize};

/// What a person's configuration says of an upstream's data. What is absent has a default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Labels {
    /// It holds sensitive data. Absent: no.
    pub private: Option<bool>,
    /// What it gives may carry instructions. Absent: yes.
    pub untrusted: Option<bool>,
    /// Operations of it leave the organisation. Absent: unless the tool declares `openWorldHint: false`.
    pub external: Option<bool>,
}

/// What a session has seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// Sensitive data.
    pub private: bool,
    /// Content that may carry instructions.
    pub untrusted: bool,
}

impl Labels {
    /// What is seen with anything that the upstream gives.
    pub fn taint(self) -> Taint {
        Taint { private: self.private.unwrap_or(false), untrusted: self.untrusted.unwrap_or(true) }
    }
}

impl Taint {
    /// Whether both have met.
    pub fn is_dangerous(self) -> bool {
        self.private && self.untrusted
    }

    /// Whether nothing was seen.
    pub fn is_clean(self) -> bool {
        self == Self::default()
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { private: self.private || other.private, untrusted: self.untrusted || other.untrusted }
    }

    fn bits(self) -> u8 {
        u8::from(self.private) | u8::from(self.untrusted) << 1
    }

    fn of_bits(bits: u8) -> Self {
        Self { private: bits & 1 != 0, untrusted: bits & 2 != 0 }
    }
}

/// The taint of something that many share. It only grows, until a person clears it.
#[derive(Debug, Default)]
pub(crate) struct Tainted(AtomicU8);

impl Tainted {
    /// What it is by now.
    pub(crate) fn now(&self) -> Taint {
        Taint::of_bits(self.0.load(Ordering::Acquire))
    }

    /// Adds what was seen. Tells whether that is new.
    pub(crate) fn add(&self, taint: Taint) -> bool {
        let before = self.0.fetch_or(taint.bits(), Ordering::AcqRel);
        before | taint.bits() != before
    }

    /// A person said that it is clean.
    pub(crate) fn clear(&self) {
        self.0.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_untrusted_unless_labelled_otherwise_and_private_only_if_labelled() {
        let labels = |private, untrusted| Labels { private, untrusted, external: None };
        for (labels, private, untrusted) in [
            (labels(None, None), false, true),
            (labels(Some(true), None), true, true),
            (labels(Some(true), Some(false)), true, false),
            (labels(None, Some(false)), false, false),
        ] {
            assert_eq!(labels.taint(), Taint { private, untrusted });
        }
    }

    #[test]
    fn taint_grows_and_is_told_when_it_is_new() {
        let tainted = Tainted::default();
        let private = Taint { private: true, untrusted: false };
        let untrusted = Taint { private: false, untrusted: true };
        assert!(tainted.add(private) && !tainted.add(private) && !tainted.now().is_dangerous());
        assert!(tainted.add(untrusted) && tainted.now().is_dangerous());
        tainted.clear();
        assert!(tainted.now().is_clean());
    }
}
