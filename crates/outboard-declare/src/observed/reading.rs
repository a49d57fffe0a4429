//! From the text of one result to its shape, in one pass without building the value.
//! Reads a bounded part of it; the rest is only skipped, which is what bounds its time.

use std::{borrow::Cow, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{
    DEEPEST, MOST_ITEMS, MOST_VALUES,
    calls::Calls,
    shape::{Field, Record, Shape, Words},
    words::{is_enumerated, is_name, is_word},
};

/// The shape of the result of this call.
pub(super) fn read(result: &str, call: u32) -> Result<Shape, serde_json::Error> {
    let mut budget = MOST_VALUES;
    let mut reader = serde_json::Deserializer::from_str(result);
    let shape = Place { budget: &mut budget, call, depth: 0, enumerated: false }.deserialize(&mut reader)?;
    reader.end()?;
    Ok(shape)
}

/// A place in the result, about to be read.
struct Place<'b> {
    /// Values that may still be looked at.
    budget: &'b mut usize,
    call: u32,
    depth: usize,
    /// Its strings are words of a list.
    enumerated: bool,
}

impl Place<'_> {
    fn inside(&mut self, enumerated: bool) -> Place<'_> {
        Place { budget: &mut *self.budget, call: self.call, depth: self.depth + 1, enumerated }
    }

    /// Takes one value from the budget.
    fn takes(&mut self) -> bool {
        let left = *self.budget > 0;
        *self.budget -= usize::from(left);
        left
    }
}

impl<'de> DeserializeSeed<'de> for Place<'_> {
    type Value = Shape;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Shape, D::Error> {
        reader.deserialize_any(self)
    }
}

/// A key, of which long ones are not copied if they can be borrowed.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Self::Value, D::Error> {
        reader.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

impl<'de> Visitor<'de> for Place<'_> {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape { null: true, ..Shape::default() })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape { boolean: true, ..Shape::default() })
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape { integer: true, ..Shape::default() })
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape { integer: true, ..Shape::default() })
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape { number: true, ..Shape::default() })
    }

    fn visit_str<E>(self, text: &str) -> Result<Shape, E> {
        let words = match self.enumerated && is_word(text) {
            true => Words { words: vec![(text.to_owned(), Calls::of(self.call))] },
            false => Words::any(),
        };
        Ok(Shape { string: Some(words), ..Shape::default() })
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<Shape, A::Error> {
        let mut shape = Shape::default();
        if self.depth < DEEPEST {
            for _ in 0..MOST_ITEMS {
                if !self.takes() {
                    break;
                }
                let Some(item) = items.next_element_seed(self.inside(false))? else { break };
                shape.widen(item);
            }
        }
        let mut skipped = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            skipped = true;
        }
        // What was not looked at at all can be anything.
        shape.anything |= skipped && shape == Shape::default();
        Ok(Shape { list: Some(Box::new(shape)), ..Shape::default() })
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<Shape, A::Error> {
        let mut record = Record { seen: 1, ..Record::default() };
        let mut named = HashSet::new();
        let mut skipped = false;
        while let Some(key) = members.next_key_seed(Key)? {
            if self.depth >= DEEPEST || !self.takes() {
                members.next_value::<IgnoredAny>()?;
                skipped = true;
                continue;
            }
            let may_be_named = is_name(&key);
            let shape = members.next_value_seed(self.inside(may_be_named && is_enumerated(&key)))?;
            if may_be_named {
                // A name that stands twice in one record is one name of it.
                let seen = u64::from(named.insert(key.to_string()));
                let calls = Calls::of(self.call);
                record.put(Field { name: key.into_owned(), seen, calls, shape });
            } else {
                record.put_other(shape);
            }
        }
        if skipped {
            record.put_other(Shape { anything: true, ..Shape::default() });
        }
        Ok(Shape { record: Some(Box::new(record)), ..Shape::default() })
    }
}
