//! One original name to one identifier, without regard to others.
//! Talks to the lists of reserved words; it does not resolve collisions.

use unicode_ident::{is_xid_continue, is_xid_start};
use unicode_normalization::UnicodeNormalization;

use super::RESERVED_WORDS;
use crate::text::is_invisible;

/// Longest identifier given, in characters. What is cut off is restored by the mapping, not by the name.
pub(super) const LONGEST: usize = 100;

/// The identifier closest to `original`: never empty, valid in TypeScript and Python alike, at most 100
/// characters and an underscore or two.
///
/// Letters, digits and case stay; every other character becomes `_` (so `create-issue` is `create_issue`);
/// a name that would start with a digit starts with `_`; a reserved word and a name `__like_this__` end with `_`. Unicode letters stay, in
/// normal form NFKC (which Python applies itself); letters that look alike are not told apart. Two originals
/// may meet in one identifier: see [`Names`](super::Names).
///
/// ```
/// use outboard_declare::names::identifier;
/// assert_eq!(identifier("get_data_chunk"), "get_data_chunk");
/// assert_eq!(identifier("create-issue"), "create_issue");
/// assert_eq!(identifier("2fa"), "_2fa");
/// assert_eq!(identifier("delete"), "delete_");
/// ```
pub fn identifier(original: &str) -> String {
    let mut name: String = original
        .chars()
        .take(LONGEST)
        .nfkc()
        .take(LONGEST)
        .map(|c| if is_continue(c) { c } else { '_' })
        .collect();
    if !name.starts_with(is_start) {
        name.insert(0, '_');
    }
    if is_reserved(&name) {
        name.push('_');
    }
    name
}

/// Whether `name` can stand after a dot or be declared as it is.
pub fn is_identifier(name: &str) -> bool {
    name.starts_with(is_start) && name.chars().all(is_continue) && !is_reserved(name)
}

fn is_reserved(name: &str) -> bool {
    RESERVED_WORDS.binary_search(&name).is_ok() || is_special(name)
}

/// Whether a language keeps the name for itself, as `__dir__` and `__proto__`, unlike `__dir___`. Python calls functions of
/// such names by itself (`__getattr__`), refuses to assign some (`__debug__`), and every object has others (`__class__`).
pub(super) fn is_special(name: &str) -> bool {
    let inner = name.strip_prefix("__").and_then(|name| name.strip_suffix("__"));
    inner.is_some_and(|inner| !inner.starts_with('_') && !inner.ends_with('_') && !inner.is_empty())
}

fn is_start(c: char) -> bool {
    c == '_' || (is_xid_start(c) && !is_invisible(c))
}

fn is_continue(c: char) -> bool {
    is_xid_continue(c) && !is_invisible(c)
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, identifier, is_identifier};

    #[test]
    fn identifiers_are_valid_and_close_to_the_original() {
        let cases = [
            ("get_data_chunk", "get_data_chunk"),
            ("getDataChunk", "getDataChunk"),
            ("API-post-search", "API_post_search"),
            ("a.b/c:d e", "a_b_c_d_e"),
            ("", "_"),
            ("_", "_"),
            ("!!", "__"),
            ("2fa", "_2fa"),
            ("$ref", "_ref"),
            ("delete", "delete_"),
            ("delete_", "delete_"),
            ("Delete", "Delete"),
            ("lambda", "lambda_"),
            ("then", "then_"),
            ("__proto__", "__proto___"),
            ("__dir__", "__dir___"),
            ("__dir___", "__dir___"),
            ("__", "__"),
            ("__x", "__x"),
            ("x__", "x__"),
            ("größe", "größe"),
            ("gro\u{0308}ße", "größe"),
            ("获取页面", "获取页面"),
            ("données-clés", "données_clés"),
            ("ａｂｃ", "abc"),
            ("\u{0301}x", "_\u{0301}x"),
            ("a\u{200d}b", "a_b"),
            ("a\u{202e}b", "a_b"),
            ("a\u{3164}b", "a_b"),
            ("a\nb\0", "a_b_"),
            ("😀", "_"),
            ("x😀", "x_"),
            ("a\"];evil(", "a___evil_"),
        ];
        for (original, expected) in cases {
            let got = identifier(original);
            assert_eq!(got, expected, "for {original:?}");
            assert!(is_identifier(&got), "{got:?} is no identifier");
        }
    }

    #[test]
    fn a_very_long_name_is_cut() {
        let name = identifier(&"9\u{fdfa}".repeat(500_000));
        assert!(name.chars().count() <= LONGEST + 2);
        assert!(is_identifier(&name));
    }
}
