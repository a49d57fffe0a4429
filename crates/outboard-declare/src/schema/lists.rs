//! The array keywords: items, and tuples in the spelling of every draft.
//! Part of the reader; lengths of plain arrays are facts, not types.

use serde_json::{Map, Value};

use super::reader::Reader;
use super::warning::Oddity;
use crate::model::{Kind, Tuple, Type};

/// Longest tuple read as one.
const MOST_PLACES: usize = 64;

impl<'s> Reader<'s> {
    pub(super) fn array(&mut self, keywords: &'s Map<String, Value>, depth: usize) -> Kind {
        // Up to 2019-09 a tuple is a list under `items`, later it is `prefixItems`.
        let (places, step, rest) = match (keywords.get("prefixItems"), keywords.get("items")) {
            (Some(Value::Array(places)), rest) => (places, "prefixItems", rest),
            (_, Some(Value::Array(places))) => (places, "items", keywords.get("additionalItems")),
            (_, items) => {
                let items = items.map_or_else(Type::any, |items| self.inside("items", items, depth));
                return Kind::Array(Box::new(items));
            }
        };
        if places.len() > MOST_PLACES {
            self.warn(Oddity::TooLarge { what: "places of a tuple" });
            return Kind::Array(Box::new(Type::any()));
        }
        let items: Vec<Type> = places
            .iter()
            .enumerate()
            .map(|(at, place)| self.inside(&format!("{step}/{at}"), place, depth))
            .collect();
        let least =
            keywords.get("minItems").and_then(Value::as_u64).and_then(|least| usize::try_from(least).ok());
        let required = least.map_or(items.len(), |least| least.min(items.len()));
        let rest = rest.filter(|rest| **rest != Value::Bool(false));
        let rest = rest.map(|rest| {
            Box::new(self.inside(if step == "items" { "additionalItems" } else { "items" }, rest, depth))
        });
        Kind::Tuple(Tuple { items, required, rest })
    }
}
