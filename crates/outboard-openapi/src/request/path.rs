//! The address of an operation. A value stays within the part of the path that it is for: what would change the path is
//! refused, not repaired, and the whole is compared with what was meant once the address has been made of it.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use url::Url;

use super::{Unsendable, styles, wrong};
use crate::{
    document::shown,
    operation::{Operation, Parameter, Place, Style},
};

/// Everything but what RFC 3986 calls unreserved.
pub(super) const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// What a document may write in a path itself.
const TEMPLATE: &AsciiSet = &percent_encoding::CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}')
    .add(b'\\')
    .add(b'^')
    .add(b'|');

pub(super) fn url<'a>(
    operation: &Operation,
    base: &Url,
    given: &dyn Fn(&str) -> Option<&'a Value>,
) -> Result<Url, Unsendable> {
    let mut path = base.path().trim_end_matches('/').to_owned();
    // A path of the document may have a query of its own, against the specification; some do.
    let (template, query) = match operation.path.split_once('?') {
        Some((template, query)) => (template, Some(query)),
        None => (&*operation.path, None),
    };
    let template = template.split('#').next().unwrap_or_default();
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let Some(close) = rest[open..].find('}') else { break };
        let name = &rest[open + 1..open + close];
        path.extend(utf8_percent_encode(&rest[..open], TEMPLATE));
        path += &value(operation, name, given)?;
        rest = &rest[open + close + 1..];
    }
    path.extend(utf8_percent_encode(rest, TEMPLATE));
    check(&path)?;
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(query.filter(|query| !query.is_empty()));
    if url.path() != path || url.origin() != base.origin() {
        return wrong("the values of the path's parameters lead to another path");
    }
    Ok(url)
}

fn value<'a>(
    operation: &Operation,
    name: &str,
    given: &dyn Fn(&str) -> Option<&'a Value>,
) -> Result<String, Unsendable> {
    let of_path = |parameter: &&Parameter| parameter.place == Place::Path && parameter.name == name;
    let Some(parameter) = operation.parameters.iter().find(of_path) else {
        return wrong(format!("the document does not say what `{{{}}}` in the path is", shown(name)));
    };
    let Some(value) = given(&parameter.key) else {
        return wrong(format!("`{}` is missing: it is a part of the path", shown(&parameter.key)));
    };
    allowed(parameter, value)?;
    let encode = |text: &str| match parameter.segments {
        false => utf8_percent_encode(text, STRICT).to_string(),
        true => text
            .split('/')
            .map(|part| utf8_percent_encode(part, STRICT).to_string())
            .collect::<Vec<_>>()
            .join("/"),
    };
    let text = match (&parameter.content, parameter.style) {
        (Some(_), _) => encode(&value.to_string()),
        (None, Style::Label) => styles::label(value, parameter.explode, &encode),
        (None, Style::Matrix) => styles::matrix(&parameter.name, value, parameter.explode, &encode),
        (None, _) => styles::simple(value, parameter.explode, &encode),
    };
    match text.is_empty() {
        true => wrong(format!("`{}` is empty: it is a part of the path", shown(&parameter.key))),
        false => Ok(text),
    }
}

/// Refuses what would change the path, also after a server has decoded it once more than it should.
fn allowed(parameter: &Parameter, value: &Value) -> Result<(), Unsendable> {
    let texts: Vec<String> = match value {
        Value::Array(items) => items.iter().map(styles::text).collect(),
        Value::Object(members) => members.values().map(styles::text).chain(members.keys().cloned()).collect(),
        other => vec![styles::text(other)],
    };
    let key = shown(&parameter.key);
    for text in texts {
        if text.is_empty() {
            return wrong(format!("`{key}` is empty: it is a part of the path"));
        }
        let once = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        let twice = percent_decode_str(&once).decode_utf8_lossy().into_owned();
        for form in [&text, &once, &twice] {
            if form.contains(|c: char| c.is_control()) {
                return wrong(format!("`{key}` has control characters"));
            }
            if form.split(['/', '\\']).any(|part| matches!(part, "." | "..")) {
                return wrong(format!("`{key}` would change the path: `.` and `..` are not allowed in it"));
            }
            // Where the document lets a value have several segments, it has those that are written out.
            let slashes = form.matches('/').count();
            let expected = if parameter.segments { text.matches('/').count() } else { 0 };
            if form.contains('\\') || slashes != expected {
                return wrong(format!("`{key}` would change the path: `/` and `\\` are not allowed in it"));
            }
            if slashes > 0 && form.split('/').any(str::is_empty) {
                return wrong(format!("`{key}` would change the path: one of its segments is empty"));
            }
        }
    }
    Ok(())
}

/// No segment of the whole may be one that leads upwards.
fn check(path: &str) -> Result<(), Unsendable> {
    let upwards = path.split('/').any(|segment| {
        let decoded = percent_decode_str(segment).decode_utf8_lossy();
        matches!(&*decoded, "." | "..") || decoded.contains(['\\', '\r', '\n', '\0'])
    });
    if upwards { wrong("the values of the path's parameters lead to another path") } else { Ok(()) }
}
