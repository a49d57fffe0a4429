//! YAML to JSON text, as it is read: one pass, no tree. What an alias stands for is copied, within bounds.
//! Scalars are read by YAML 1.2's core schema; tags are not looked at.

use std::{collections::HashMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle};

/// Bytes of JSON that come out at most, beside eight times what went in.
const LEAST: usize = 1 << 20;
/// How much longer the JSON may be than the YAML: aliases multiply.
const FACTOR: usize = 8;
/// Levels of nesting.
const DEEPEST: usize = 200;

/// Why a text is no YAML that can be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum YamlProblem {
    #[error("line {line}, column {column}: {what}")]
    Syntax { line: usize, column: usize, what: String },
    #[error("its aliases unfold to more than {FACTOR} times its own length")]
    Unfolds,
    #[error("it is nested more than {DEEPEST} levels deep")]
    Deep,
    #[error("a key is a list or an object")]
    Key,
}

/// What is being written, innermost last.
enum Open {
    List {
        first: bool,
    },
    /// An object, and whether its next scalar is a key.
    Object {
        first: bool,
        key: bool,
        merge: bool,
    },
}

/// The JSON text of the first document.
pub(super) fn to_json(text: &str) -> Result<String, YamlProblem> {
    let mut writer = Writer {
        out: String::with_capacity(text.len()),
        most: text.len().saturating_mul(FACTOR).max(LEAST),
        open: Vec::new(),
        anchors: HashMap::new(),
        begun: Vec::new(),
    };
    for next in Parser::new_from_str(text) {
        let (event, _) = next.map_err(|error| YamlProblem::Syntax {
            line: error.marker().line(),
            column: error.marker().col() + 1,
            what: error.info().to_owned(),
        })?;
        match event {
            Event::DocumentEnd | Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::Scalar(value, style, anchor, _) => writer.scalar(&value, style, anchor)?,
            Event::SequenceStart(.., anchor, _) => writer.begin(anchor, '[', Open::List { first: true })?,
            Event::MappingStart(.., anchor, _) => {
                writer.begin(anchor, '{', Open::Object { first: true, key: true, merge: false })?;
            }
            Event::SequenceEnd => writer.end(']')?,
            Event::MappingEnd => writer.end('}')?,
            Event::Alias(anchor) => writer.alias(anchor)?,
        }
    }
    if writer.out.is_empty() {
        writer.out.push_str("null");
    }
    Ok(writer.out)
}

struct Writer {
    out: String,
    most: usize,
    open: Vec<Open>,
    /// Where in `out` stands what an anchor names.
    anchors: HashMap<usize, Range<usize>>,
    /// Where each open value begins, with its anchor.
    begun: Vec<(usize, usize)>,
}

impl Writer {
    /// What stands between the value that comes and what was there before. Tells whether it is a key.
    fn separate(&mut self) -> bool {
        match self.open.last_mut() {
            None => false,
            Some(Open::List { first }) => {
                if !std::mem::take(first) {
                    self.out.push(',');
                }
                false
            }
            Some(Open::Object { first, key: true, .. }) => {
                if !std::mem::take(first) {
                    self.out.push(',');
                }
                true
            }
            Some(Open::Object { .. }) => {
                self.out.push(':');
                false
            }
        }
    }

    /// A value is complete.
    fn done(&mut self, start: usize, anchor: usize) -> Result<(), YamlProblem> {
        if anchor > 0 {
            self.anchors.insert(anchor, start..self.out.len());
        }
        if let Some(Open::Object { key, .. }) = self.open.last_mut() {
            *key = !*key;
        }
        if self.out.len() > self.most { Err(YamlProblem::Unfolds) } else { Ok(()) }
    }

    fn scalar(&mut self, value: &str, style: ScalarStyle, anchor: usize) -> Result<(), YamlProblem> {
        if let Some(Open::Object { key: key @ true, merge, .. }) = self.open.last_mut()
            && value == "<<"
            && style == ScalarStyle::Plain
        {
            (*key, *merge) = (false, true);
            return Ok(());
        }
        if let Some(Open::Object { merge, key, .. }) = self.open.last_mut()
            && std::mem::take(merge)
        {
            // Nothing can be merged from a scalar.
            *key = true;
            return Ok(());
        }
        let is_key = self.separate();
        let start = self.out.len();
        match (style == ScalarStyle::Plain && !is_key).then(|| plain(value)).flatten() {
            Some(json) => self.out.push_str(&json),
            None => self.out.push_str(&serde_json::Value::from(value).to_string()),
        }
        self.done(start, anchor)
    }

    fn begin(&mut self, anchor: usize, bracket: char, open: Open) -> Result<(), YamlProblem> {
        if self.open.len() >= DEEPEST {
            return Err(YamlProblem::Deep);
        }
        // What is merged in place is not supported; it stays under its own name.
        if let Some(Open::Object { merge, key, .. }) = self.open.last_mut()
            && std::mem::take(merge)
        {
            *key = true;
            self.separate();
            self.out.push_str("\"<<\"");
            if let Some(Open::Object { key, .. }) = self.open.last_mut() {
                *key = false;
            }
        }
        if self.separate() {
            return Err(YamlProblem::Key);
        }
        self.begun.push((self.out.len(), anchor));
        self.out.push(bracket);
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self, bracket: char) -> Result<(), YamlProblem> {
        self.open.pop();
        self.out.push(bracket);
        let (start, anchor) = self.begun.pop().unwrap_or_default();
        self.done(start, anchor)
    }

