//! From the schemas of a document to JSON Schema that stands alone: what OpenAPI writes in its own way is written as JSON
//! Schema has it, what is referred to goes along under `$defs` until the allowance is used up, the rest is any value.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value, json};

use crate::{
    document::{Document, Walk, built},
    operation::plain,
};

/// Levels of nesting of one schema, not counting what it refers to.
const DEEPEST: usize = 40;
/// Bytes of what is said of a property; deeper down less.
const SAID: usize = 600;
const SAID_INSIDE: usize = 200;
/// Schemas that are followed to find the properties of a body, and properties that are found.
const FOLLOWED: usize = 20;
const FOUND: usize = 2_000;

/// Whether a schema is of what goes in or of what comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Input,
    Output,
}

pub(crate) struct Converter<'d> {
    walk: Walk<'d>,
    side: Side,
    /// Bytes that may still be written.
    left: usize,
    names: HashMap<String, String>,
    waiting: VecDeque<(String, String)>,
    definitions: Map<String, Value>,
    inside: bool,
}

impl<'d> Converter<'d> {
    pub(crate) fn new(document: &'d Document, side: Side, allowance: usize) -> Self {
        Self {
            walk: Walk::new(document),
            side,
            left: allowance,
            names: HashMap::new(),
            waiting: VecDeque::new(),
            definitions: Map::new(),
            inside: false,
        }
    }

    /// A schema of the document as JSON Schema.
    pub(crate) fn convert(&mut self, schema: &Value) -> Value {
        self.schema(schema, 0)
    }

    /// The same, with files where the document asks for bytes.
    pub(crate) fn with_files(&mut self, schema: &Value) -> Value {
        let Some(found) = self.properties(schema).filter(|found| !found.is_empty()) else {
            return self.convert(schema);
        };
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for (name, property) in &found.all {
            let property = self.resolved(property);
            if property.get("readOnly") == Some(&Value::Bool(true)) {
                continue;
            }
            let of_items = property.get("items").map(|items| self.resolved(items));
            let converted = if is_file(&property) {
                super::file("a file: a text, or { base64, filename?, contentType? }")
            } else if of_items.is_some_and(|items| is_file(&items)) {
                json!({"type": "array", "items": super::file("a file: a text, or { base64, filename?, contentType? }")})
            } else {
                self.schema(&property, 1)
            };
            properties.insert(name.clone(), converted);
            if found.required.contains(name) {
                required.push(Value::from(name.as_str()));
            }
        }
        json!({"type": "object", "properties": properties, "required": required})
    }

    /// Adds what was referred to.
    pub(crate) fn finish(mut self, schema: Value) -> Value {
        self.inside = true;
        while let Some((pointer, name)) = self.waiting.pop_front() {
            // What is not read any more costs nothing.
            let found = if self.left > 0 { self.walk.find(&pointer).ok().and_then(built) } else { None };
            let definition = found.map_or_else(|| json!({}), |found| self.schema(&found, 0));
            self.definitions.insert(name, definition);
        }
        let mut schema = match schema {
            Value::Object(keywords) => keywords,
            _ => Map::new(),
        };
        if !self.definitions.is_empty() {
            schema.insert("$defs".to_owned(), Value::Object(self.definitions));
        }
        Value::Object(schema)
    }

    /// The names of the properties that an object has.
    pub(crate) fn property_names(&mut self, schema: &Value) -> Vec<String> {
        self.properties(schema)
            .map(|found| found.all.into_iter().map(|(name, _)| name).collect())
            .unwrap_or_default()
    }

