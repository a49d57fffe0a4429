//! References of a JSON text by where they stand, without building anything of it, and which of them lead out of it.
//! Nothing is fetched here.

use std::{collections::BTreeMap, ops::Range};

use memchr::memmem;

/// Other documents that are told apart.
const MOST: usize = 1_000;
const KEY: &[u8] = b"\"$ref\"";

/// Other documents that a document refers to, each with how often and why it is not here.
pub(crate) type Unread = BTreeMap<String, (usize, String)>;

/// Every text that stands under `$ref` in this JSON text: where it stands with its quotation marks, and what it says.
pub(crate) fn references(json: &str) -> impl Iterator<Item = (Range<usize>, String)> {
    memmem::find_iter(json.as_bytes(), KEY).filter_map(|at| {
        // Within a text the quotation marks would be escaped.
        let inside = json.as_bytes()[..at].last() == Some(&b'\\');
        let after = json[at + KEY.len()..].trim_start().strip_prefix(':')?.trim_start();
        let start = json.len() - after.len();
        let end = start + literal(after).filter(|_| !inside)?;
        Some((start..end, serde_json::from_str(&json[start..end]).ok()?))
    })
}

/// Bytes of the text literal that this begins with, if it begins with one.
fn literal(json: &str) -> Option<usize> {
    let mut escaped = false;
    let inside = json.strip_prefix('"')?;
    let end = inside.bytes().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => byte == b'"',
    })?;
    Some(end + 2)
}

/// The other documents that a JSON text refers to. `why` says of one why it is not here.
pub(crate) fn unread(json: &str, why: impl Fn(&str) -> String) -> Unread {
    let mut found = Unread::new();
    for (_, reference) in references(json) {
        let target = reference.split('#').next().unwrap_or_default();
        if target.is_empty() {
            continue;
        }
        if let Some((times, _)) = found.get_mut(target) {
            *times += 1;
        } else if found.len() < MOST {
            found.insert(target.to_owned(), (1, why(target)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_where_they_stand_and_nowhere_else() {
        let json = r##"{
            "a": {"$ref": "#/a"}, "b": [{"$ref" : "x.yaml#/b"}], "$ref": "x.yaml",
            "properties": {"$ref": {"type": "string"}}, "required": ["$ref"],
            "said": "it says \"$ref\": \"y.yaml\"", "odd": "\\", "c": {"$ref": "q\"\\.json"}
        }"##;
        let found: Vec<String> = references(json)
            .map(|(range, text)| {
                assert_eq!(serde_json::from_str::<String>(&json[range]).unwrap(), text);
                text
            })
            .collect();
        assert_eq!(found, ["#/a", "x.yaml#/b", "x.yaml", "q\"\\.json"]);
        let unread = unread(json, |target| format!("why {target}"));
        let expected = [("q\"\\.json", (1, "why q\"\\.json")), ("x.yaml", (2, "why x.yaml"))];
        assert_eq!(
            unread,
            expected.map(|(name, (times, why))| (name.to_owned(), (times, why.to_owned()))).into()
        );
    }
}
