//! A shape as a JSON Schema, for the same readers that read declared ones.
//! Names stand in it only after three calls; records whose names vary become maps.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{
    shape::{Field, Record, Shape, Words},
    words::{is_name, is_word, stem},
};

/// So many names, none of which is always there and all of which hold alike values, are keys of a map. So many that differ
/// in their digits alone are numbered.
const KEYS: usize = 3;
const NUMBERED: usize = 3;

/// The schema of a shape; empty if nothing is known.
pub(super) fn of(shape: &Shape) -> Value {
    if shape.anything {
        return json!({});
    }
    let mut plain = Vec::new();
    let mut alternatives = Vec::new();
    plain.extend(shape.boolean.then_some("boolean"));
    match (shape.integer, shape.number) {
        (_, true) => plain.push("number"),
        (true, false) => plain.push("integer"),
        (false, false) => {}
    }
    if let Some(words) = &shape.string {
        match listed(words) {
            Some(words) => alternatives.push(json!({"type": "string", "enum": words})),
            None => plain.push("string"),
        }
    }
    alternatives.extend(shape.list.as_deref().map(list));
    alternatives.extend(shape.record.as_deref().map(record));
    plain.extend(shape.null.then_some("null"));
    if !plain.is_empty() {
        let types = if plain.len() == 1 { json!(plain[0]) } else { json!(plain) };
        alternatives.push(json!({ "type": types }));
    }
    match alternatives.len() {
        0 => json!({}),
        1 => alternatives.remove(0),
        _ => json!({ "anyOf": alternatives }),
    }
}

/// The words of an enumeration: several, each seen in enough calls and none besides.
fn listed(words: &Words) -> Option<Vec<&str>> {
    let all = words.words.iter().all(|(word, calls)| calls.enough() && is_word(word));
    (words.words.len() > 1 && all).then(|| words.words.iter().map(|(word, _)| word.as_str()).collect())
}

fn list(items: &Shape) -> Value {
    match of(items) {
        Value::Object(keywords) if keywords.is_empty() => json!({"type": "array"}),
        items => json!({"type": "array", "items": items}),
    }
}

fn record(record: &Record) -> Value {
    if is_map(record) {
        return match of(&together(&record.fields.iter().collect::<Vec<_>>(), record)) {
            Value::Object(keywords) if keywords.is_empty() => json!({"type": "object"}),
            value => json!({"type": "object", "additionalProperties": value}),
        };
    }
    let keys = keys_beside(record);
    let numbered = numbered(record);
    let shown =
        |field: &&Field| may_show(field) && stem(&field.name).is_none_or(|stem| !numbered.contains(&stem));
    let is_key = |field: &&Field| keys.iter().any(|key| key.name == field.name);
    let fields: Vec<&Field> = record.fields.iter().filter(shown).filter(|field| !is_key(field)).collect();
    if fields.is_empty() {
        return json!({"type": "object"});
    }
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.clone(), of(&field.shape))).collect();
    let required: Vec<&str> =
        fields.iter().filter(|f| f.seen == record.seen).map(|f| f.name.as_str()).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if !keys.is_empty() {
        schema["additionalProperties"] = match of(&together(&keys, record)) {
            Value::Object(keywords) if keywords.is_empty() => json!(true),
            value => value,
        };
    } else if record.others.is_some() || !numbered.is_empty() {
        schema["additionalProperties"] = json!(true);
    }
    schema
}

/// What stands under these names and under all that are not kept.
fn together(fields: &[&Field], record: &Record) -> Shape {
    let mut value = Shape::default();
    fields.iter().for_each(|field| value.widen(field.shape.clone()));
    record.others.iter().for_each(|others| value.widen(others.clone()));
    value
}

/// Names that are keys of a map beside the names that are always there: several, most of which were seen too seldom. Optional
/// fields are seen again; so a name of enough calls is one of these only where it is one of few.
fn keys_beside(record: &Record) -> Vec<&Field> {
    let varying: Vec<&Field> = record.fields.iter().filter(|field| field.seen < record.seen).collect();
    let seldom = varying.iter().filter(|field| !may_show(field)).count();
    if varying.len() < KEYS || varying.len() - seldom >= seldom { Vec::new() } else { varying }
}

/// Checked here too: what is shown may have been learned under other rules.
fn may_show(field: &Field) -> bool {
    field.calls.enough() && is_name(&field.name)
}

/// Whether names vary so that they are keys rather than fields: all are numbered; or none is always there, and some are no
/// names, or most were seen too seldom, or there are several whose values are alike. Where a name is always there, others may
/// still be [keys beside it](keys_beside).
fn is_map(record: &Record) -> bool {
    let fields = &record.fields;
    let all_of = |group: &String| fields.iter().all(|field| stem(&field.name).as_ref() == Some(group));
    if numbered(record).iter().any(all_of) {
        return true;
    }
    if fields.iter().any(|field| field.seen == record.seen) {
        return false;
    }
    let shown = fields.iter().filter(|field| may_show(field)).count();
    record.others.is_some() || fields.len() - shown > shown || fields.len() >= KEYS && are_alike(fields)
}

/// Whether values are of the same kinds.
fn are_alike(fields: &[Field]) -> bool {
    let kinds = |shape: &Shape| {
        let simple = (shape.boolean, shape.integer || shape.number, shape.string.is_some());
        (simple, shape.list.is_some(), shape.record.is_some())
    };
    fields.windows(2).all(|pair| kinds(&pair[0].shape) == kinds(&pair[1].shape))
}

/// What names have in common that differ in their digits alone, if there are several.
fn numbered(record: &Record) -> Vec<String> {
    let mut stems: HashMap<String, usize> = HashMap::new();
    for stem in record.fields.iter().filter_map(|field| stem(&field.name)) {
        *stems.entry(stem).or_default() += 1;
    }
    let mut numbered: Vec<String> =
        stems.into_iter().filter(|(_, count)| *count >= NUMBERED).map(|(stem, _)| stem).collect();
    numbered.sort();
    numbered
}
