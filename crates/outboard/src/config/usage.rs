//! How an upstream is used, from its entry in one of Outboard's own files: which tools count, how long a call may take,
//! how many at once, when it is started. None of it says how the upstream is reached.

use std::{num::NonZeroU32, time::Duration};

use outboard_runtime::{
    catalogue::{BadPattern, Terms, ToolFilter},
    policy::Labels,
};
use serde_json::{Map, Value};

use super::{
    Wrong,
    settings::LONGEST,
    wrong::{kind, shown},
};

/// The keys that are read here. In a file that other clients share they are those clients' and mean what they say
/// there: milliseconds, for example.
pub(super) const KEYS: [&str; 6] = ["tools", "timeout", "concurrency", "eager", "trust", "labels"];
/// Those by which an entry would vouch for itself: only the user's own file may say them.
pub(super) const OF_USER: [&str; 2] = ["trust", "labels"];
const LABELS: [&str; 3] = ["private", "untrusted", "external"];

/// Calls at once that may be asked for.
const MOST_AT_ONCE: u64 = 100_000;

/// How one upstream is used. The default restricts nothing and starts it when it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) terms: Terms,
    /// It is started when Outboard is, also if its tools are known from earlier.
    pub(crate) eager: bool,
}

/// A time for one call from which on a person probably meant milliseconds, as other clients do: 16 minutes.
const DOUBTFUL: Duration = Duration::from_secs(1_000);

impl Usage {
    /// Reads what an entry says; what is wrong with it fits after the server's name.
    pub(super) fn parse(entry: &Map<String, Value>) -> Result<Self, Wrong> {
        let given = |key: &str| entry.get(key).filter(|value| !value.is_null());
        let concurrency = given("concurrency").map(|value| {
            let number = value.as_u64().filter(|number| *number <= MOST_AT_ONCE);
            let number = number.and_then(|number| NonZeroU32::new(u32::try_from(number).ok()?));
            let expected = format!("a whole number from 1 to {MOST_AT_ONCE}");
            number.ok_or_else(|| {
                Wrong::mistyped(&["concurrency"], &shown(value), &expected, "leave it out for no limit")
            })
        });
        let eager = given("eager").map(|value| {
            let expected = "true or false";
            value.as_bool().ok_or_else(|| {
                Wrong::mistyped(&["eager"], &shown(value), expected, "leave it out for a start at first use")
            })
        });
        Ok(Self {
            terms: Terms {
                tools: given("tools").map(filter).transpose()?.unwrap_or_default(),
                timeout: given("timeout").map(timeout).transpose()?,
                concurrency: concurrency.transpose()?,
                trusted: given("trust").map(trust).transpose()?.unwrap_or_default(),
                labels: given("labels").map(labels).transpose()?.unwrap_or_default(),
                accepted: None,
            },
            eager: eager.transpose()?.unwrap_or_default(),
        })
    }

    /// What a person may have meant otherwise, and what to write then.
    pub(crate) fn doubt(&self) -> Option<(String, String)> {
        let timeout = self.terms.timeout.filter(|timeout| *timeout >= DOUBTFUL)?;
        let seconds = timeout.as_secs_f64();
        Some((
            format!("`timeout` is in seconds here: a call may take {}", hours(timeout)),
            format!("if milliseconds are meant, as other clients have it: \"timeout\": {}", seconds / 1e3),
        ))
    }
}

fn trust(value: &Value) -> Result<bool, Wrong> {
    let hint = "true: its tools run unless they are declared destructive; leave it out to be asked";
    value.as_bool().ok_or_else(|| Wrong::mistyped(&["trust"], &shown(value), "true or false", hint))
}

