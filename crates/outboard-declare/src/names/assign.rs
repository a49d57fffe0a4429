//! Identifiers for a whole set of originals: free of collisions, independent of order, reversible.
//! Talks to `identifier` for each name; it does not know whether it names namespaces or tools.

use std::collections::{BTreeMap, BTreeSet};

use super::identifier::{LONGEST, identifier};

/// Which original has which identifier, in both directions.
///
/// The same set gives the same identifiers in whatever order it comes. An original that is already a valid,
/// free identifier always keeps its own spelling. Of several others that meet in one identifier, the first in
/// byte order has it plain and each further one has a short ending computed from its original alone
/// (`create_issue`, `create_issue_k3f9`), so that one more tool renames at most the one that it displaces, and
/// none at all when the earlier assignment is [kept](Names::extended).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    identifiers: BTreeMap<String, String>,
    originals: BTreeMap<String, String>,
}

impl Names {
    /// Assigns an identifier to each original; a repeated original counts once. Identifiers in `reserved` are
    /// not given: such a name gets a `_` at its end.
    ///
    /// ```
    /// use outboard_declare::names::{Names, RESERVED_NAMESPACES};
    /// let names = Names::assign(&["data-tools", "tools"], RESERVED_NAMESPACES);
    /// assert_eq!(names.identifier("data-tools"), Some("data_tools"));
    /// assert_eq!(names.identifier("tools"), Some("tools_"));
    /// assert_eq!(names.original("tools_"), Some("tools"));
    /// ```
    pub fn assign<S: AsRef<str>>(originals: &[S], reserved: &[&str]) -> Self {
        Self::default().extended(originals, reserved)
    }

    /// Adds originals and leaves every identifier that was given before as it is, also that of an original
    /// which is not named again.
    #[must_use]
    pub fn extended<S: AsRef<str>>(mut self, originals: &[S], reserved: &[&str]) -> Self {
        let reserved: BTreeSet<&str> = reserved.iter().copied().collect();
        let wanted: BTreeSet<&str> = originals
            .iter()
            .map(AsRef::as_ref)
            .filter(|original| !self.identifiers.contains_key(*original))
            .collect();
        let plain = |original: &str| {
            let mut name = identifier(original);
            while reserved.contains(name.as_str()) {
                name.push('_');
            }
            name
        };

        // Exact spellings first: what is right as it is must not lose its name to something that was bent.
        let (exact, bent): (Vec<_>, Vec<_>) =
            wanted.into_iter().map(|original| (original, plain(original))).partition(|(o, n)| o == n);
        let mut displaced = Vec::new();
        for (original, name) in exact.into_iter().chain(bent) {
            if self.is_free(&name) {
                self.insert(original, name);
            } else {
                displaced.push((original, name));
            }
        }
        // Endings come last: a plain name is worth more than a decorated one.
        for (original, name) in displaced {
            let unique = endings(original)
                .map(|ending| format!("{}_{ending}", cut(&name)))
                .find(|name| self.is_free(name) && !reserved.contains(name.as_str()))
                .expect("the endings never run out");
            self.insert(original, unique);
        }
        self
    }

    /// Forgets every other original, so that its identifier is free again.
    #[must_use]
    pub fn retained(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.identifiers.retain(|original, _| keep(original));
        self.originals.retain(|_, original| keep(original));
        self
    }

    /// The identifier of an original name, if that name is in the set.
    pub fn identifier(&self, original: &str) -> Option<&str> {
        self.identifiers.get(original).map(String::as_str)
    }

    /// The original name behind an identifier, if it was given.
    pub fn original(&self, identifier: &str) -> Option<&str> {
        self.originals.get(identifier).map(String::as_str)
    }

    /// Pairs of original and identifier, in byte order of the originals.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.identifiers.iter().map(|(original, name)| (original.as_str(), name.as_str()))
    }

    /// How many originals have an identifier.
    pub fn len(&self) -> usize {
        self.identifiers.len()
    }

    /// Whether no original has an identifier.
    pub fn is_empty(&self) -> bool {
        self.identifiers.is_empty()
    }

    fn is_free(&self, name: &str) -> bool {
        !self.originals.contains_key(name)
    }

    fn insert(&mut self, original: &str, name: String) {
        self.originals.insert(name.clone(), original.to_owned());
        self.identifiers.insert(original.to_owned(), name);
    }
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST).collect()
}

