//! Which properties come out vaguer than their schema, judged by the text of a declaration: a property alone is made the
//! first argument of a tool, and what stands behind its name is compared with what its schema says.

use outboard_declare::{
    python,
    typescript::{self, Detail, ToolShape},
};
use serde_json::{Map, Value, json};

/// The name that a property under measure is given.
const MEASURED: &str = "measured";

/// One property of a schema, wherever it stands in it.
pub(super) struct Property<'s> {
    /// Where, as a JSON pointer.
    pub(super) at: String,
    whole: &'s Value,
    schema: &'s Value,
    alone: Value,
}

/// Visits every property of a schema, each once.
pub(super) fn walk(whole: &Value, visit: &mut dyn FnMut(&Property<'_>)) {
    let mut open = vec![(String::new(), whole)];
    while let Some((at, schema)) = open.pop() {
        let (Value::Object(_) | Value::Array(_)) = schema else { continue };
        if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
            for (name, schema) in properties {
                let at = format!("{at}/{name}");
                visit(&Property { at, whole, schema, alone: alone(whole, schema) });
            }
        }
        let inner: Vec<(String, &Value)> = match schema {
            Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (at.to_string(), item)).collect()
            }
            _ => Vec::new(),
        };
        let data = ["default", "examples", "enum", "const"];
        open.extend(
            inner
                .into_iter()
                .filter(|(name, _)| !data.contains(&name.as_str()))
                .map(|(name, value)| (format!("{at}/{name}"), value)),
        );
    }
}

/// A schema of one property beside all that references can lead to.
fn alone(whole: &Value, schema: &Value) -> Value {
    let mut root = Map::new();
    for keyword in ["$id", "$defs", "definitions"] {
        if let Some(value) = whole.get(keyword) {
            root.insert(keyword.to_owned(), value.clone());
        }
    }
    root.insert("type".to_owned(), json!("object"));
    root.insert(
        "properties".to_owned(),
        Value::Object(Map::from_iter([(MEASURED.to_owned(), schema.clone())])),
    );
    root.insert("required".to_owned(), json!([MEASURED]));
    // What references name by way of the root itself.
    if whole.to_string().contains("\"#/properties/") {
        for (name, value) in whole.get("properties").and_then(Value::as_object).into_iter().flatten() {
            root["properties"][name.as_str()] = value.clone();
        }
    }
    Value::Object(root)
}

impl Property<'_> {
    /// Whether its schema says something of its values.
    pub(super) fn tells(&self) -> bool {
        tells(self.whole, self.schema)
    }

    /// What stands in TypeScript where its schema says more.
    pub(super) fn in_typescript(&self) -> Option<String> {
        let declared = typescript::declare_tool(&self.shape(), Detail::Full);
        let behind = &declared.text[declared.text.find("measured: ")? + "measured: ".len()..];
        let written = until(behind, &[';', '}', '\n']);
        vague(self.whole, self.schema, &written, &TYPESCRIPT).then_some(written)
    }

    /// What stands in Python where its schema says more.
    pub(super) fn in_python(&self) -> Option<String> {
        let declared = python::declare_tool(&self.shape(), Detail::Full);
        let behind = &declared.signature[declared.signature.find("measured: ")? + "measured: ".len()..];
        let written = until(behind, &[',', ')', '=']);
        vague(self.whole, self.schema, &written, &PYTHON).then_some(written)
    }

    fn shape(&self) -> ToolShape<'_> {
        ToolShape {
            namespace: "ns",
            identifier: "tool",
            description: None,
            input: Some(&self.alone),
            output: None,
            observed: false,
        }
    }
}

/// How a language writes that it knows little.
struct Words {
    any: &'static [&'static str],
    null: &'static str,
    list: (&'static str, &'static str),
    map: (&'static str, &'static str),
}

const TYPESCRIPT: Words = Words {
    any: &["any", "unknown", "object", "{}"],
    null: " | null",
    list: ("", "[]"),
    map: ("Record<string, ", ">"),
};
const PYTHON: Words =
    Words { any: &["Any", "object"], null: " | None", list: ("list[", "]"), map: ("dict[str, ", "]") };

fn vague(whole: &Value, schema: &Value, written: &str, words: &Words) -> bool {
    let written = written.trim().trim_end_matches(words.null);
    let written = written.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(written);
    if words.any.contains(&written) {
        return tells(whole, schema);
    }
    let inner =
        |(start, end): (&str, &str)| written.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
    let parts = readings(whole, schema, 0);
    let says = |keyword: &str| parts.iter().find_map(|part| part.get(keyword));
    // A record whose further members have a type that is not written.
    if written.contains("[key: string]: any") || written.contains("# and other keys") {
        return says("additionalProperties").is_some_and(|values| values.is_object() && tells(whole, values));
    }
    if let Some(value) = inner(words.map) {
        let named = says("properties").and_then(Value::as_object).is_some_and(|named| !named.is_empty());
        let values = says("additionalProperties").filter(|values| values.is_object());
        return named || values.is_some_and(|values| vague(whole, values, value, words));
    }
    if let Some(item) = inner(words.list) {
        return says("items").is_some_and(|items| vague(whole, items, item, words));
    }
    false
}

/// A schema's keywords with what it refers to and, if it is one thing or `null`, that thing.
fn readings<'s>(whole: &'s Value, schema: &'s Value, depth: usize) -> Vec<&'s Value> {
    let mut parts = vec![schema];
    if depth < 10 {
        let target = schema.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
        let target = target.and_then(|pointer| whole.pointer(pointer));
        parts.extend(target.into_iter().flat_map(|target| readings(whole, target, depth + 1)));
        for keyword in ["anyOf", "oneOf", "allOf"] {
            let members = schema.get(keyword).and_then(Value::as_array).into_iter().flatten();
            let members: Vec<&Value> = members.filter(|member| member["type"] != "null").collect();
            if let [one] = members[..] {
                parts.extend(readings(whole, one, depth + 1));
            }
        }
    }
    parts
}

/// Whether a schema says something of its values: a bare `{}` and `true` do not, nor does a list of every type.
fn tells(whole: &Value, schema: &Value) -> bool {
    const KEYWORDS: [&str; 10] = [
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "properties",
        "items",
        "prefixItems",
        "required",
        "patternProperties",
    ];
    readings(whole, schema, 0).iter().any(|part| {
        let typed = match part.get("type") {
            Some(Value::Array(names)) => names.len() < 6,
            Some(Value::String(_)) => true,
            _ => false,
        };
        let values = part.get("additionalProperties").is_some_and(Value::is_object);
        typed || values || KEYWORDS.iter().any(|keyword| part.get(*keyword).is_some())
    })
}

/// A text up to one of these marks that stands in no bracket and no literal.
fn until(text: &str, ends: &[char]) -> String {
    let (mut depth, mut quoted, mut escaped) = (0usize, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            c if depth == 0 && ends.contains(&c) => return text[..at].trim().to_owned(),
            '(' | '[' | '{' | '<' => depth += 1,
            ')' | ']' | '}' | '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    text.trim().to_owned()
}
