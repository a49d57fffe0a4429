//! Whether an answer is right, by what the task's file says. Models dress answers up: JSON is found in a fence or between
//! words, numbers are compared as numbers, and more than was asked for is no mistake. It judges no style.

use serde::Deserialize;
use serde_json::Value;

/// Texts and JSON objects that are looked at in one answer at most.
const TRIES: usize = 100;

/// What a right answer has. All that is said must hold.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// A JSON value; of an object at least these members.
    #[serde(default)]
    pub json: Option<Value>,
    /// Texts that all stand in it, in upper or lower case.
    #[serde(default)]
    pub contains: Vec<String>,
}

impl Check {
    pub(super) fn sound(&self) -> Result<(), &'static str> {
        if self.json.is_none() && self.contains.is_empty() {
            return Err("`check` says neither `json` nor `contains`: every answer would be right");
        }
        Ok(())
    }

    /// Whether an answer is right.
    pub fn is_right(&self, answer: &str) -> bool {
        let lower = answer.to_lowercase();
        let contains = self.contains.iter().all(|text| lower.contains(&text.to_lowercase()));
        let json =
            self.json.as_ref().is_none_or(|wanted| candidates(answer).any(|found| fits(&found, wanted)));
        contains && json
    }
}

/// The whole answer as JSON, and every JSON value that begins in it with a bracket.
fn candidates(answer: &str) -> impl Iterator<Item = Value> {
    let whole = serde_json::from_str(answer.trim()).ok();
    let starts = answer.match_indices(['{', '[']).take(TRIES);
    let within = starts.filter_map(|(at, _)| {
        serde_json::Deserializer::from_str(&answer[at..]).into_iter::<Value>().next()?.ok()
    });
    whole.into_iter().chain(within)
}

fn fits(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| found.get(key).is_some_and(|found| fits(found, wanted)))
        }
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| fits(found, wanted))
        }
        (Value::Number(found), Value::Number(wanted)) => found.as_f64() == wanted.as_f64(),
        _ => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn right_answers_are_right_however_they_are_dressed() {
        let check = Check { json: Some(json!({ "n": 75, "users": ["a", "b"] })), ..Check::default() };
        for (answer, right) in [
            (r#"{"n":75,"users":["a","b"]}"#, true),
            ("Here you are:\n```json\n{\"users\": [\"a\", \"b\"], \"n\": 75.0, \"more\": 1}\n```", true),
            (r#"{"n":76,"users":["a","b"]} no: {"n":75,"users":["a","b"]}"#, true),
            (r#"{"n":75,"users":["b","a"]}"#, false),
            (r#"{"n":"75","users":["a","b"]}"#, false),
            ("n is 75", false),
            ("", false),
        ] {
            assert_eq!(check.is_right(answer), right, "{answer}");
        }
        let words = Check { json: None, contains: vec!["Thirty".into(), "30".into()] };
        assert!(words.is_right("thirty (30)") && !words.is_right("30"));
        assert!(!check.is_right(&"{".repeat(100_000)));
    }
}