    /// The properties of an object, also of those that it is made of.
    pub(crate) fn properties(&mut self, schema: &Value) -> Option<Properties> {
        let mut found = Properties::default();
        let mut known = HashSet::new();
        let mut waiting = vec![schema.clone()];
        for _ in 0..FOLLOWED {
            let Some(next) = waiting.pop() else { break };
            let Value::Object(keywords) = self.resolved(&next) else { continue };
            for (name, property) in
                keywords.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                if found.all.len() < FOUND && known.insert(name.clone()) {
                    found.all.push((name.clone(), property.clone()));
                }
            }
            let required = keywords.get("required").and_then(Value::as_array).into_iter().flatten();
            found.required.extend(required.take(FOUND).filter_map(|name| name.as_str().map(str::to_owned)));
            for part in keywords.get("allOf").and_then(Value::as_array).into_iter().flatten() {
                waiting.push(part.clone());
            }
        }
        Some(found)
    }

    /// What a schema refers to in the end, or itself.
    pub(crate) fn resolved(&mut self, schema: &Value) -> Value {
        let mut schema = schema.clone();
        for _ in 0..FOLLOWED {
            let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
            let Some(found) = self.walk.find(reference).ok().and_then(built) else { break };
            schema = found;
        }
        Value::Bool(true)
    }

    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        let keywords = match schema {
            Value::Object(keywords) => keywords,
            Value::Bool(truth) => return Value::Bool(*truth),
            _ => return json!({}),
        };
        if depth > DEEPEST || self.left == 0 {
            return json!({});
        }
        if let Some(reference) = keywords.get("$ref").and_then(Value::as_str) {
            return self.reference(reference, keywords);
        }
        let mut out = Map::new();
        for (keyword, value) in keywords {
            if let Some(value) = self.keyword(keyword, value, keywords, depth) {
                self.left = self.left.saturating_sub(keyword.len() + 8);
                let keyword = match keyword.as_str() {
                    // Documents are careless about what excludes what; nobody is to be refused for that.
                    "oneOf" if self.side == Side::Input => "anyOf",
                    other => other,
                };
                out.insert(keyword.to_owned(), value);
            }
        }
        self.hide_what_goes_the_other_way(keywords, &mut out);
        if self.left == 0 {
            // Some of its properties may be left out, and are no less allowed for that.
            out.retain(|keyword, _| keyword != "additionalProperties");
        }
        if keywords.get("nullable") == Some(&Value::Bool(true)) {
            out = nullable(out);
        }
        Value::Object(out)
    }

    fn reference(&mut self, reference: &str, keywords: &Map<String, Value>) -> Value {
        if reference.starts_with('#') && self.left > 0 {
            let name = self.name_of(reference);
            self.left = self.left.saturating_sub(name.len() + 20);
            let mut out = json!({"$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1"))});
            if let Some(said) = keywords.get("description").and_then(Value::as_str) {
                out["description"] = plain(said, SAID_INSIDE).into();
            }
            return out;
        }
        // It lies elsewhere and is not fetched, or there is no room for it.
        json!({})
    }

    fn name_of(&mut self, reference: &str) -> String {
        if let Some(name) = self.names.get(reference) {
            return name.clone();
        }
        let last = reference.rsplit('/').next().unwrap_or_default();
        let base = match last.is_empty() || last == "#" {
            true => "Whole".to_owned(),
            false => {
                last.replace("~1", "_").replace("~0", "_").chars().filter(|c| *c != '%').take(100).collect()
            }
        };
        let mut name = base.clone();
        let mut number = 2;
        while self.names.values().any(|taken| *taken == name) {
            name = format!("{base}{number}");
            number += 1;
        }
        self.names.insert(reference.to_owned(), name.clone());
        self.waiting.push_back((reference.to_owned(), name.clone()));
        name
    }

    /// A keyword's value as JSON Schema has it, if it has it.
    fn keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        all: &Map<String, Value>,
        depth: usize,
    ) -> Option<Value> {
        Some(match keyword {
            "type" => match value.as_str() {
                // What is given where bytes are asked for in a document is their text.
                Some("file") => "string".into(),
                _ => self.fitting(value)?,
            },
            "description" => {
                let most = if self.inside || depth > 2 { SAID_INSIDE } else { SAID };
                let said = plain(value.as_str()?, most);
                self.left = self.left.saturating_sub(said.len());
                said.into()
            }
            "title" if !self.inside => self.fitting(value)?,
            "enum" if value.is_array() => self.fitting(value)?,
            "const" | "default" | "required" | "format" | "minItems" | "maxItems" | "uniqueItems"
            | "minLength" | "maxLength" | "minProperties" | "maxProperties" | "multipleOf" | "deprecated"
            | "contentEncoding" | "contentMediaType" | "dependentRequired" => self.fitting(value)?,
            "pattern" => Value::from(value.as_str().filter(|pattern| is_common_pattern(pattern))?),
            "minimum" | "maximum" => {
                let excludes = if keyword == "minimum" { "exclusiveMinimum" } else { "exclusiveMaximum" };
                // OpenAPI 3.0 says beside the bound whether it is excluded.
                (all.get(excludes) != Some(&Value::Bool(true))).then(|| value.clone())?
            }
            "exclusiveMinimum" | "exclusiveMaximum" => {
                let bound = if keyword == "exclusiveMinimum" { "minimum" } else { "maximum" };
                match value {
                    Value::Bool(true) => all.get(bound)?.clone(),
                    Value::Number(_) => value.clone(),
                    _ => return None,
                }
            }
            // With a part of theirs left out, these would refuse what they should let through.
            "not" | "if" | "then" | "else" | "unevaluatedProperties" | "unevaluatedItems"
                if self.side == Side::Input =>
            {
                return None;
            }
            "items"
            | "additionalProperties"
            | "not"
            | "if"
            | "then"
            | "else"
            | "contains"
            | "propertyNames"
            | "unevaluatedProperties"
            | "unevaluatedItems" => match value {
                // A list of schemas by place, as old drafts have it.
                Value::Array(items) if keyword == "items" => {
                    let items: Vec<Value> = items.iter().map(|item| self.schema(item, depth + 1)).collect();
                    json!({"anyOf": items})
                }
                _ => self.schema(value, depth + 1),
            },
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => {
                let parts: Vec<Value> =
                    value.as_array()?.iter().map(|part| self.schema(part, depth + 1)).collect();
                (!parts.is_empty()).then_some(Value::Array(parts))?
            }
            "properties" | "patternProperties" | "dependentSchemas" => {
                let mut members = Map::new();
                for (name, part) in value.as_object()? {
                    if self.left == 0 {
                        break;
                    }
                    self.left = self.left.saturating_sub(name.len() + 4);
                    members.insert(name.clone(), self.schema(part, depth + 1));
                }
                Value::Object(members)
            }
            _ => return None,
        })
    }

    /// A value as it is, if there is room for it: a keyword that is left out refuses nothing.
    fn fitting(&mut self, value: &Value) -> Option<Value> {
        let bytes = match value {
            Value::String(text) => text.len(),
            Value::Array(_) | Value::Object(_) => value.to_string().len(),
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        };
        // What is short is counted with its keyword.
        self.left = self.left.checked_sub(bytes.saturating_sub(8))?;
        Some(value.clone())
    }

    /// What is only read is not asked for, what is only written is not shown.
    fn hide_what_goes_the_other_way(&mut self, keywords: &Map<String, Value>, out: &mut Map<String, Value>) {
        let marker = match self.side {
            Side::Input => "readOnly",
            Side::Output => "writeOnly",
        };
        let Some(properties) = keywords.get("properties").and_then(Value::as_object) else { return };
        let hidden: HashSet<&str> = properties
            .iter()
            .filter(|(_, property)| property.get(marker) == Some(&Value::Bool(true)))
            .map(|(name, _)| name.as_str())
            .collect();
        if hidden.is_empty() {
            return;
        }
        if let Some(Value::Object(shown)) = out.get_mut("properties") {
            shown.retain(|name, _| !hidden.contains(name.as_str()));
        }
        if let Some(Value::Array(required)) = out.get_mut("required") {
            required.retain(|name| !name.as_str().is_some_and(|name| hidden.contains(name)));
        }
    }
}

