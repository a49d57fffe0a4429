//! Values as text in the styles of OpenAPI (Parameter Object, "Style Values"; RFC 6570). Pure: it knows no address.
//! What is nested deeper than a style goes is written as JSON.

use percent_encoding::{AsciiSet, utf8_percent_encode};
use serde_json::Value;

use super::{Unsendable, path::STRICT, wrong};
use crate::{
    document::shown,
    operation::{Parameter, Style},
};

/// With `allowReserved` these stay as they are, but never what would end the value: `&`, `#`, `+`.
const RESERVED: &AsciiSet = &STRICT
    .remove(b':')
    .remove(b'/')
    .remove(b'?')
    .remove(b'@')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b'[')
    .remove(b']');

/// What may stand in a whole query.
const WHOLE: &AsciiSet = &RESERVED.remove(b'&').remove(b'%').remove(b'+');

/// Pairs of one parameter at most.
const MOST: usize = 10_000;
/// Levels of a deep object.
const DEEPEST: usize = 10;

type Encode<'a> = &'a dyn Fn(&str) -> String;

/// A value as text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `a,b` and `k,v` or `k=v`.
pub(super) fn simple(value: &Value, explode: bool, encode: Encode<'_>) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| encode(&text(item))).collect::<Vec<_>>().join(","),
        Value::Object(_) => members(value, if explode { "=" } else { "," }, ",", encode),
        other => encode(&text(other)),
    }
}

/// `.a.b` and `.k.v` or `.k=v`.
pub(super) fn label(value: &Value, explode: bool, encode: Encode<'_>) -> String {
    let inside = match value {
        Value::Array(items) => items
            .iter()
            .map(|item| encode(&text(item)))
            .collect::<Vec<_>>()
            .join(if explode { "." } else { "," }),
        Value::Object(_) if explode => members(value, "=", ".", encode),
        Value::Object(_) => members(value, ",", ",", encode),
        other => encode(&text(other)),
    };
    format!(".{inside}")
}

/// `;name=a,b`, `;name=a;name=b`, `;name=k,v` or `;k=v`.
pub(super) fn matrix(name: &str, value: &Value, explode: bool, encode: Encode<'_>) -> String {
    let name = encode(name);
    match value {
        Value::Array(items) if explode => {
            items.iter().map(|item| format!(";{name}={}", encode(&text(item)))).collect()
        }
        Value::Object(_) if explode => format!(";{}", members(value, "=", ";", encode)),
        other => format!(";{name}={}", simple(other, false, encode)),
    }
}

fn members(value: &Value, between: &str, after: &str, encode: Encode<'_>) -> String {
    let members = value.as_object().into_iter().flatten();
    let each = members.map(|(key, value)| format!("{}{between}{}", encode(key), encode(&text(value))));
    each.collect::<Vec<_>>().join(after)
}

/// The pairs of a parameter of the query, encoded. A cookie's are made in the same way.
pub(super) fn query(parameter: &Parameter, value: &Value) -> Result<Vec<String>, Unsendable> {
    let set = if parameter.allow_reserved { RESERVED } else { STRICT };
    if parameter.content.is_some() {
        return Ok(vec![format!(
            "{}={}",
            encoded(&parameter.name, STRICT),
            encoded(&value.to_string(), set)
        )]);
    }
    pairs(&parameter.name, value, parameter.style, parameter.explode, set)
}

/// The pairs of a value under a name.
pub(super) fn pairs(
    name: &str,
    value: &Value,
    style: Style,
    explode: bool,
    set: &'static AsciiSet,
) -> Result<Vec<String>, Unsendable> {
    let pair = |key: &str, value: &str| format!("{}={}", encoded(key, STRICT), encoded(value, set));
    let joined = |items: Vec<String>, between: &str| {
        let items: Vec<String> = items.iter().map(|item| encoded(item, set)).collect();
        vec![format!("{}={}", encoded(name, STRICT), items.join(between))]
    };
    let between = match style {
        Style::SpaceDelimited => "%20",
        Style::PipeDelimited => "%7C",
        Style::TabDelimited => "%09",
        _ => ",",
    };
    let pairs = match (value, style) {
        (Value::Object(_) | Value::Array(_), Style::DeepObject) => {
            let mut pairs = Vec::new();
            deep(name, value, 0, &mut pairs);
            pairs.iter().map(|(key, value)| pair(key, value)).collect()
        }
        (Value::Array(items), _) if explode => items.iter().map(|item| pair(name, &text(item))).collect(),
        (Value::Array(items), _) => joined(items.iter().map(text).collect(), between),
        (Value::Object(members), _) if explode => {
            members.iter().map(|(key, value)| pair(key, &text(value))).collect()
        }
        (Value::Object(members), _) => {
            joined(members.iter().flat_map(|(key, value)| [key.clone(), text(value)]).collect(), between)
        }
        (other, _) => vec![pair(name, &text(other))],
    };
    match pairs.len() > MOST {
        true => wrong(format!("`{}` has more than {MOST} values", shown(name))),
        false => Ok(pairs),
    }
}

/// `name[k]=v`, `name[k][0]=v`.
fn deep(name: &str, value: &Value, depth: usize, pairs: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) if depth < DEEPEST => {
            for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                deep(&format!("{name}[{key}]"), value, depth + 1, pairs);
            }
        }
        Value::Array(items) if depth < DEEPEST => {
            for (at, item) in items.iter().enumerate() {
                deep(&format!("{name}[{at}]"), item, depth + 1, pairs);
            }
        }
        other => pairs.push((name.to_owned(), text(other))),
    }
}

/// A whole query that is one value.
pub(super) fn query_string(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}={}", encoded(key, STRICT), encoded(&text(value), STRICT))
            };
            members.iter().map(pair).collect::<Vec<_>>().join("&")
        }
        // It is a query already: what may stand in one stays.
        other => encoded_query(&text(other)),
    }
}

/// A query that was written elsewhere, without what may not stand in one.
pub(super) fn encoded_query(text: &str) -> String {
    encoded(text, WHOLE)
}

pub(super) fn encoded(text: &str, set: &'static AsciiSet) -> String {
    utf8_percent_encode(text, set).to_string()
}
