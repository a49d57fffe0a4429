//! How Outboard behaves, as the user's own file says it: every setting with its range and its default.
//! A value out of range is an error that names the setting and the range; nothing is rounded to fit.

use std::{ops::RangeInclusive, time::Duration};

use outboard_face::{FaceOptions, RESPOND_WITHIN};
use outboard_runtime::{limits::Limits, session::Keeping};
use outboard_upstream::LONGEST_MESSAGE;
use serde::Deserialize;
use serde_json::{Map, Value};

/// How Outboard behaves. Only the user's own file may say it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    /// Tokens that the declarations of a small catalogue may take in `execute`'s description.
    pub(crate) declarations: usize,
    /// Tokens of a result when the model does not ask for another number.
    pub(crate) result_tokens: usize,
    /// How long `execute` takes to answer at most; what is not over by then goes on and is resumed.
    pub(crate) respond_within: Duration,
    /// Runs at once; further ones wait.
    pub(crate) runs_at_once: usize,
    /// Runs that may wait; further ones are refused.
    pub(crate) runs_waiting: usize,
    /// Limits of each run.
    pub(crate) limits: Limits,
    /// How much is kept for each client.
    pub(crate) keeping: Keeping,
    /// Bytes of one message of an upstream.
    pub(crate) tool_result: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let face = FaceOptions::default();
        Self {
            declarations: face.declarations_budget,
            result_tokens: face.result_budget,
            respond_within: RESPOND_WITHIN,
            runs_at_once: 64,
            runs_waiting: 1_000,
            limits: Limits::default(),
            keeping: Keeping::default(),
            tool_result: LONGEST_MESSAGE,
        }
    }
}

/// The settings as a person writes them; what is left out keeps its default.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "$schema")]
    _schema: Option<Value>,
    declarations: Option<u64>,
    result_tokens: Option<u64>,
    respond_within_seconds: Option<f64>,
    runs_at_once: Option<u64>,
    runs_waiting: Option<u64>,
    limits: WrittenLimits,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
struct WrittenLimits {
    wall_seconds: Option<f64>,
    cpu_seconds: Option<f64>,
    call_seconds: Option<f64>,
    memory_megabytes: Option<u64>,
    calls: Option<u64>,
    concurrent_calls: Option<u64>,
    pending_bytes: Option<u64>,
    tool_result_bytes: Option<u64>,
    console_bytes: Option<u64>,
    value_bytes: Option<u64>,
    kept_results: Option<u64>,
    kept_bytes: Option<u64>,
}

const KEYS: &str =
    "mcpServers, declarations, resultTokens, respondWithinSeconds, runsAtOnce, runsWaiting, limits, $schema";

/// Seconds in a week: longer than any run.
pub(super) const LONGEST: f64 = 604_800.0;
const KIB: u64 = 1 << 10;
const GIB: u64 = 1 << 30;

/// Reads the members of a configuration file that are no servers; the error is for people.
pub(super) fn read(members: Map<String, Value>) -> Result<Settings, String> {
    let known = |key: &&String| KEYS.split(", ").any(|known| known == key.as_str());
    if let Some(unknown) = members.keys().find(|key| !known(key)) {
        return Err(format!("`{unknown}` is not a setting; there are: {KEYS}"));
    }
    let written: Written =
        serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
    let mut settings = Settings::default();
    set(&mut settings.declarations, "declarations", written.declarations, 0..=100_000)?;
    set(&mut settings.result_tokens, "resultTokens", written.result_tokens, 100..=200_000)?;
    seconds(&mut settings.respond_within, "respondWithinSeconds", written.respond_within_seconds)?;
    // Every run takes a slot of the sandbox's pool while it is under way.
    set(&mut settings.runs_at_once, "runsAtOnce", written.runs_at_once, 1..=1_000)?;
    set(&mut settings.runs_waiting, "runsWaiting", written.runs_waiting, 0..=100_000)?;
    limits(&mut settings, &written.limits)?;
    Ok(settings)
}