/// The properties of an object, each with its schema as the document has it.
#[derive(Default)]
pub(crate) struct Properties {
    pub(crate) all: Vec<(String, Value)>,
    pub(crate) required: Vec<String>,
}

impl Properties {
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.all.iter().find(|(known, _)| known == name).map(|(_, schema)| schema)
    }
}

/// Whether a schema, with what it refers to resolved, asks for bytes.
pub(crate) fn is_file(schema: &Value) -> bool {
    let text = |key: &str| schema.get(key).and_then(Value::as_str);
    let names_bytes = text("format") == Some("binary");
    // OpenAPI 3.1 describes bytes by what they hold, and without a type or encoding.
    let holds = text("contentMediaType").is_some() && text("contentEncoding").is_none();
    text("type") == Some("file") || names_bytes || (holds && text("type").is_none_or(|kind| kind == "string"))
}

/// A schema that also takes null.
fn nullable(mut schema: Map<String, Value>) -> Map<String, Value> {
    match schema.get_mut("type") {
        Some(Value::String(kind)) => {
            let kinds = json!([kind, "null"]);
            schema.insert("type".to_owned(), kinds);
        }
        Some(Value::Array(kinds)) if !kinds.contains(&"null".into()) => kinds.push("null".into()),
        Some(_) => {}
        None => {
            let composed = ["allOf", "anyOf", "oneOf"].iter().any(|keyword| schema.contains_key(*keyword));
            if composed {
                return Map::from_iter([("anyOf".to_owned(), json!([schema, {"type": "null"}]))]);
            }
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    schema
}

/// Whether a pattern means the same everywhere: one that cannot be read here would cost all other checks of the tool.
fn is_common_pattern(pattern: &str) -> bool {
    let odd = ["(?", "\\p", "\\P", "\\u", "\\c", "\\k", "\\/", "[^]", "\\-", "\\_"];
    pattern.len() <= 500
        && !odd.iter().any(|odd| pattern.contains(odd))
        && !pattern.as_bytes().windows(2).any(|pair| pair[0] == b'\\' && pair[1].is_ascii_digit())
}
