//! From a tool's schema to the shape that scripts are checked against before they run.
//!
//! Schemas are untrusted: the shape is bounded in size, nothing is fetched, references are followed within the schema
//! and not in circles. What is not understood fits everything, so that a value that the schema takes fits its shape.

use std::collections::BTreeMap;

use outboard_script::{Argument, Choice, Kinds, Member, Members, Others, Shape, Value as Given};
use serde_json::{Map, Value};

/// Schemas that are read for one shape, references counted as often as they are followed.
const SCHEMAS: usize = 2_000;
/// Levels of nesting.
const DEEPEST: usize = 12;
/// Names of one object, choices of one value, alternatives of one schema; what has more is not looked into.
const NAMES: usize = 1_000;
const CHOICES: usize = 500;
const ALTERNATIVES: usize = 50;

/// Keywords by which other parts of a schema may declare names too.
const COMPOSED: [&str; 10] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentSchemas",
    "dependencies",
    "patternProperties",
    "propertyNames",
    "unevaluatedProperties",
];

/// The shape of what a schema takes.
pub(crate) fn shape(schema: Option<&Value>) -> Shape {
    let Some(root) = schema else { return Shape::default() };
    Reader { root, left: SCHEMAS, following: Vec::new() }.read(root, 0, true)
}

/// A value as the checks of a script see one.
pub(crate) fn argument(value: &Value) -> Argument<'_> {
    Argument::of(match value {
        Value::Null => Given::Null,
        Value::Bool(boolean) => Given::Boolean(*boolean),
        Value::Number(number) => number.as_f64().map_or(Given::Unknown, Given::Number),
        Value::String(text) => Given::Text(Some(text.as_str().into())),
        Value::Array(items) => Given::Array { items: items.iter().map(argument).collect(), open: false },
        Value::Object(members) => Given::Object {
            members: members.iter().map(|(name, value)| Member::of(name.as_str(), argument(value))).collect(),
            open: false,
        },
    })
}

struct Reader<'s> {
    root: &'s Value,
    left: usize,
    /// Targets of references that lead to the schema that is read, on the same value.
    following: Vec<*const Value>,
}

impl<'s> Reader<'s> {
    /// `alone`: no other part of the schema judges the same value.
    fn read(&mut self, schema: &'s Value, depth: usize, alone: bool) -> Shape {
        self.left = self.left.saturating_sub(1);
        let Some(keywords) = schema.as_object().filter(|_| self.left > 0 && depth <= DEEPEST) else {
            return Shape::default();
        };
        let elsewhere =
            ["$dynamicRef", "$recursiveRef"].iter().any(|keyword| keywords.contains_key(*keyword));
        let rebased = depth > 0
            && ["$id", "id"].iter().any(|keyword| keywords.get(*keyword).is_some_and(Value::is_string));
        if elsewhere || rebased {
            return Shape::default();
        }
        if let Some(reference) = keywords.get("$ref") {
            // What stands beside a reference counts in some versions of JSON Schema only.
            return self.follow(reference, depth, alone && keywords.len() == 1);
        }
        let alone = alone && !COMPOSED.iter().any(|keyword| keywords.contains_key(*keyword));
        let mut shape = Shape {
            kinds: kinds(keywords),
            choices: choices(keywords),
            members: self.members(keywords, depth, alone),
            items: self.items(keywords, depth, alone),
            ..Shape::default()
        };
        for part in alternatives(keywords, "allOf") {
            shape.all_of.push(self.read(part, depth + 1, false));
        }
        for keyword in ["anyOf", "oneOf"] {
            let any_of: Vec<Shape> = alternatives(keywords, keyword)
                .iter()
                .map(|part| self.read(part, depth + 1, false))
                .collect();
            if !any_of.is_empty() && !any_of.iter().any(Shape::is_any) {
                shape.all_of.push(Shape { any_of, ..Shape::default() });
            }
        }
        shape
    }

    fn follow(&mut self, reference: &Value, depth: usize, alone: bool) -> Shape {
        let target = reference
            .as_str()
            .and_then(|text| text.strip_prefix('#'))
            .and_then(|path| self.root.pointer(path));
        let Some(target) = target.filter(|target| !self.following.contains(&std::ptr::from_ref(*target)))
        else {
            return Shape::default();
        };
        self.following.push(target);
        let shape = self.read(target, depth + 1, alone);
        self.following.pop();
        shape
    }

