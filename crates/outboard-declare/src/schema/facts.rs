//! What a schema says beyond types, as short phrases: ranges, lengths, formats, patterns, defaults.
//! The phrases keep an upstream's text as it is; whoever writes them escapes them.

use serde_json::{Map, Value};

use crate::model::Notes;
use crate::text::{cut, fold};

/// Longest description taken over, in characters.
const LONGEST_DESCRIPTION: usize = 4_000;

/// Longest pattern, default or example taken over, in characters.
const LONGEST_VALUE: usize = 80;

/// Bounds at or beyond this say no more than "a safe integer", which generators add by themselves.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// The notes of one schema.
pub(super) fn notes(schema: &Map<String, Value>) -> Notes {
    let description =
        schema.get("description").and_then(Value::as_str).filter(|text| !text.trim().is_empty());
    Notes {
        description: description.map(|text| text.chars().take(LONGEST_DESCRIPTION).collect()),
        facts: facts(schema),
        default: schema.get("default").filter(|default| !default.is_null()).map(compact),
        deprecated: schema.get("deprecated") == Some(&Value::Bool(true)),
    }
}

fn facts(schema: &Map<String, Value>) -> Vec<String> {
    let text = |keyword: &str| {
        schema.get(keyword).and_then(Value::as_str).map(|text| cut(&fold(&start(text)), LONGEST_VALUE))
    };
    let flag = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    let mut facts = Vec::new();
    facts.extend(text("format"));
    facts.extend(text("contentMediaType"));
    facts.extend(text("contentEncoding"));
    facts.extend(numbers(schema));
    facts.extend(span(schema, "minLength", "maxLength").map(|span| format!("{span} characters")));
    facts.extend(text("pattern").map(|pattern| format!("matches {pattern}")));
    facts.extend(span(schema, "minItems", "maxItems").map(|span| format!("{span} items")));
    facts.extend(span(schema, "minProperties", "maxProperties").map(|span| format!("{span} properties")));
    facts.extend(flag("uniqueItems").then(|| "unique".to_owned()));
    facts.extend(flag("readOnly").then(|| "read-only".to_owned()));
    facts.extend(flag("writeOnly").then(|| "write-only".to_owned()));
    if let Some(example) =
        schema.get("examples").and_then(Value::as_array).and_then(|examples| examples.first())
    {
        facts.push(format!("e.g. {}", compact(example)));
    }
    facts
}

/// The range of a number. In draft-04, which still occurs, the exclusive keywords are truth values.
fn numbers(schema: &Map<String, Value>) -> Vec<String> {
    let bound = |keyword: &str| {
        schema.get(keyword).filter(|bound| bound.as_f64().is_some_and(|bound| bound.abs() < SAFE_INTEGER))
    };
    let excludes = |keyword: &str| schema.get(keyword) == Some(&Value::Bool(true));
    let mut facts = Vec::new();
    let (low, high) = (bound("minimum"), bound("maximum"));
    match (low, high) {
        (Some(low), Some(high)) if !excludes("exclusiveMinimum") && !excludes("exclusiveMaximum") => {
            facts.push(format!("{low} to {high}"));
        }
        _ => {
            let sign = |strict: bool, sign: char| if strict { sign.to_string() } else { format!("{sign}=") };
            facts.extend(low.map(|low| format!("{} {low}", sign(excludes("exclusiveMinimum"), '>'))));
            facts.extend(high.map(|high| format!("{} {high}", sign(excludes("exclusiveMaximum"), '<'))));
        }
    }
    facts.extend(bound("exclusiveMinimum").map(|low| format!("> {low}")));
    facts.extend(bound("exclusiveMaximum").map(|high| format!("< {high}")));
    facts.extend(bound("multipleOf").map(|step| format!("multiple of {step}")));
    facts
}

fn span(schema: &Map<String, Value>, least: &str, most: &str) -> Option<String> {
    let bound = |keyword: &str| schema.get(keyword).and_then(Value::as_u64);
    match (bound(least).filter(|least| *least > 0), bound(most)) {
        (Some(least), Some(most)) if least == most => Some(least.to_string()),
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (None, None) => None,
    }
}

/// A value as JSON in one short line. Values that could be deep or long are not written out whole first.
fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => serde_json::to_string(&start(text))
            .map_or_else(|_| "…".to_owned(), |text| cut(&text, LONGEST_VALUE)),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(members) if members.is_empty() => "{}".to_owned(),
        Value::Array(items)
            if items.len() <= 8 && items.iter().all(|item| !item.is_array() && !item.is_object()) =>
        {
            let items: Vec<String> = items.iter().map(compact).collect();
            cut(&format!("[{}]", items.join(", ")), LONGEST_VALUE)
        }
        Value::Array(_) => "[…]".to_owned(),
        Value::Object(_) => "{…}".to_owned(),
        plain => plain.to_string(),
    }
}

fn start(text: &str) -> String {
    text.chars().take(2 * LONGEST_VALUE).collect()
}