fn limits(settings: &mut Settings, written: &WrittenLimits) -> Result<(), String> {
    let limits = &mut settings.limits;
    seconds(&mut limits.wall, "limits.wallSeconds", written.wall_seconds)?;
    seconds(&mut limits.cpu, "limits.cpuSeconds", written.cpu_seconds)?;
    seconds(&mut limits.call, "limits.callSeconds", written.call_seconds)?;
    let mut megabytes = limits.memory >> 20;
    set(&mut megabytes, "limits.memoryMegabytes", written.memory_megabytes, 16..=2_048)?;
    limits.memory = megabytes << 20;
    set(&mut limits.calls, "limits.calls", written.calls, 1..=u32::MAX.into())?;
    set(&mut limits.concurrent_calls, "limits.concurrentCalls", written.concurrent_calls, 1..=100_000)?;
    set(&mut limits.pending, "limits.pendingBytes", written.pending_bytes, KIB..=16 * GIB)?;
    set(&mut limits.console, "limits.consoleBytes", written.console_bytes, 0..=GIB)?;
    set(&mut limits.value, "limits.valueBytes", written.value_bytes, 1..=GIB)?;
    set(&mut settings.tool_result, "limits.toolResultBytes", written.tool_result_bytes, KIB..=2 * GIB)?;
    set(&mut settings.keeping.results, "limits.keptResults", written.kept_results, 1..=10_000)?;
    set(&mut settings.keeping.bytes, "limits.keptBytes", written.kept_bytes, 1..=64 * GIB)
}

fn seconds(into: &mut Duration, name: &str, written: Option<f64>) -> Result<(), String> {
    let Some(value) = written else { return Ok(()) };
    if !(0.001..=LONGEST).contains(&value) {
        return Err(format!("`{name}` must be from 0.001 to {LONGEST} seconds"));
    }
    *into = Duration::from_secs_f64(value);
    Ok(())
}

fn set<T: TryFrom<u64>>(
    into: &mut T,
    name: &str,
    written: Option<u64>,
    range: RangeInclusive<u64>,
) -> Result<(), String> {
    let Some(value) = written else { return Ok(()) };
    let fits = Some(value).filter(|value| range.contains(value)).and_then(|value| T::try_from(value).ok());
    *into = fits.ok_or_else(|| format!("`{name}` must be from {} to {}", range.start(), range.end()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(members: &Value) -> Result<Settings, String> {
        super::read(members.as_object().unwrap().clone())
    }

    #[test]
    fn every_setting_is_taken_at_both_ends_of_its_range_and_not_beyond() {
        for (name, least, most) in [
            ("declarations", json!(0), json!(100_000)),
            ("resultTokens", json!(100), json!(200_000)),
            ("respondWithinSeconds", json!(0.001), json!(604_800)),
            ("runsAtOnce", json!(1), json!(1_000)),
            ("runsWaiting", json!(0), json!(100_000)),
            ("limits.wallSeconds", json!(0.001), json!(604_800)),
            ("limits.cpuSeconds", json!(0.001), json!(604_800)),
            ("limits.callSeconds", json!(0.001), json!(604_800)),
            ("limits.memoryMegabytes", json!(16), json!(2_048)),
            ("limits.calls", json!(1), json!(u32::MAX)),
            ("limits.concurrentCalls", json!(1), json!(100_000)),
            ("limits.pendingBytes", json!(1_024), json!(16 * GIB)),
            ("limits.toolResultBytes", json!(1_024), json!(2 * GIB)),
            ("limits.consoleBytes", json!(0), json!(GIB)),
            ("limits.valueBytes", json!(1), json!(GIB)),
            ("limits.keptResults", json!(1), json!(10_000)),
            ("limits.keptBytes", json!(1), json!(64 * GIB)),
        ] {
            let written = |value: &Value| match name.split_once('.') {
                Some((outer, inner)) => json!({ outer: { inner: value } }),
                None => json!({ name: value }),
            };
            let taken = [&least, &most].map(|value| read(&written(value)).unwrap());
            assert_ne!(taken[0], taken[1], "{name} does something");
            let beyond = [
                least.as_u64().and_then(|least| least.checked_sub(1)).map(|value| json!(value)),
                Some(json!(most.as_u64().unwrap() + 1)),
            ];
            for value in beyond.into_iter().flatten() {
                let refused = read(&written(&value)).unwrap_err();
                assert!(
                    refused.starts_with(&format!("`{name}` must be from {least} to {most}")),
                    "{refused}"
                );
            }
        }
        assert_eq!(read(&json!({ "$schema": "x", "limits": {} })), Ok(Settings::default()));
    }
}
