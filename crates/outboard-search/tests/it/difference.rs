//! An index that was changed answers exactly as one that was built from scratch.

use std::collections::BTreeMap;

use outboard_search::{Document, Index, Key};
use proptest::prelude::*;

const WORDS: [&str; 14] = [
    "create",
    "delete",
    "issue",
    "repository",
    "calendar",
    "event",
    "listEvents",
    "mail",
    "the",
    "hotel",
    "Hotels",
    "quixotic",
    "zone",
    "timezone",
];

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), 0..6).prop_map(|words| words.join(" "))
}

fn change() -> impl Strategy<Value = ((u8, u8), Option<String>)> {
    ((0..3_u8, 0..6_u8), prop::option::weighted(0.7, text()))
}

fn key((namespace, name): (u8, u8)) -> Key {
    Key::new(&format!("n{namespace}"), WORDS[usize::from(name)])
}

fn document(description: &str) -> Document<'_> {
    Document {
        description: Some(description),
        parameters: vec![("zone", description)],
        ..Document::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn a_changed_index_equals_one_built_from_scratch(
        changes in prop::collection::vec(change(), 0..40),
        queries in prop::collection::vec(text(), 1..5),
    ) {
        let mut changed = Index::new();
        let mut now = BTreeMap::new();
        for (name, description) in &changes {
            let key = key(*name);
            // Earlier versions stay as they are while they are read elsewhere.
            let earlier = changed.clone();
            let before = earlier.search("create hotel", 5);
            match description {
                Some(description) => {
                    changed.put(key.clone(), &document(description));
                    now.insert(key, description.clone());
                }
                None => {
                    changed.remove(&key);
                    now.remove(&key);
                }
            }
            prop_assert_eq!(earlier.search("create hotel", 5), before);
        }
        let mut scratch = Index::new();
        for (key, description) in &now {
            scratch.put(key.clone(), &document(description));
        }
        prop_assert_eq!(changed.len(), now.len());
        for query in queries.iter().map(String::as_str).chain(["quixotik", "hotel. then mail, and zone", "list_events"]) {
            prop_assert_eq!(changed.search(query, 10), scratch.search(query, 10), "for {:?}", query);
        }
    }
}