    /// What is read of another value than the schema's own.
    fn inside(&mut self, schema: &'s Value, depth: usize, alone: bool) -> Shape {
        let following = std::mem::take(&mut self.following);
        let shape = self.read(schema, depth + 1, alone);
        self.following = following;
        shape
    }

    fn members(&mut self, keywords: &'s Map<String, Value>, depth: usize, alone: bool) -> Option<Members> {
        let none = Map::new();
        let properties = match keywords.get("properties") {
            Some(properties) => properties.as_object().filter(|properties| properties.len() <= NAMES)?,
            None => &none,
        };
        let required: Vec<String> = match keywords.get("required") {
            Some(Value::Array(required)) if required.len() <= NAMES => {
                required.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
            }
            _ => Vec::new(),
        };
        let others = match keywords.get("additionalProperties") {
            _ if keywords.contains_key("patternProperties") => Others::Taken,
            Some(Value::Bool(false)) => Others::Refused,
            None if alone && !properties.is_empty() => Others::Unsaid,
            _ => Others::Taken,
        };
        let mut named = BTreeMap::new();
        if let Some(Value::Object(properties)) = keywords.get("properties") {
            for (name, schema) in properties {
                named.insert(name.clone(), self.inside(schema, depth, alone));
            }
        }
        let says_nothing = named.is_empty() && required.is_empty() && others == Others::Taken;
        (!says_nothing).then_some(Members { named, required, others })
    }

    fn items(&mut self, keywords: &'s Map<String, Value>, depth: usize, alone: bool) -> Option<Box<Shape>> {
        let items = keywords
            .get("items")
            .filter(|items| items.is_object() && !keywords.contains_key("prefixItems"))?;
        let shape = self.inside(items, depth, alone);
        (!shape.is_any()).then(|| Box::new(shape))
    }
}

fn kinds(keywords: &Map<String, Value>) -> Kinds {
    let kinds = match keywords.get("type") {
        Some(Value::String(name)) => kind(name),
        Some(Value::Array(names)) => names
            .iter()
            .map(|name| name.as_str().and_then(kind))
            .try_fold(Kinds::NONE, |all, kind| kind.map(|kind| all.or(kind)))
            .filter(|kinds| *kinds != Kinds::NONE),
        _ => None,
    };
    match (kinds, keywords.get("nullable")) {
        // Not of JSON Schema, but what whoever writes it means is plain.
        (Some(kinds), Some(Value::Bool(true))) => kinds.or(Kinds::NULL),
        (kinds, _) => kinds.unwrap_or_default(),
    }
}

fn kind(name: &str) -> Option<Kinds> {
    Some(match name {
        "null" => Kinds::NULL,
        "boolean" => Kinds::BOOLEAN,
        "integer" => Kinds::INTEGER,
        "number" => Kinds::NUMBER,
        "string" => Kinds::TEXT,
        "array" => Kinds::ARRAY,
        "object" => Kinds::OBJECT,
        _ => return None,
    })
}

fn choices(keywords: &Map<String, Value>) -> Option<Vec<Choice>> {
    let values = match (keywords.get("const"), keywords.get("enum")) {
        (Some(only), _) => std::slice::from_ref(only),
        (None, Some(Value::Array(values))) if (1..=CHOICES).contains(&values.len()) => values,
        _ => return None,
    };
    let null = (keywords.get("nullable") == Some(&Value::Bool(true))).then_some(Choice::Null);
    let choices = values.iter().map(|value| match value {
        Value::Null => Some(Choice::Null),
        Value::Bool(boolean) => Some(Choice::Boolean(*boolean)),
        Value::Number(number) => number.as_f64().map(Choice::Number),
        Value::String(text) => Some(Choice::Text(text.clone())),
        Value::Array(_) | Value::Object(_) => None,
    });
    choices.chain(null.map(Some)).collect()
}

fn alternatives<'s>(keywords: &'s Map<String, Value>, keyword: &str) -> &'s [Value] {
    match keywords.get(keyword) {
        Some(Value::Array(parts)) if parts.len() <= ALTERNATIVES => parts,
        _ => &[],
    }
}

#[cfg(test)]
mod tests;
