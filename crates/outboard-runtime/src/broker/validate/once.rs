//! Arguments as a tree in which each name stands once. Readers differ in which of two they take, so that what was judged or
//! shown could be another value than the one that the upstream uses. It judges nothing else.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Characters of a name that are told.
const TOLD: usize = 80;

/// The tree, or which name stands twice and where. What is no JSON for this reader is `null`.
pub(super) fn read(text: &str) -> Result<Value, String> {
    match serde_json::from_str::<Once>(text) {
        Ok(Once(value)) => Ok(value),
        Err(error) if error.is_data() => Err(error.to_string()),
        Err(_) => Ok(Value::Null),
    }
}

struct Once(Value);

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Once;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Once, E> {
        Ok(Once(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Once, E> {
        Ok(Once(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Once, A::Error> {
        let mut all = Vec::new();
        while let Some(Once(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Once(Value::Array(all)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Once, A::Error> {
        let mut all = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if all.contains_key(&name) {
                let name: String = name.chars().take(TOLD).flat_map(char::escape_debug).collect();
                return Err(A::Error::custom(format_args!("the name `{name}` stands twice in an object")));
            }
            let Once(value) = members.next_value()?;
            all.insert(name, value);
        }
        Ok(Once(Value::Object(all)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_once_is_read_as_it_is() {
        let value = json!({"a": [1, -2, 1.5, u64::MAX, true, null, "\u{1b}"], "b": {"a": {}}});
        assert_eq!(read(&value.to_string()), Ok(value));
        assert_eq!(read("[1e400]"), Ok(Value::Null));
    }

    #[test]
    fn a_name_that_stands_twice_is_told_however_it_is_spelt() {
        for text in [r#"{"to":"a","to":"b"}"#, r#"{"x":[{"to":1,"t\u006f":1}]}"#] {
            let told = read(text).unwrap_err();
            assert!(told.starts_with("the name `to` stands twice in an object at line 1"), "{told}");
        }
    }
}
