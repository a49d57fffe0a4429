//! The JSON Schemas of a tool, made of its operation when somebody looks. Of what a schema refers to, as much goes along
//! as fits; what does not is any value. The latest ones are kept.

mod convert;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use outboard_runtime::catalogue::MakeSchema;
use serde_json::{Map, Value, json};

pub(crate) use convert::{Converter, Side, is_file};

use crate::{
    document::Document,
    operation::{Body, MediaKind, Operation, Outline, Place},
};

/// Schemas that are kept, of all tools of one upstream.
const KEPT: usize = 32;
/// Bytes of a schema, about: of what a tool takes, which is checked against it, and of what it gives, which is only shown.
const INPUT: usize = 120 << 10;
const OUTPUT: usize = 48 << 10;

/// A document with its operations and the schemas that were made last.
#[derive(Debug)]
pub(crate) struct Shelf {
    pub(crate) document: Arc<Document>,
    pub(crate) outlines: Vec<Outline>,
    kept: Mutex<VecDeque<(usize, Side, Arc<Value>)>>,
}

impl Shelf {
    pub(crate) fn new(document: Arc<Document>, outlines: Vec<Outline>) -> Self {
        Self { document, outlines, kept: Mutex::default() }
    }

    fn made(&self, at: usize, side: Side) -> Arc<Value> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = kept.iter().position(|(of, which, _)| (*of, *which) == (at, side))
            && let Some(entry) = kept.remove(found)
        {
            let schema = Arc::clone(&entry.2);
            kept.push_back(entry);
            return schema;
        }
        drop(kept);
        let operation = self.outlines[at].operation(&self.document);
        let schema = Arc::new(match side {
            Side::Input => input(&self.document, &operation),
            Side::Output => output(&self.document, &operation),
        });
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((at, side, Arc::clone(&schema)));
        if kept.len() > KEPT {
            kept.pop_front();
        }
        schema
    }
}

/// Makes one schema of one operation.
pub(crate) struct Maker {
    shelf: Arc<Shelf>,
    at: usize,
    side: Side,
    identity: String,
}

impl Maker {
    pub(crate) fn of(shelf: &Arc<Shelf>, at: usize, side: Side) -> Arc<dyn MakeSchema> {
        let identity = format!("{}:{at}:{side:?}", shelf.document.hash());
        Arc::new(Self { shelf: Arc::clone(shelf), at, side, identity })
    }
}

impl MakeSchema for Maker {
    fn make(&self) -> Arc<Value> {
        self.shelf.made(self.at, self.side)
    }

    fn properties(&self) -> Vec<(String, String)> {
        if self.side == Side::Output {
            return Vec::new();
        }
        let operation = self.shelf.outlines[self.at].operation(&self.shelf.document);
        let mut found: Vec<(String, String)> = operation
            .parameters
            .iter()
            .map(|parameter| (parameter.key.clone(), parameter.description.clone().unwrap_or_default()))
            .collect();
        // A body is found by the names of its own properties, too.
        if let Some(body) = &operation.body {
            let mut converter = Converter::new(&self.shelf.document, Side::Input, 0);
            let names = converter.property_names(&body.media[0].schema);
            found.push(("body".to_owned(), names.join(" ")));
        }
        found
    }

    fn identity(&self) -> &str {
        &self.identity
    }
}

/// What an operation takes: an object of its parameters, its body, and what is said about the response.
fn input(document: &Document, operation: &Operation) -> Value {
    let mut converter = Converter::new(document, Side::Input, INPUT);
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for parameter in &operation.parameters {
        let schema = converter.convert(&parameter.schema);
        let needed = parameter.required;
        let mut schema = described(schema, parameter.description.as_deref());
        if parameter.place == Place::QueryString {
            schema = described(schema, Some("the whole query"));
        }
        properties.insert(parameter.key.clone(), schema);
        if needed {
            required.push(Value::from(parameter.key.as_str()));
        }
    }
    if let Some(body) = &operation.body {
        properties.insert("body".to_owned(), body_schema(&mut converter, body));
        if body.required {
            required.push("body".into());
        }
        if let Some(key) = &operation.body_type_key {
            let names: Vec<&str> = body.media.iter().map(|media| media.name.as_str()).collect();
            properties.insert(
                key.clone(),
                json!({"enum": names, "description": format!("how the body is written; {} unless said", names[0])}),
            );
        }
    }
    properties.insert(
        operation.raw_key.clone(),
        json!({"type": "boolean", "description": "give { status, headers, body, next } instead of the body alone"}),
    );
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = Value::Array(required);
    }
    converter.finish(schema)
}

fn body_schema(converter: &mut Converter<'_>, body: &Body) -> Value {
    let mut alternatives: Vec<Value> = Vec::new();
    for media in &body.media {
        let schema = match media.kind {
            MediaKind::Bytes => file("bytes: a text, or { base64 }"),
            MediaKind::Text => json!({"type": "string", "description": format!("{} as text", media.name)}),
            MediaKind::Multipart => converter.with_files(&media.schema),
            MediaKind::Json | MediaKind::Form => converter.convert(&media.schema),
        };
        if !alternatives.contains(&schema) {
            alternatives.push(schema);
        }
    }
    let schema = match alternatives.len() {
        1 => alternatives.remove(0),
        _ => json!({"anyOf": alternatives}),
    };
    described(schema, body.description.as_deref())
}

/// What a script may give where a file is asked for: a text, or an object with `base64` or `text`, or a block of bytes as
/// tools give them. What kind it is, is looked at when it is sent.
pub(crate) fn file(said: &str) -> Value {
    json!({
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {
                    "base64": {"type": "string"},
                    "text": {"type": "string"},
                    "filename": {"type": "string"},
                    "contentType": {"type": "string"},
                },
            },
        ],
        "description": said,
    })
}

/// What an operation gives when it succeeds.
fn output(document: &Document, operation: &Operation) -> Value {
    let responses = &operation.responses;
    let mut converter = Converter::new(document, Side::Output, OUTPUT);
    let mut alternatives: Vec<Value> =
        responses.schemas.iter().map(|schema| converter.convert(schema)).collect();
    if responses.text {
        alternatives.push(json!({"type": "string"}));
    }
    if responses.bytes {
        alternatives.push(json!({
            "type": "object",
            "properties": {
                "base64": {"type": "string"},
                "contentType": {"type": "string"},
                "filename": {"type": "string"},
            },
            "required": ["base64", "contentType"],
        }));
    }
    if responses.nothing {
        alternatives.push(json!({"type": "null"}));
    }
    let schema = match alternatives.len() {
        0 => json!({}),
        1 => alternatives.remove(0),
        _ => json!({"anyOf": alternatives}),
    };
    converter.finish(schema)
}

/// The schema with these words, where it has none of its own.
fn described(schema: Value, said: Option<&str>) -> Value {
    let Some(said) = said.filter(|said| !said.is_empty()) else { return schema };
    match schema {
        Value::Object(mut keywords) => {
            keywords.insert("description".to_owned(), said.into());
            Value::Object(keywords)
        }
        _ => json!({"description": said}),
    }
}

#[cfg(test)]
mod tests;