    fn alias(&mut self, anchor: usize) -> Result<(), YamlProblem> {
        // An alias within what it names would have no end.
        let what = self.anchors.get(&anchor).cloned().unwrap_or(0..0);
        if self.out.len() + what.len() > self.most {
            return Err(YamlProblem::Unfolds);
        }
        if let Some(Open::Object { merge, key, first }) = self.open.last_mut()
            && std::mem::take(merge)
        {
            *key = true;
            let inside = self.out.get(what).unwrap_or_default();
            let inside = inside
                .strip_prefix('{')
                .and_then(|text| text.strip_suffix('}'))
                .unwrap_or_default()
                .to_owned();
            if !inside.is_empty() {
                if !std::mem::take(first) {
                    self.out.push(',');
                }
                self.out.push_str(&inside);
            }
            return Ok(());
        }
        let is_key = self.separate();
        let start = self.out.len();
        let copy = self.out.get(what).filter(|text| !text.is_empty()).unwrap_or("null").to_owned();
        if is_key && !copy.starts_with('"') {
            return Err(YamlProblem::Key);
        }
        self.out.push_str(&copy);
        self.done(start, 0)
    }
}

/// The JSON of a plain scalar that is no text.
fn plain(value: &str) -> Option<String> {
    match value {
        "" | "~" | "null" | "Null" | "NULL" => return Some("null".to_owned()),
        "true" | "True" | "TRUE" => return Some("true".to_owned()),
        "false" | "False" | "FALSE" => return Some("false".to_owned()),
        _ => {}
    }
    if !value.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return None;
    }
    let unsigned = value.strip_prefix(['+', '-']).unwrap_or(value);
    if let Some(digits) = unsigned.strip_prefix("0x").filter(|_| unsigned == value) {
        return u64::from_str_radix(digits, 16).ok().map(|number| number.to_string());
    }
    if let Some(digits) = unsigned.strip_prefix("0o").filter(|_| unsigned == value) {
        return u64::from_str_radix(digits, 8).ok().map(|number| number.to_string());
    }
    if !unsigned.chars().all(|c| c.is_ascii_digit() || ".eE+-".contains(c)) {
        return None;
    }
    if unsigned.chars().all(|c| c.is_ascii_digit()) {
        let digits = unsigned.trim_start_matches('0');
        let sign = if value.starts_with('-') { "-" } else { "" };
        return Some(format!("{sign}{}", if digits.is_empty() { "0" } else { digits }));
    }
    let number: f64 = value.parse().ok().filter(|number: &f64| number.is_finite())?;
    serde_json::Number::from_f64(number).map(|number| number.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn yaml_becomes_the_json_that_it_means() {
        for (yaml, expected) in [
            ("a: 1\nb: [x, 'y', \"z\"]\n", json!({"a": 1, "b": ["x", "y", "z"]})),
            ("200: ok\n'404': no\n", json!({"200": "ok", "404": "no"})),
            (
                "a: 1.50\nb: .5\nc: 1e3\nd: 007\ne: 0x1f\nf: -3\ng: 1.2.3\nh: '5'",
                json!({"a": 1.5, "b": 0.5, "c": 1000.0, "d": 7, "e": 31, "f": -3, "g": "1.2.3", "h": "5"}),
            ),
            (
                "a: yes\nb: true\nc: ~\nd:\ne: 2020-01-02",
                json!({"a": "yes", "b": true, "c": null, "d": null, "e": "2020-01-02"}),
            ),
            (
                "a: &x {k: 1}\nb: *x\nc: [*x, *x]",
                json!({"a": {"k": 1}, "b": {"k": 1}, "c": [{"k": 1}, {"k": 1}]}),
            ),
            (
                "a: &x {k: 1, m: 2}\nb:\n  <<: *x\n  k: 3",
                json!({"a": {"k": 1, "m": 2}, "b": {"k": 3, "m": 2}}),
            ),
            ("a: |\n  one\n  two\nb: >-\n  x\n  y", json!({"a": "one\ntwo\n", "b": "x y"})),
            ("a: *nowhere", json!(null)),
            ("", json!(null)),
        ] {
            match to_json(yaml) {
                Ok(text) => assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected, "{yaml}"),
                Err(problem) => assert_eq!(expected, json!(null), "{yaml}: {problem}"),
            }
        }
    }

    #[test]
    fn bombs_and_endless_nesting_are_refused() {
        let mut bomb = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n");
        for level in 1..30 {
            let before = format!("*a{}", level - 1);
            bomb += &format!("a{level}: &a{level} [{}]\n", [before.as_str(); 8].join(", "));
        }
        assert!(matches!(to_json(&bomb), Err(YamlProblem::Unfolds)));
        assert!(to_json(&"[".repeat(5_000)).is_err());
        assert!(to_json("a: &a [*a]").is_ok_and(|text| text == "{\"a\":[null]}"));
        assert!(matches!(to_json("? [a]\n: b"), Err(YamlProblem::Key)));
    }
}
