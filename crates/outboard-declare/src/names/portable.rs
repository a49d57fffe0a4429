//! Names that stay what they are outside of Outboard: of files, on every file system, and of functions, in interpreters that
//! know fewer letters. It bends identifiers that exist; which these are is decided elsewhere.

use std::collections::BTreeMap;

use super::{assign::endings, identifier::is_special};

/// For what names are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portable {
    /// Modules, which are files: ASCII, apart whatever the case of their letters, and nothing that a system keeps for
    /// itself.
    Modules,
    /// Functions: letters that every interpreter in use knows.
    Functions,
}

/// Files that a system or a language has a meaning for, in small letters. Sorted.
const KEPT: [&str; 31] = [
    "__init__",
    "__main__",
    "__pycache__",
    "_outboard",
    "aio",
    "aux",
    "com1",
    "com2",
    "com3",
    "com4",
    "com5",
    "com6",
    "com7",
    "com8",
    "com9",
    "con",
    "conftest",
    "index",
    "lpt1",
    "lpt2",
    "lpt3",
    "lpt4",
    "lpt5",
    "lpt6",
    "lpt7",
    "lpt8",
    "lpt9",
    "node_modules",
    "nul",
    "prn",
    "setup",
];

/// The name of each of these identifiers, which is the identifier itself wherever it may be. No name is `__like_this__`, as
/// no identifier is. What is `taken`, which is not all that begins with some letters, is given to none.
/// The same set gives the same names in whatever order it comes.
///
/// ```
/// use outboard_declare::names::{Portable, portable_names};
/// let names = portable_names(&["git", "größe", "index"], Portable::Modules, &|_| false);
/// assert_eq!(names["git"], "git");
/// assert_eq!(names["größe"], "gr__e");
/// assert_eq!(names["index"], "index_");
/// ```
pub fn portable_names<S: AsRef<str>>(
    identifiers: &[S],
    purpose: Portable,
    taken: &dyn Fn(&str) -> bool,
) -> BTreeMap<String, String> {
    let mut wanted: Vec<(&str, String)> =
        identifiers.iter().map(|name| (name.as_ref(), bent(name.as_ref(), purpose, taken))).collect();
    // What may stay as it is comes first, so that it loses its name to nothing that was bent.
    wanted.sort_by(|a, b| (a.0 != a.1, a.0).cmp(&(b.0 != b.1, b.0)));
    wanted.dedup();
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    let mut used = std::collections::BTreeSet::new();
    for (identifier, name) in wanted {
        let ended = || endings(identifier).map(|ending| format!("{name}_{ending}"));
        let name = std::iter::once(name.clone())
            .chain(ended())
            .find(|name| !used.contains(&purpose.folded(name)) && !taken(name))
            .expect("the endings never run out");
        used.insert(purpose.folded(&name));
        given.insert(identifier.to_owned(), name);
    }
    given
}

impl Portable {
    fn folded(self, name: &str) -> String {
        match self {
            Self::Modules => name.to_ascii_lowercase(),
            Self::Functions => name.to_owned(),
        }
    }

    fn lets(self, c: char) -> bool {
        is_portable(c) && (self == Self::Functions || c.is_ascii())
    }
}

fn bent(identifier: &str, purpose: Portable, taken: &dyn Fn(&str) -> bool) -> String {
    let mut name: String = identifier.chars().map(|c| if purpose.lets(c) { c } else { '_' }).collect();
    let kept = |name: &str| {
        purpose == Portable::Modules && KEPT.binary_search(&name.to_ascii_lowercase().as_str()).is_ok()
    };
    while kept(&name) || taken(&name) || is_special(&name) {
        name.push('_');
    }
    name
}

/// A letter, digit or `_` that every interpreter in use takes for one.
pub(crate) fn is_portable(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c.is_alphabetic() && is_old(c)
}

/// Letters of scripts whose blocks have been full since before any interpreter in use: Latin, Greek, Cyrillic, kana, Han,
/// Hangul.
fn is_old(c: char) -> bool {
    matches!(u32::from(c), 0xC0..=0x24F | 0x386..=0x3CE | 0x400..=0x4FF | 0x3041..=0x30FA | 0x4E00..=0x9FA5 | 0xAC00..=0xD7A3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_modules_are_files_everywhere_and_apart() {
        assert!(KEPT.is_sorted());
        let names = ["Git", "git", "con", "aio", "größe", "größ\u{f6}", "x", "NUL"];
        let files = portable_names(&names, Portable::Modules, &|_| false);
        let all: Vec<&str> = names.iter().map(|name| files[*name].as_str()).collect();
        assert_eq!((all[2], all[3], all[6], all[7]), ("con_", "aio_", "x", "NUL_"));
        let mut folded: Vec<String> = all.iter().map(|name| name.to_ascii_lowercase()).collect();
        folded.sort();
        folded.dedup();
        assert_eq!(folded.len(), names.len(), "{all:?}");
        assert!(all.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')));
        let backwards: Vec<&str> = names.iter().rev().copied().collect();
        assert_eq!(portable_names(&backwards, Portable::Modules, &|_| false), files);
    }

    #[test]
    fn names_that_python_calls_by_itself_are_given_to_nobody() {
        let names =
            ["__dir__", "__getattr__", "__debug__", "__path__", "__name__", "__dir___", "__", "__x", "x__"];
        for purpose in [Portable::Functions, Portable::Modules] {
            let given = portable_names(&names, purpose, &|_| false);
            for name in &names[..5] {
                assert!(given[*name].starts_with(&format!("{name}_")), "{}", given[*name]);
            }
            for name in &names[5..] {
                assert_eq!(given[*name], *name);
            }
            assert_ne!(given["__dir__"], given["__dir___"]);
        }
    }

    #[test]
    fn functions_keep_letters_that_every_interpreter_knows() {
        let taken = |name: &str| name == "list";
        // U+1E922 is a letter since Unicode 9, U+16EBB only since Unicode 17.
        let names = portable_names(
            &["list", "获取", "größe", "a\u{1e922}", "con", "list_"],
            Portable::Functions,
            &taken,
        );
        assert_eq!((names["获取"].as_str(), names["größe"].as_str()), ("获取", "größe"));
        assert_eq!((names["a\u{1e922}"].as_str(), names["con"].as_str()), ("a_", "con"));
        assert_eq!(names["list_"], "list_");
        assert!(names["list"].starts_with("list__"), "{}", names["list"]);
    }
}
