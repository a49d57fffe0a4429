//! What is recorded of runs and for how long, as the user's own file says it under `journal`.
//! It opens nothing.

use std::time::Duration;

use outboard_runtime::journal::Redactor;
use outboard_store::Retention;
use serde_json::{Map, Value};

use super::{Wrong, settings::Reader, wrong::shown};

/// What is recorded of runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JournalSettings {
    pub(crate) durability: Survives,
    /// Patterns of what is taken out of everything that is recorded. Each can be used.
    pub(crate) redact: Vec<String>,
    pub(crate) keep: Retention,
    /// Runs that were interrupted go on by themselves.
    pub(crate) resume: bool,
}

/// What the record of a run survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Survives {
    /// Nothing: it goes with the process.
    Nothing,
    /// The end of Outboard in any way.
    #[default]
    Crash,
    /// A loss of power too.
    Power,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self { durability: Survives::default(), redact: Vec::new(), keep: Retention::default(), resume: true }
    }
}

const KEYS: [&str; 5] = ["durability", "redact", "keepDays", "keepMegabytes", "resume"];
const DAY: u64 = 86_400;

/// Reads the members of `journal`. What is wrong keeps its default and is told of.
pub(super) fn read(members: &Map<String, Value>, wrong: &mut Vec<Wrong>) -> JournalSettings {
    for key in members.keys().filter(|key| !KEYS.contains(&key.as_str())) {
        wrong.push(Wrong::unknown(&["journal", key], "a setting", &KEYS));
    }
    let mut settings = JournalSettings::default();
    let mut reader = Reader { members, parent: Some("journal"), wrong: std::mem::take(wrong) };
    let mut days = settings.keep.age.as_secs() / DAY;
    reader.number(&mut days, "keepDays", 1..=36_500);
    let mut megabytes = settings.keep.bytes >> 20;
    reader.number(&mut megabytes, "keepMegabytes", 1..=1 << 20);
    settings.keep = Retention { age: Duration::from_secs(days * DAY), bytes: megabytes << 20 };
    match reader.given("durability").map(|value| value.as_str()) {
        None => {}
        Some(Some("crash")) => settings.durability = Survives::Crash,
        Some(Some("power")) => settings.durability = Survives::Power,
        Some(Some("memory")) => settings.durability = Survives::Nothing,
        Some(_) => reader.out_of_range("durability", "\"crash\", \"power\" or \"memory\"", &"\"crash\""),
    }
    match reader.given("resume") {
        None => {}
        Some(Value::Bool(resume)) => settings.resume = *resume,
        Some(_) => reader.out_of_range("resume", "true or false", &"true"),
    }
    *wrong = reader.wrong;
    match members.get("redact") {
        None | Some(Value::Null) => {}
        Some(Value::Array(patterns)) => {
            settings.redact =
                patterns.iter().enumerate().filter_map(|(at, value)| pattern(at, value, wrong)).collect();
        }
        Some(other) => {
            let hint = "for example: \"redact\": [\"sk-[A-Za-z0-9]{20,}\"]";
            wrong.push(Wrong::mistyped(
                &["journal", "redact"],
                &shown(other),
                "a list of regular expressions",
                hint,
            ));
        }
    }
    settings
}

fn pattern(at: usize, value: &Value, wrong: &mut Vec<Wrong>) -> Option<String> {
    let at = at.to_string();
    let place = ["journal", "redact", at.as_str()];
    let problem = match value.as_str() {
        None => shown(value),
        // One that matches nothing at all would match everywhere.
        Some("") => "empty".to_owned(),
        Some(text) => match Redactor::new([], &[text.to_owned()]) {
            Ok(_) => return Some(text.to_owned()),
            Err(problem) => {
                let why = problem.source.to_string();
                format!("no regular expression ({})", why.lines().last().unwrap_or_default().trim())
            }
        },
    };
    let hint = "look-around and back-references are not known: matching takes linear time";
    wrong.push(Wrong::mistyped(&place, &problem, "a regular expression between double quotes", hint));
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_setting_is_read_and_what_is_wrong_keeps_its_default() {
        let mut wrong = Vec::new();
        let given = json!({"durability": "power", "redact": ["a+"], "keepDays": 7, "keepMegabytes": 5, "resume": false});
        let expected = JournalSettings {
            durability: Survives::Power,
            redact: vec!["a+".to_owned()],
            keep: Retention { age: Duration::from_secs(7 * DAY), bytes: 5 << 20 },
            resume: false,
        };
        assert_eq!(read(given.as_object().unwrap(), &mut wrong), expected);
        assert!(wrong.is_empty());
        let given = json!({"durability": "disk", "redact": ["(", 1, "", "b"], "resume": 1, "keep": 1});
        let settings = read(given.as_object().unwrap(), &mut wrong);
        assert_eq!(settings, JournalSettings { redact: vec!["b".to_owned()], ..JournalSettings::default() });
        let told: Vec<&str> = wrong.iter().map(|wrong| wrong.what.as_str()).collect();
        assert_eq!(
            told,
            [
                "`journal.keep` is not a setting",
                "`journal.durability` is \"disk\"; it must be \"crash\", \"power\" or \"memory\"",
                "`journal.resume` is 1; it must be true or false",
                "`journal.redact.0` is no regular expression (error: unclosed group); it must be a regular expression between double quotes",
                "`journal.redact.1` is 1; it must be a regular expression between double quotes",
                "`journal.redact.2` is empty; it must be a regular expression between double quotes",
            ]
        );
    }
}
