//! How much work a schema can ask of a validator, before any of it is done.
//!
//! A few kilobytes of `$ref`s can unfold to more steps than there is time. The schema is unfolded here by counting
//! only, each part once for each depth of the arguments. It does not validate.

use std::collections::HashMap;

use serde_json::Value;

/// Keywords whose subschemas judge the same value.
const IN_PLACE: [&str; 10] =
    ["allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas", "dependencies", "$ref"];
/// Keywords whose subschemas judge what is inside the value.
const INSIDE: [&str; 11] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "propertyNames",
    "unevaluatedProperties",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
    "contentSchema",
];
/// Keywords that lead elsewhere in ways that are not followed here.
const ELSEWHERE: [&str; 3] = ["$dynamicRef", "$recursiveRef", "$anchor"];

/// Schemas that judge one value nested `depth` deep, each counted as often as it judges; `None` if that
/// cannot be told or has no end.
pub(super) fn steps(schema: &Value, depth: usize) -> Option<u64> {
    let mut counter = Counter { root: schema, known: HashMap::new() };
    counter.count(schema, depth)
}

/// Levels of nesting of a value, and values in it.
pub(super) fn extent(value: &Value) -> (usize, u64) {
    let inside: Vec<(usize, u64)> = match value {
        Value::Array(items) => items.iter().map(extent).collect(),
        Value::Object(members) => members.values().map(extent).collect(),
        _ => Vec::new(),
    };
    let depth = inside.iter().map(|(depth, _)| depth + 1).max().unwrap_or(0);
    (depth, 1 + inside.iter().map(|(_, values)| values).sum::<u64>())
}

struct Counter<'s> {
    root: &'s Value,
    // `None` while it is being counted: a schema that leads to itself on the same value has no end.
    known: HashMap<(*const Value, usize), Option<u64>>,
}

impl<'s> Counter<'s> {
    fn count(&mut self, schema: &'s Value, depth: usize) -> Option<u64> {
        let Value::Object(members) = schema else { return Some(1) };
        let key = (std::ptr::from_ref(schema), depth);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        self.known.insert(key, None);
        let mut total = 1_u64;
        for (keyword, value) in members {
            if ELSEWHERE.contains(&keyword.as_str()) {
                return None;
            }
            let part = match keyword.as_str() {
                "$ref" => self.count(self.target(value)?, depth)?,
                // What is inside is there only where the arguments go on.
                inside if INSIDE.contains(&inside) => match depth.checked_sub(1) {
                    Some(depth) => self.parts(value, depth)?,
                    None => 0,
                },
                in_place if IN_PLACE.contains(&in_place) => self.parts(value, depth)?,
                _ => 0,
            };
            total = total.saturating_add(part);
        }
        self.known.insert(key, Some(total));
        Some(total)
    }

    /// A keyword's value: a schema, a list of schemas, or schemas by name.
    fn parts(&mut self, value: &'s Value, depth: usize) -> Option<u64> {
        let mut total = self.count(value, depth)?;
        let parts: Vec<&Value> = match value {
            Value::Array(parts) => parts.iter().collect(),
            Value::Object(parts) => parts.values().collect(),
            _ => Vec::new(),
        };
        for part in parts {
            total = total.saturating_add(self.count(part, depth)?);
        }
        Some(total)
    }

    fn target(&self, reference: &Value) -> Option<&'s Value> {
        let fragment = reference.as_str()?.strip_prefix('#')?;
        self.root.pointer(fragment)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_schemas_cost_what_they_are() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "string"}, "b": {"items": {"type": "number"}}}});
        assert!(steps(&schema, 8).is_some_and(|steps| (4..20).contains(&steps)), "{:?}", steps(&schema, 8));
        assert_eq!(steps(&json!(true), 8), Some(1));
    }

    #[test]
    fn doubling_references_are_counted_without_being_followed_each_time() {
        let mut definitions = serde_json::Map::new();
        for n in 0..60 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            definitions.insert(format!("d{n}"), json!({"allOf": [next, next]}));
        }
        definitions.insert("d60".to_owned(), json!({"type": "object"}));
        let schema = json!({"$defs": definitions, "$ref": "#/$defs/d0"});
        assert!(steps(&schema, 4).is_some_and(|steps| steps > 1 << 60));
    }

    #[test]
    fn recursion_costs_by_the_depth_of_the_arguments_and_has_no_end_on_one_value() {
        let tree = json!({"properties": {"l": {"$ref": "#"}, "r": {"$ref": "#"}}});
        assert!(steps(&tree, 3).is_some_and(|steps| steps < 200));
        assert!(steps(&tree, 60).is_some_and(|steps| steps > 1 << 50));
        assert_eq!(steps(&json!({"allOf": [{"$ref": "#"}]}), 3), None);
        assert_eq!(steps(&json!({"$ref": "https://example.com/x"}), 3), None);
    }

    #[test]
    fn extents_are_depth_and_number() {
        assert_eq!(extent(&json!(1)), (0, 1));
        assert_eq!(extent(&json!({"a": [1, {"b": 2}]})), (3, 5));
    }
}
