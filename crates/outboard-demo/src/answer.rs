//! The answer to the demo's task, as a model states it and as the report compares it.
//!
//! It is parsed from a model's own words; the right answer stands nowhere but in tests.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the task asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Activities that did not succeed.
    pub failures: u64,
    /// The users with the most activities, sorted; several when they tie.
    pub most_active: Vec<String>,
    /// Mean duration in seconds, rounded to one decimal.
    pub average_duration: f64,
}

impl Answer {
    /// Reads an answer from a text that is one JSON object, or starts with one on a line of its own
    /// (a script's value stands before its console output).
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let first_line = text.trim_start().lines().next()?;
        serde_json::from_str(text).or_else(|_| serde_json::from_str(first_line)).ok()
    }
}

/// Compact JSON, the form that the task asks the model for.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_from_json_and_from_its_first_line_alone() {
        let answer = Answer { failures: 2, most_active: vec!["a".into(), "b".into()], average_duration: 1.5 };
        let json = r#"{"failures":2,"most_active":["a","b"],"average_duration":1.5}"#;
        let cases = [
            (json.to_owned(), Some(answer.clone())),
            (format!("{json}\nlooked at 2 pages"), Some(answer.clone())),
            (json.replace(',', ",\n  "), Some(answer.clone())),
            (format!("looked at 2 pages\n{json}"), None),
            (r#"{"failures":2}"#.to_owned(), None),
            (String::new(), None),
        ];
        for (text, expected) in cases {
            assert_eq!(Answer::parse(&text), expected, "{text}");
        }
        assert_eq!(answer.to_string(), json);
    }
}
