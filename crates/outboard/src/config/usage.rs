//! How an upstream is used, from its entry in one of Outboard's own files: which tools count, how long a call may take,
//! how many at once, when it is started. None of it says how the upstream is reached.

use std::{num::NonZeroU32, time::Duration};

use outboard_runtime::catalogue::{Terms, ToolFilter};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::settings::LONGEST;

/// The keys that are read here. In a file that other clients share they are those clients' and mean what they say
/// there: milliseconds, for example.
pub(super) const KEYS: [&str; 4] = ["tools", "timeout", "concurrency", "eager"];

/// Calls at once that may be asked for.
const MOST_AT_ONCE: u64 = 100_000;

/// How one upstream is used. The default restricts nothing and starts it when it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) terms: Terms,
    /// It is started when Outboard is, also if its tools are known from earlier.
    pub(crate) eager: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Tools {
    allow: Option<Vec<String>>,
    deny: Vec<String>,
}

impl Usage {
    /// Reads what an entry says; the text of a problem fits after the server's name.
    pub(super) fn parse(entry: &Map<String, Value>) -> Result<Self, String> {
        let given = |key: &str| entry.get(key).filter(|value| !value.is_null());
        let timeout = given("timeout").map(|value| {
            let seconds = value.as_f64().filter(|seconds| (0.001..=LONGEST).contains(seconds));
            seconds
                .map(Duration::from_secs_f64)
                .ok_or(format!("`timeout` must be from 0.001 to {LONGEST} seconds"))
        });
        let concurrency = given("concurrency").map(|value| {
            let number = value.as_u64().filter(|number| *number <= MOST_AT_ONCE);
            let number = number.and_then(|number| NonZeroU32::new(u32::try_from(number).ok()?));
            number.ok_or(format!("`concurrency` must be a whole number from 1 to {MOST_AT_ONCE}"))
        });
        let eager = given("eager").map(|value| value.as_bool().ok_or("`eager` must be true or false"));
        Ok(Self {
            terms: Terms {
                tools: given("tools").map(filter).transpose()?.unwrap_or_default(),
                timeout: timeout.transpose()?,
                concurrency: concurrency.transpose()?,
            },
            eager: eager.transpose()?.unwrap_or_default(),
        })
    }
}

fn filter(value: &Value) -> Result<ToolFilter, String> {
    let tools = Tools::deserialize(value).map_err(|error| format!("`tools`: {error}"))?;
    let filter = ToolFilter::denying(&tools.deny)
        .map_err(|bad| format!("`tools.deny[{}]` is no pattern: {bad}", bad.place))?;
    match tools.allow {
        Some(allow) => filter
            .allowing(&allow)
            .map_err(|bad| format!("`tools.allow[{}]` is no pattern: {bad}", bad.place)),
        None => Ok(filter),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(entry: &Value) -> Result<Usage, String> {
        Usage::parse(entry.as_object().unwrap())
    }

    #[test]
    fn what_is_left_out_restricts_nothing() {
        assert_eq!(parse(&json!({"command": "x"})), Ok(Usage::default()));
        assert_eq!(parse(&json!({"tools": {}, "timeout": null})), Ok(Usage::default()));
        let all = json!({"tools": {"allow": ["a"], "deny": ["b"]}, "timeout": 1.5, "concurrency": 2, "eager": true});
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let tools = ToolFilter::denying(&texts(&["b"])).unwrap().allowing(&texts(&["a"])).unwrap();
        let terms =
            Terms { tools, timeout: Some(Duration::from_millis(1_500)), concurrency: NonZeroU32::new(2) };
        assert_eq!(parse(&all), Ok(Usage { terms, eager: true }));
    }

    #[test]
    fn wrong_values_are_told_by_their_key() {
        for (entry, says) in [
            (json!({"tools": {"alow": []}}), "`tools`: unknown field `alow`"),
            (json!({"tools": ["a"]}), "`tools`: "),
            (json!({"tools": {"deny": "a"}}), "`tools`: "),
            (json!({"tools": {"deny": ["ok", "[x"]}}), "`tools.deny[1]` is no pattern: "),
            (json!({"tools": {"allow": [""]}}), "`tools.allow[0]` is no pattern: "),
            (json!({"timeout": 0}), "`timeout` must be from 0.001 to 604800 seconds"),
            (json!({"timeout": "5s"}), "`timeout` must be"),
            (json!({"timeout": 1e300}), "`timeout` must be"),
            (json!({"concurrency": 0}), "`concurrency` must be a whole number from 1 to 100000"),
            (json!({"concurrency": 1.5}), "`concurrency` must be"),
            (json!({"concurrency": 4_294_967_297_u64}), "`concurrency` must be"),
            (json!({"eager": "yes"}), "`eager` must be true or false"),
        ] {
            let problem = parse(&entry).unwrap_err();
            assert!(problem.starts_with(says), "{entry}: {problem}");
        }
    }
}
