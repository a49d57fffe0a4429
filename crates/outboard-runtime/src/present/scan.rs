//! Finds the parts of a JSON text without building them: where values end, what containers hold.
//! It relies on the text being valid JSON ([`crate::json::Json`] promises that) and never panics
//! if it is not; it does not check.

use std::ops::Range;

/// One element of an array or one entry of an object, as places in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Child {
    /// The key with its quotes; empty in an array.
    pub(super) key: Range<usize>,
    /// The value.
    pub(super) value: Range<usize>,
}

/// The place of the first byte at or after `at` that is no white space.
pub(super) fn skip_space(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

/// The place after the string that opens at `at`.
pub(super) fn string_end(text: &[u8], at: usize) -> usize {
    let mut next = at + 1;
    while let Some(found) = text.get(next..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        next += found;
        if text[next] == b'"' {
            return next + 1;
        }
        next += 2;
    }
    text.len()
}

/// The place after the value that starts at `at`.
pub(super) fn value_end(text: &[u8], at: usize) -> usize {
    match text.get(at) {
        Some(b'"') => string_end(text, at),
        Some(b'{' | b'[') => container_end(text, at),
        _ => {
            let rest = text.get(at..).unwrap_or_default();
            let length = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t'));
            at + length.unwrap_or(rest.len())
        }
    }
}

fn container_end(text: &[u8], at: usize) -> usize {
    let mut depth = 0usize;
    let mut next = at;
    while let Some(byte) = text.get(next) {
        match byte {
            b'"' => {
                next = string_end(text, next);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return next + 1;
                }
            }
            _ => {}
        }
        next += 1;
    }
    text.len()
}

/// The children of the container that opens at `at`, in order.
pub(super) fn children(text: &[u8], at: usize) -> Children<'_> {
    Children { text, keyed: text.get(at) == Some(&b'{'), next: at + 1 }
}

/// Iterator of [`children`].
pub(super) struct Children<'a> {
    text: &'a [u8],
    keyed: bool,
    next: usize,
}

impl Iterator for Children<'_> {
    type Item = Child;

    fn next(&mut self) -> Option<Child> {
        let mut at = skip_space(self.text, self.next);
        if self.text.get(at) == Some(&b',') {
            at = skip_space(self.text, at + 1);
        }
        if matches!(self.text.get(at), None | Some(b'}' | b']')) {
            self.next = at;
            return None;
        }
        let mut key = at..at;
        if self.keyed {
            key.end = string_end(self.text, at);
            let colon = skip_space(self.text, key.end);
            at = skip_space(self.text, colon + 1);
        }
        let end = value_end(self.text, at).max(at + 1).min(self.text.len());
        self.next = end;
        (at < end).then_some(Child { key, value: at..end })
    }
}

/// Whether a container or string opens here; everything else is short by nature.
pub(super) fn is_container(text: &[u8], at: usize) -> bool {
    matches!(text.get(at), Some(b'{' | b'['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_found_whatever_they_contain() {
        for (text, expected) in [
            ("[]", vec![]),
            (" { } ", vec![]),
            ("[1,2]", vec![("", "1"), ("", "2")]),
            ("[ 1 , [2,[3]] , \"a,]\\\"\" ]", vec![("", "1"), ("", "[2,[3]]"), ("", "\"a,]\\\"\"")]),
            ("{\"a\":1, \"b\\\"}\" : {\"c\":[]}}", vec![("\"a\"", "1"), ("\"b\\\"}\"", "{\"c\":[]}")]),
            ("{\"\":null,\"x\":-1.5e3}", vec![("\"\"", "null"), ("\"x\"", "-1.5e3")]),
        ] {
            let bytes = text.as_bytes();
            let found: Vec<_> = children(bytes, skip_space(bytes, 0))
                .map(|child| (&text[child.key.clone()], &text[child.value.clone()]))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn broken_text_ends_the_scan() {
        for text in
            ["[", "{", "[1", "{\"a", "{\"a\"", "{\"a\":", "[\"\\", "[[[[", "{:}", "[,,,]", "{\"a\":}", "]"]
        {
            assert!(children(text.as_bytes(), 0).count() <= text.len(), "{text}");
        }
    }
}
