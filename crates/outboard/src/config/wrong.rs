//! One setting that is wrong: which, what was found, what is expected, and what to do about it.
//! It does not say in which file: whoever read the file does.

use serde_json::Value;

/// What is wrong with one setting or entry. It reads as what is wrong, without the line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Wrong {
    /// The member that it is about, from the one that was read downwards; empty for that one itself.
    pub(crate) place: Vec<String>,
    /// In which line of its file that is, if it is known.
    pub(crate) line: Option<usize>,
    /// Fits after the name of the file or of the server.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) hint: String,
}

impl Wrong {
    /// About the member of this name, with its parents before it.
    pub(super) fn at(place: &[&str], what: impl Into<String>, hint: impl Into<String>) -> Self {
        let place = place.iter().map(|key| (*key).to_owned()).collect();
        Self { place, line: None, what: what.into(), hint: hint.into() }
    }

    /// A member that is something else than it must be.
    pub(super) fn mistyped(place: &[&str], found: &str, expected: &str, hint: impl Into<String>) -> Self {
        Self::at(place, format!("`{}` is {found}; it must be {expected}", place.join(".")), hint)
    }

    /// A member that is not known among these.
    pub(super) fn unknown(place: &[&str], what: &str, known: &[&str]) -> Self {
        let key = place.last().copied().unwrap_or_default();
        let there_are = || format!("there are: {}", known.join(", "));
        let hint = nearest(key, known).map_or_else(there_are, |near| format!("did you mean `{near}`?"));
        Self::at(place, format!("`{}` is not {what}", place.join(".")), hint)
    }

    /// A member that stands in these lines.
    pub(super) fn repeated(place: &[String], lines: &[usize]) -> Self {
        let name = place.last().map(String::as_str).unwrap_or_default();
        let what = format!("`{name}` stands there more than once, in lines {}", listed(lines));
        let hint = "keep one of them: programs differ in which one they read".to_owned();
        Self { place: place.to_vec(), line: None, what, hint }
    }
}

/// `3 and 9`.
pub(crate) fn listed(lines: &[usize]) -> String {
    lines.iter().map(usize::to_string).collect::<Vec<_>>().join(" and ")
}

/// What a value is, in a few words, with the value itself where it is short: for settings, which are no secrets.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Number(_) | Value::Bool(_) | Value::Null => value.to_string(),
        Value::String(text) if text.chars().count() <= 40 => value.to_string(),
        _ => kind(value).to_owned(),
    }
}

/// What a value is, without the value.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The known name that was probably meant: another spelling of it, a part of it, or one or two slips away.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
    };
    let name = plain(name);
    let distance = |known: &str| {
        let known = plain(known);
        let part = name.len() >= 3 && (known.starts_with(&name) || name.starts_with(&known));
        if part { 1 } else { strsim::damerau_levenshtein(&name, &known) }
    };
    known.iter().copied().min_by_key(|known| distance(known)).filter(|known| distance(known) <= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_nearly_right_is_answered_with_the_right_one() {
        let known = ["mcpServers", "resultTokens", "limits", "cpuSeconds"];
        for (name, near) in [
            ("mcpServer", Some("mcpServers")),
            ("mcp_servers", Some("mcpServers")),
            ("limts", Some("limits")),
            ("cpu", Some("cpuSeconds")),
            ("resultTokes", Some("resultTokens")),
            ("theme", None),
            ("x", None),
        ] {
            assert_eq!(nearest(name, &known), near, "{name}");
        }
    }
}