/// `{"private": true, "untrusted": false}`, or a list of those that are true.
fn labels(value: &Value) -> Result<Labels, Wrong> {
    let hint = "for example: \"labels\": {\"private\": true, \"external\": false}";
    let mut labels = Labels::default();
    let mut set = |name: &str, to: &Value| {
        let label = match name {
            "private" => &mut labels.private,
            "untrusted" => &mut labels.untrusted,
            "external" => &mut labels.external,
            _ => return Err(Wrong::unknown(&["labels", name], "a label", &LABELS)),
        };
        let wrong = || Wrong::mistyped(&["labels", name], &shown(to), "true or false", hint);
        *label = Some(to.as_bool().ok_or_else(wrong)?);
        Ok(())
    };
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, to)| set(name, to))?,
        Value::Array(names) if names.iter().all(Value::is_string) => {
            names.iter().filter_map(Value::as_str).try_for_each(|name| set(name, &Value::Bool(true)))?;
        }
        other => return Err(Wrong::mistyped(&["labels"], kind(other), "an object of labels", hint)),
    }
    Ok(labels)
}

fn timeout(value: &Value) -> Result<Duration, Wrong> {
    let seconds = value.as_f64().filter(|seconds| (0.001..=LONGEST).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| {
        let hint = match value.as_f64().filter(|given| (LONGEST..=LONGEST * 1e3).contains(given)) {
            Some(millis) => format!("if milliseconds are meant: \"timeout\": {}", millis / 1e3),
            None => "seconds for each call; leave it out for `limits.callSeconds`".to_owned(),
        };
        let expected = format!("a number from 0.001 to {LONGEST}, of seconds");
        Wrong::mistyped(&["timeout"], &shown(value), &expected, hint)
    })
}

/// `8.3 hours`, `20 minutes`.
fn hours(duration: Duration) -> String {
    let minutes = duration.as_secs_f64() / 60.0;
    if minutes < 90.0 { format!("{minutes:.0} minutes") } else { format!("{:.1} hours", minutes / 60.0) }
}

fn filter(value: &Value) -> Result<ToolFilter, Wrong> {
    let Value::Object(members) = value else {
        let hint = "for example: \"tools\": {\"deny\": [\"delete_*\"]}";
        return Err(Wrong::mistyped(&["tools"], kind(value), "an object with `allow` or `deny`", hint));
    };
    if let Some(unknown) = members.keys().find(|key| !["allow", "deny"].contains(&key.as_str())) {
        return Err(Wrong::unknown(&["tools", unknown], "known here", &["allow", "deny"]));
    }
    let deny = patterns(members, "deny")?.unwrap_or_default();
    let filter = ToolFilter::denying(&deny).map_err(|bad| bad_pattern("deny", &bad))?;
    match patterns(members, "allow")? {
        Some(allow) => filter.allowing(&allow).map_err(|bad| bad_pattern("allow", &bad)),
        None => Ok(filter),
    }
}

fn patterns(members: &Map<String, Value>, key: &str) -> Result<Option<Vec<String>>, Wrong> {
    let Some(value) = members.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let texts = value.as_array().map(|list| list.iter().map(|one| Some(one.as_str()?.to_owned())).collect());
    match texts {
        Some(Some(texts)) => Ok(Some(texts)),
        Some(None) | None => {
            let hint = format!("for example: \"{key}\": [\"get_*\", \"list_*\"]");
            let found = if value.is_array() { "a list of other things" } else { kind(value) };
            Err(Wrong::mistyped(&["tools", key], found, "a list of texts", hint))
        }
    }
}

