//! `multipart/form-data` bodies (RFC 7578): files, texts, and JSON for what is neither. Names and types come from scripts
//! and documents; none of them can end its line.

use reqwest::header::HeaderValue;
use serde_json::{Map, Value};

use super::{File, Unsendable, is_xml, no_xml, styles, wrong};
use crate::{
    document::shown,
    operation::Media,
    schema::{Converter, is_file},
};

pub(super) fn body(
    converter: &mut Converter<'_>,
    media: &Media,
    value: &Value,
) -> Result<(String, Vec<u8>), Unsendable> {
    let Value::Object(members) = value else {
        return wrong("`body` must be an object: each of its properties is sent as a part");
    };
    let properties = converter.properties(&media.schema).unwrap_or_default();
    let mut parts = Vec::new();
    for (name, value) in members.iter().filter(|(_, value)| !value.is_null()) {
        let schema = properties.get(name).map(|schema| converter.resolved(schema));
        let of_items =
            schema.as_ref().and_then(|schema| schema.get("items")).map(|items| converter.resolved(items));
        let encoding = media.encoding.get(name).and_then(Value::as_object);
        let bytes = schema.as_ref().is_some_and(is_file) || of_items.as_ref().is_some_and(is_file);
        let known = schema.is_some();
        match value {
            Value::Array(items) => {
                for item in items {
                    parts.push(Part::of(name, item, bytes, known, encoding)?);
                }
            }
            one => parts.push(Part::of(name, one, bytes, known, encoding)?),
        }
    }
    let boundary = boundary(&parts)?;
    let mut out = Vec::new();
    for part in &parts {
        out.extend_from_slice(format!("--{boundary}\r\n{}\r\n\r\n", part.head).as_bytes());
        out.extend_from_slice(&part.bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    let kind = media.name.split(';').next().unwrap_or_default().trim();
    let kind = if kind.contains('*') { "multipart/form-data" } else { kind };
    Ok((format!("{kind}; boundary={boundary}"), out))
}

struct Part {
    head: String,
    bytes: Vec<u8>,
}

impl Part {
    fn of(
        name: &str,
        value: &Value,
        bytes: bool,
        known: bool,
        encoding: Option<&Map<String, Value>>,
    ) -> Result<Self, Unsendable> {
        let declared = encoding.and_then(|encoding| encoding.get("contentType")?.as_str());
        let declared = declared
            .and_then(|kinds| kinds.split(',').next())
            .map(str::trim)
            .filter(|kind| !kind.contains('*'));
        // An object that the document says nothing of is a file if it looks like one.
        let looks = value.get("base64").is_some_and(Value::is_string);
        let (file, kind, bytes) = match value {
            Value::Object(_) if bytes || (!known && looks) => {
                let file = File::of(name, value)?;
                let declared = declared.unwrap_or("application/octet-stream");
                let kind = file.content_type.unwrap_or_else(|| declared.to_owned());
                (Some(file.filename.unwrap_or_else(|| name.to_owned())), Some(kind), file.bytes)
            }
            Value::String(text) if bytes => {
                let kind = declared.unwrap_or("text/plain; charset=utf-8").to_owned();
                (Some(name.to_owned()), Some(kind), text.clone().into_bytes())
            }
            Value::Object(_) | Value::Array(_) if declared.is_some_and(is_xml) => {
                return wrong(no_xml(name, declared.unwrap_or_default()));
            }
            Value::Object(_) | Value::Array(_) => (
                None,
                Some(declared.unwrap_or("application/json").to_owned()),
                value.to_string().into_bytes(),
            ),
            other => (None, declared.map(str::to_owned), styles::text(other).into_bytes()),
        };
        let mut head = format!("Content-Disposition: form-data; name=\"{}\"", quoted(name));
        if let Some(file) = file {
            head += &format!("; filename=\"{}\"", quoted(&file));
        }
        if let Some(kind) = kind {
            if HeaderValue::from_str(&kind).is_err() || kind.is_empty() {
                return wrong(format!("the `contentType` of `{}` is no media type", shown(name)));
            }
            head += &format!("\r\nContent-Type: {kind}");
        }
        Ok(Self { head, bytes })
    }
}

/// A name within quotes, as the HTML standard has it.
fn quoted(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            '"' => out.push_str("%22"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if c.is_control() => out.push('_'),
            c => out.push(c),
        }
    }
    out
}

/// A line that stands in none of the parts.
fn boundary(parts: &[Part]) -> Result<String, Unsendable> {
    for _ in 0..4 {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)
            .map_err(|error| Unsendable(format!("there are no random bytes: {error}")))?;
        let boundary: String = "outboard-"
            .chars()
            .chain(random.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).map(char::from))
            .collect();
        let finder = memchr::memmem::Finder::new(&boundary);
        if !parts.iter().any(|part| finder.find(&part.bytes).is_some()) {
            return Ok(boundary);
        }
    }
    wrong("no boundary can be found for the parts of the body")
}
