//! What comes after a page, as `Link: <…>; rel="next"` (RFC 8288) or `Next-Page` says: the query of that address, as arguments of the same
//! operation. The address itself is not used, so it cannot lead anywhere.

use reqwest::header::{HeaderMap, LINK};
use serde_json::{Map, Value};
use url::Url;

use crate::operation::{Operation, Parameter, Place};

/// The arguments that differ in the next call.
pub(super) fn next(headers: &HeaderMap, operation: &Operation) -> Option<Map<String, Value>> {
    let links = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    // Some servers have a header of their own for it.
    let own = || headers.get("next-page").and_then(|value| value.to_str().ok());
    let target = links.flat_map(split).find_map(next_of).or_else(own)?;
    // A relative address is read against any: only its query counts.
    let base = Url::parse("http://host/").ok()?;
    let target = base.join(target).ok()?;
    let mut arguments: Map<String, Value> = Map::new();
    for parameter in operation.parameters.iter().filter(|parameter| parameter.place == Place::Query) {
        let values: Vec<String> = target
            .query_pairs()
            .filter(|(name, _)| *name == parameter.name)
            .map(|(_, value)| value.into_owned())
            .collect();
        if let Some(value) = typed(parameter, values) {
            arguments.insert(parameter.key.clone(), value);
        }
    }
    (!arguments.is_empty()).then_some(arguments)
}

/// The links of one header; a comma within `<…>` or quotes does not end one.
fn split(header: &str) -> Vec<&str> {
    let (mut links, mut start, mut inside, mut quoted) = (Vec::new(), 0, false, false);
    for (at, c) in header.char_indices() {
        match c {
            '"' if !inside => quoted = !quoted,
            '<' if !quoted => inside = true,
            '>' if !quoted => inside = false,
            ',' if !inside && !quoted => {
                links.push(&header[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    links.push(&header[start..]);
    links
}

/// The target of a link to what comes next.
fn next_of(link: &str) -> Option<&str> {
    let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
    let rel = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
    })?;
    rel.split_whitespace().any(|kind| kind.eq_ignore_ascii_case("next")).then_some(target)
}

/// The texts of a query as the value that the parameter takes.
fn typed(parameter: &Parameter, mut values: Vec<String>) -> Option<Value> {
    let kind = parameter.schema.get("type").and_then(Value::as_str).unwrap_or_default();
    if kind == "array" {
        let values: Vec<Value> = match parameter.explode {
            true => values.into_iter().map(Value::from).collect(),
            false => values.iter().flat_map(|value| value.split(',')).map(Value::from).collect(),
        };
        return (!values.is_empty()).then_some(Value::Array(values));
    }
    let value = values.pop()?;
    Some(match kind {
        "integer" | "number" => serde_json::from_str::<serde_json::Number>(&value).ok()?.into(),
        "boolean" => Value::Bool(value == "true"),
        "string" => value.into(),
        // Of what type it is stands elsewhere: a number is most likely one.
        _ => match value.parse::<u32>() {
            Ok(number) if number.to_string() == value => number.into(),
            _ => value.into(),
        },
    })
}
