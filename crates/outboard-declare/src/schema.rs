//! JSON Schema (draft-07, 2019-09, 2020-12) to the type tree, with warnings; it never fails and fetches nothing.
//! Work and result are bounded whatever the schema: depth, size, references. What a reader of TypeScript expects
//! wins over the letter of the specification in a few places: an object whose `additionalProperties` is not
//! mentioned is just its properties; a tuple without `minItems` has all its places; keywords imply their type.

mod breadth;
mod facts;
mod layout;
mod lists;
mod objects;
mod reader;
mod references;
mod share;
mod warning;

use serde_json::{Map, Value};

pub use warning::{Oddity, Warning};

use crate::model::Document;

/// Deepest nesting of schemas that is read; deeper ones are any value.
pub const DEEPEST: usize = 32;

/// Most (sub)schemas read in one document; further ones are any value.
pub const MOST_SCHEMAS: usize = 5_000;

/// Most bytes of names, literals and descriptions taken from one document.
pub const MOST_TEXT: usize = 256 * 1024;

/// Most values of one `enum`; the rest is widened to their type.
pub const MOST_VALUES: usize = 256;

/// Most alternatives of one `anyOf` or `oneOf`; with more it is any value.
pub const MOST_ALTERNATIVES: usize = 64;

/// What came of reading a schema.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// The types.
    pub document: Document,
    /// What could not be taken as the schema says, at most 20 of them.
    pub warnings: Vec<Warning>,
}

/// Reads a whole schema.
pub fn read(schema: &Value) -> Reading {
    reader::read(schema, schema)
}

/// Reads a part of a schema, with its references resolved against the whole. `part` has to be a subtree of
/// `whole` for references to be shared; if it is not, it is read as if it were.
pub fn read_part(whole: &Value, part: &Value) -> Reading {
    reader::read(whole, part)
}

/// Whether a schema says no more of a value than that it is an object: no names, no types, no references.
///
/// ```
/// use outboard_declare::schema::says_nothing;
/// use serde_json::json;
/// assert!(says_nothing(&json!({"type": "object", "additionalProperties": true, "title": "Result"})));
/// assert!(!says_nothing(&json!({"type": "object", "properties": {"id": {}}})));
/// assert!(!says_nothing(&json!({"type": "string"})));
/// ```
pub fn says_nothing(schema: &Value) -> bool {
    let Some(keywords) = schema.as_object() else { return !matches!(schema, Value::Bool(false)) };
    keywords.iter().all(|(keyword, value)| match keyword.as_str() {
        "type" => value == "object",
        "additionalProperties" => *value == Value::Bool(true) || value.as_object().is_some_and(Map::is_empty),
        "properties" => value.as_object().is_some_and(Map::is_empty),
        "$schema" | "$id" | "title" | "description" | "default" => true,
        _ => false,
    })
}

/// What is inside an output schema that is a bare `{ result: … }` wrapper: an object with the one property
/// `result`, required, and no others let in. Servers wrap so because structured content has to be an object;
/// declarations show what is inside, and whoever delivers results unwraps by this same test.
///
/// ```
/// use outboard_declare::schema::wrapped_result;
/// use serde_json::json;
/// let wrapper = json!({"type": "object", "properties": {"result": {"type": "string"}}, "required": ["result"]});
/// assert_eq!(wrapped_result(&wrapper), Some(&json!({"type": "string"})));
/// assert_eq!(wrapped_result(&json!({"type": "object"})), None);
/// ```
pub fn wrapped_result(output: &Value) -> Option<&Value> {
    let schema = output.as_object()?;
    let is_object = schema.get("type").is_none_or(|ty| ty == "object");
    let is_closed = schema.get("additionalProperties").is_none_or(|others| *others == Value::Bool(false));
    let is_plain =
        ["$ref", "allOf", "anyOf", "oneOf", "patternProperties"].iter().all(|k| !schema.contains_key(*k));
    let properties = schema.get("properties")?.as_object()?;
    let required = schema.get("required")?.as_array()?;
    let result = properties.get("result")?;
    let only = properties.len() == 1 && required.len() == 1 && required[0] == "result";
    (is_object && is_closed && is_plain && only).then_some(result)
}