/// Endings for one original, best first: the start of its hash, ever longer, then, should an upstream have
/// prepared hashes that collide, the whole hash with a number.
pub(super) fn endings(original: &str) -> impl Iterator<Item = String> {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = fnv1a(original);
    let hash: String = std::iter::repeat_with(|| {
        let digit = DIGITS[usize::try_from(rest % 36).expect("a digit is small")];
        rest /= 36;
        char::from(digit)
    })
    .take(12)
    .collect();
    let whole = hash.clone();
    (4..=hash.len())
        .map(move |end| hash[..end].to_owned())
        .chain((2u64..).map(move |n| format!("{whole}_{n}")))
}

/// FNV-1a, 64 bits: part of what makes names stable, so it may not change with the standard library's hasher.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::super::{RESERVED_NAMESPACES, is_identifier};
    use super::Names;

    fn check(originals: &[&str], reserved: &[&str], expected: &[(&str, &str)]) {
        let names = Names::assign(originals, reserved);
        assert_eq!(names.iter().collect::<Vec<_>>(), expected);
        let backwards: Vec<&str> = originals.iter().rev().copied().collect();
        assert_eq!(names, Names::assign(&backwards, reserved), "order matters for {originals:?}");
        for (original, name) in names.iter() {
            assert!(is_identifier(name), "{name:?}");
            assert_eq!(names.original(name), Some(original));
        }
    }

    #[test]
    fn names_are_unique_reversible_and_independent_of_order() {
        check(&[], &[], &[]);
        check(&["a", "a"], &[], &[("a", "a")]);
        check(&["a-b", "a_b"], &[], &[("a-b", "a_b_balz"), ("a_b", "a_b")]);
        check(&["a.b", "a-b", "a b"], &[], &[("a b", "a_b"), ("a-b", "a_b_balz"), ("a.b", "a_b_o52d")]);
        check(&["delete", "delete_"], &[], &[("delete", "delete__2u9d"), ("delete_", "delete_")]);
        check(
            &["tools", "console", "Math", "git"],
            RESERVED_NAMESPACES,
            &[("Math", "Math_"), ("console", "console_"), ("git", "git"), ("tools", "tools_")],
        );
    }

    #[test]
    fn an_exact_spelling_keeps_its_name_even_if_it_looks_like_an_ending() {
        check(
            &["a-b", "a_b", "a_b_balz"],
            &[],
            &[("a-b", "a_b_balz2"), ("a_b", "a_b"), ("a_b_balz", "a_b_balz")],
        );
    }

    #[test]
    fn one_more_tool_renames_at_most_the_one_it_displaces() {
        let before = Names::assign(&["a.b", "a/b", "c", "x-y"], &[]);
        let after = Names::assign(&["a.b", "a/b", "c", "x-y", "a b", "d"], &[]);
        let renamed: Vec<_> =
            before.iter().filter(|(original, name)| after.identifier(original) != Some(*name)).collect();
        assert_eq!(renamed, [("a.b", "a_b")]);
    }

    #[test]
    fn an_extended_assignment_renames_nothing() {
        let before = Names::assign(&["a.b", "a/b", "c"], &[]);
        let after = before.clone().extended(&["a b", "a_b", "c", "d"], &[]);
        assert_eq!(after.len(), 6);
        for (original, name) in before.iter() {
            assert_eq!(after.identifier(original), Some(name));
        }
    }

    #[test]
    fn what_is_forgotten_frees_its_name_and_renames_nothing_else() {
        let names = Names::assign(&["a-b", "a_b", "c"], &[]).retained(|original| original != "a_b");
        assert_eq!(names.iter().collect::<Vec<_>>(), [("a-b", "a_b_balz"), ("c", "c")]);
        assert_eq!(names.extended(&["a.b"], &[]).identifier("a.b"), Some("a_b"));
    }

    #[test]
    fn long_originals_that_differ_only_at_the_end_stay_apart() {
        let long = "x".repeat(5_000);
        let originals: Vec<String> = (0..50).map(|n| format!("{long}{n}")).collect();
        let names = Names::assign(&originals, &[]);
        assert_eq!(names.len(), 50);
        assert!(names.iter().all(|(_, name)| name.len() < 120 && is_identifier(name)));
    }
}
