//! What clients say of a server's use: which of its tools count and how long a call may take, from each client's key and
//! unit to ours. What cannot be taken over becomes a note; a filter that cannot be read refuses the server, because
//! without it more tools would be open than there.

use serde_json::{Map, Value, json};

use super::draft::Draft;

/// The terms on which a client uses a server.
#[derive(Debug, Default)]
pub(super) struct Terms {
    /// Patterns of the tools that count; all of them if there is no such list.
    pub(super) allow: Option<Vec<String>>,
    /// Patterns of those that do not.
    pub(super) deny: Vec<String>,
    /// Seconds for a call.
    pub(super) timeout: Option<f64>,
}

/// How many of a client's units make a second.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
}

/// Seconds that our own setting may have.
const RANGE: std::ops::RangeInclusive<f64> = 0.001..=604_800.0;

impl Draft<'_> {
    /// The names in a list, as patterns that match these names alone.
    pub(super) fn names(&mut self, key: &'static str) -> Result<Option<Vec<String>>, String> {
        let Some(value) = self.raw(key) else { return Ok(None) };
        let names = value.as_array().map(|list| list.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        match names {
            Some(Some(names)) => Ok(Some(names.into_iter().map(literal).collect())),
            Some(None) | None => Err(format!("`{key}` must be a list of names")),
        }
    }

    /// The time for a call, in seconds. One that cannot be a time here is noted.
    pub(super) fn time(&mut self, key: &'static str, unit: Unit) -> Option<f64> {
        let value = self.raw(key)?;
        let seconds = value.as_f64().map(|given| match unit {
            Unit::Seconds => given,
            Unit::Milliseconds => given / 1e3,
        });
        let fits = seconds.filter(|seconds| RANGE.contains(seconds));
        if fits.is_none() {
            self.note(format!("`{key}` is not taken over: {value} is no time for a call"));
        }
        fits
    }
}

impl Terms {
    /// The entry with these terms.
    pub(super) fn on(self, entry: Value) -> Value {
        let Value::Object(mut members) = entry else { return entry };
        let mut tools = Map::new();
        if let Some(allow) = self.allow {
            tools.insert("allow".to_owned(), json!(allow));
        }
        if !self.deny.is_empty() {
            tools.insert("deny".to_owned(), json!(self.deny));
        }
        if !tools.is_empty() {
            members.insert("tools".to_owned(), Value::Object(tools));
        }
        if let Some(seconds) = self.timeout {
            // Whole seconds as a person would write them.
            let whole = serde_json::Number::from_f64(seconds).filter(|_| seconds.fract() != 0.0);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a week at most")]
            let value = whole.map_or_else(|| json!(seconds as u64), Value::Number);
            members.insert("timeout".to_owned(), value);
        }
        Value::Object(members)
    }
}

/// The pattern that matches this name alone.
pub(super) fn literal(name: &str) -> String {
    let mut pattern = String::with_capacity(name.len());
    for c in name.chars() {
        if "*?[]{}\\".contains(c) {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern
}

#[cfg(test)]
mod tests {
    use outboard_runtime::catalogue::ToolFilter;

    use super::*;

    #[test]
    fn a_name_as_a_pattern_matches_itself_alone() {
        for name in ["get_page", "a*", "a?[b]{c,d}", "back\\slash", "(x)"] {
            assert!(ToolFilter::denying(&[literal(name)]).is_ok(), "{name}");
        }
        assert_eq!((literal("get_page").as_str(), literal("a*[").as_str()), ("get_page", "a\\*\\["));
    }
}