fn bad_pattern(key: &str, bad: &BadPattern) -> Wrong {
    let what = format!("`tools.{key}[{}]` is no pattern: {bad}", bad.place);
    Wrong::at(
        &["tools", key],
        what,
        "patterns know `*`, `?`, `[ab]`, `{one,two}`, and `\\` before any of these",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(entry: &Value) -> Result<Usage, Wrong> {
        Usage::parse(entry.as_object().unwrap())
    }

    #[test]
    fn what_is_left_out_restricts_nothing() {
        assert_eq!(parse(&json!({"command": "x"})), Ok(Usage::default()));
        assert_eq!(parse(&json!({"tools": {}, "timeout": null})), Ok(Usage::default()));
        let all = json!({"tools": {"allow": ["a"], "deny": ["b"]}, "timeout": 1.5, "concurrency": 2, "eager": true});
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let tools = ToolFilter::denying(&texts(&["b"])).unwrap().allowing(&texts(&["a"])).unwrap();
        let terms = Terms {
            tools,
            timeout: Some(Duration::from_millis(1_500)),
            concurrency: NonZeroU32::new(2),
            ..Terms::default()
        };
        assert_eq!(parse(&all), Ok(Usage { terms, eager: true }));
    }

    #[test]
    fn labels_are_given_as_an_object_or_as_a_list() {
        let labels = |labels: &Value| parse(&json!({ "labels": labels })).unwrap().terms.labels;
        let (yes, no) = (Some(true), Some(false));
        for (written, private, untrusted, external) in [
            (json!([]), None, None, None),
            (json!(["private", "external"]), yes, None, yes),
            (json!({"private": true, "untrusted": false}), yes, no, None),
        ] {
            assert_eq!(labels(&written), Labels { private, untrusted, external });
        }
        assert!(parse(&json!({"trust": true})).unwrap().terms.trusted);
    }

    #[test]
    fn wrong_values_are_told_by_their_key() {
        for (entry, says, hint) in [
            (json!({"tools": {"alow": []}}), "`tools.alow` is not known here", "did you mean `allow`?"),
            (json!({"tools": ["a"]}), "`tools` is a list; it must be an object with `allow`", "\"deny\": ["),
            (json!({"tools": {"deny": "a"}}), "`tools.deny` is a text; it must be a list", "\"deny\": ["),
            (json!({"tools": {"deny": [1]}}), "`tools.deny` is a list of other things", "\"deny\": ["),
            (json!({"tools": {"deny": ["ok", "[x"]}}), "`tools.deny[1]` is no pattern: ", "patterns know"),
            (json!({"tools": {"allow": [""]}}), "`tools.allow[0]` is no pattern: ", "patterns know"),
            (
                json!({"timeout": 0}),
                "`timeout` is 0; it must be a number from 0.001 to 604800, of seconds",
                "seconds",
            ),
            (
                json!({"timeout": 3_000_000}),
                "`timeout` is 3000000; it must be",
                "milliseconds are meant: \"timeout\": 3000",
            ),
            (json!({"timeout": "5s"}), "`timeout` is \"5s\"; it must be", "seconds"),
            (json!({"timeout": 1e300}), "`timeout` is 1e+300; it must be", "leave it out"),
            (
                json!({"concurrency": 0}),
                "`concurrency` is 0; it must be a whole number from 1 to 100000",
                "no limit",
            ),
            (json!({"concurrency": 1.5}), "`concurrency` is 1.5; ", "leave it out"),
            (json!({"concurrency": 4_294_967_297_u64}), "`concurrency` is 4294967297; ", "leave it out"),
            (json!({"trust": "yes"}), "`trust` is \"yes\"; it must be true or false", "declared destructive"),
            (
                json!({"labels": ["secret"]}),
                "`labels.secret` is not a label",
                "there are: private, untrusted",
            ),
            (
                json!({"labels": {"private": 1}}),
                "`labels.private` is 1; it must be true or false",
                "external",
            ),
            (json!({"labels": "private"}), "`labels` is a text; it must be an object", "for example"),
            (json!({"eager": "yes"}), "`eager` is \"yes\"; it must be true or false", "leave it out"),
        ] {
            let wrong = parse(&entry).unwrap_err();
            assert!(wrong.what.starts_with(says) && wrong.hint.contains(hint), "{entry}: {wrong:?}");
        }
    }

    #[test]
    fn seconds_that_are_probably_milliseconds_are_doubted() {
        for (timeout, doubt) in [
            (json!(999), None),
            (json!(1_200), Some(("20 minutes", "\"timeout\": 1.2"))),
            (json!(30_000), Some(("8.3 hours", "\"timeout\": 30"))),
        ] {
            let told = parse(&json!({ "timeout": timeout })).unwrap().doubt();
            assert_eq!(told.is_some(), doubt.is_some(), "{timeout}");
            if let (Some((what, hint)), Some((time, instead))) = (told, doubt) {
                assert!(what.ends_with(time) && hint.ends_with(instead), "{what} {hint}");
            }
        }
    }
}
