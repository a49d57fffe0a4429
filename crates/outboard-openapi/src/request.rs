//! From a call's arguments to an HTTP request. Arguments come from a script: whatever they say, the request goes to the
//! operation's own path at the upstream's own address, with no header or parameter that the operation does not have.

mod file;
mod form;
mod multipart;
mod path;
mod styles;

use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value};
use url::Url;

pub(crate) use file::File;

use crate::{
    document::{Document, shown},
    operation::{Body, Media, MediaKind, Operation, Parameter, Place, kind_of_media},
    schema::{Converter, Side},
};

/// A request without credentials.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// Pairs for the one cookie header, already encoded.
    pub(crate) cookies: Vec<String>,
    pub(crate) body: Option<Written>,
    /// Whether the whole response is asked for.
    pub(crate) raw: bool,
}

/// A body as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// Arguments of which no request can be made.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Unsendable(pub(crate) String);

fn wrong<T>(what: impl Into<String>) -> Result<T, Unsendable> {
    Err(Unsendable(what.into()))
}

/// The request of an operation at `base` with these arguments. What is in `filled` comes from elsewhere.
pub(crate) fn build(
    document: &Document,
    operation: &Operation,
    base: &Url,
    arguments: &Map<String, Value>,
    filled: &dyn Fn(Place, &str) -> bool,
) -> Result<Request, Unsendable> {
    let given = |key: &str| arguments.get(key).filter(|value| !value.is_null());
    let mut request = Request {
        url: path::url(operation, base, &given)?,
        headers: Vec::new(),
        cookies: Vec::new(),
        body: None,
        raw: given(&operation.raw_key) == Some(&Value::Bool(true)),
    };
    let mut query = Vec::new();
    for parameter in &operation.parameters {
        if filled(parameter.place, &parameter.name) {
            continue;
        }
        let Some(value) = given(&parameter.key) else {
            if parameter.required && parameter.place != Place::Path {
                return wrong(format!("`{}` is missing", shown(&parameter.key)));
            }
            continue;
        };
        match parameter.place {
            Place::Path => {}
            Place::Query => query.extend(styles::query(parameter, value)?),
            Place::QueryString => query.push(styles::query_string(value)),
            Place::Header => request.headers.push(header(parameter, value)?),
            Place::Cookie => request.cookies.extend(styles::query(parameter, value)?),
        }
    }
    let query = query.into_iter().filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join("&");
    if !query.is_empty() {
        let query = match request.url.query() {
            Some(own) if !own.is_empty() => format!("{own}&{query}"),
            _ => query,
        };
        request.url.set_query(Some(&query));
    }
    if let Some(body) = &operation.body {
        request.body = written(document, operation, body, &given)?;
    }
    Ok(request)
}

fn header(parameter: &Parameter, value: &Value) -> Result<(HeaderName, HeaderValue), Unsendable> {
    let shown_key = shown(&parameter.key);
    let name = HeaderName::from_bytes(parameter.name.as_bytes())
        .map_err(|_| Unsendable(format!("the document's `{shown_key}` is no header name")))?;
    let text = match &parameter.content {
        Some(_) => value.to_string(),
        None => styles::simple(value, parameter.explode, &|text| text.to_owned()),
    };
    let value =
        Some(text.trim()).filter(|text| text.is_ascii()).and_then(|text| HeaderValue::from_str(text).ok());
    let value = value.ok_or_else(|| {
        Unsendable(format!("`{shown_key}` is a header and may have visible ASCII characters only"))
    })?;
    Ok((name, value))
}

fn written<'a>(
    document: &Document,
    operation: &Operation,
    body: &Body,
    given: &dyn Fn(&str) -> Option<&'a Value>,
) -> Result<Option<Written>, Unsendable> {
    let asked = operation.body_type_key.as_ref().and_then(|key| given(key)).and_then(Value::as_str);
    let media = match asked {
        None => &body.media[0],
        Some(asked) => match body.media.iter().find(|media| media.name == asked) {
            Some(media) => media,
            None => return wrong(format!("no body of type `{}` is taken", shown(asked))),
        },
    };
    let Some(value) = given("body") else {
        return if body.required { wrong("`body` is missing") } else { Ok(None) };
    };
    write(document, media, value).map(Some)
}

fn write(document: &Document, media: &Media, value: &Value) -> Result<Written, Unsendable> {
    let named = |otherwise: &str| match media.name.contains('*') {
        true => otherwise.to_owned(),
        false => media.name.clone(),
    };
    let (content_type, bytes) = match media.kind {
        MediaKind::Json => (named("application/json"), value.to_string().into_bytes()),
        MediaKind::Form => {
            (named("application/x-www-form-urlencoded"), form::body(media, value)?.into_bytes())
        }
        MediaKind::Multipart => {
            let mut converter = Converter::new(document, Side::Input, 0);
            multipart::body(&mut converter, media, value)?
        }
        MediaKind::Text if is_xml(&media.name) && (value.is_object() || value.is_array()) => {
            return wrong(no_xml("body", &media.name));
        }
        MediaKind::Text => match value {
            Value::String(text) => (named("text/plain"), text.clone().into_bytes()),
            other => (named("text/plain"), other.to_string().into_bytes()),
        },
        MediaKind::Bytes => {
            let file = File::of("body", value)?;
            let own = file.content_type.filter(|_| media.name.contains('*'));
            (own.unwrap_or_else(|| named("application/octet-stream")), file.bytes)
        }
    };
    if HeaderValue::from_str(&content_type).is_err() {
        return wrong("the type of the body has characters that no header may have");
    }
    Ok(Written { content_type, bytes })
}

fn is_xml(media: &str) -> bool {
    let name = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name == "application/xml" || name == "text/xml" || name.ends_with("+xml")
}

/// JSON under the name of XML would be worse than nothing.
fn no_xml(name: &str, media: &str) -> String {
    format!(
        "`{}` is sent as {}, which is not written from objects here: give it as a text",
        shown(name),
        shown(media)
    )
}

/// A pair of a query, a form or a cookie.
pub(crate) fn pair(name: &str, text: &str) -> String {
    format!("{}={}", value(name), value(text))
}

/// A text as it stands in a query, a form or a cookie.
pub(crate) fn value(text: &str) -> String {
    styles::encoded(text, path::STRICT)
}

/// What to ask for: what the operation says that it gives, JSON before all else.
pub(crate) fn accepted(operation: &Operation) -> String {
    let mut media: Vec<&str> = operation
        .responses
        .media
        .iter()
        .map(String::as_str)
        .filter(|name| HeaderValue::from_str(name).is_ok() && !name.contains(','))
        .collect();
    media.sort_by_key(|name| kind_of_media(name) != MediaKind::Json);
    match media.split_first() {
        None => "application/json, */*;q=0.5".to_owned(),
        Some((first, rest)) => {
            let rest = rest.iter().take(8).map(|name| format!(", {name};q=0.5"));
            format!("{first}{}, */*;q=0.1", rest.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests;
