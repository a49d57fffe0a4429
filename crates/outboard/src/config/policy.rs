//! The user's policy: rules, limits, and what is said where no rule decides. Only the user's own file may say it; a
//! rule that is wrong is told of by its place, and then the file is not used at all: rules left out would change what
//! the others mean.

use std::sync::Arc;

use outboard_runtime::policy::{BadPolicy, BadRule, LimitText, PolicyText, RuleText, Rulebook, Word};
use serde_json::{Map, Value};

use super::{
    Wrong,
    wrong::{kind, shown},
};

const KEYS: [&str; 3] = ["rules", "otherwise", "limits"];
const RULE: [&str; 4] = ["tools", "when", "verdict", "reason"];
const LIMIT: [&str; 3] = ["tools", "perRun", "perHour"];
const EXAMPLE: &str = "for example: {\"tools\": \"github.get_*\", \"verdict\": \"allow\"}";
const LIMIT_EXAMPLE: &str = "for example: {\"tools\": \"slack.*\", \"perRun\": 5, \"perHour\": 50}";
const ALL: &str =
    "`\"tools\": \"*\"` means every tool, and `policy.otherwise` says what holds where no rule matches";
/// Calls that may be counted.
const MOST: u64 = 1_000_000;

/// Reads `policy`. What is wrong is told of, and then there is no policy to be had.
pub(super) fn read(value: &Value) -> Result<Arc<Rulebook>, Vec<Wrong>> {
    let Value::Object(members) = value else {
        let hint =
            "for example: \"policy\": {\"rules\": [{\"tools\": \"github.get_*\", \"verdict\": \"allow\"}]}";
        return Err(vec![Wrong::mistyped(&["policy"], &shown(value), "an object", hint)]);
    };
    let mut wrong: Vec<Wrong> = members
        .keys()
        .filter(|key| !KEYS.contains(&key.as_str()))
        .map(|key| Wrong::unknown(&["policy", key], "known here", &KEYS))
        .collect();
    let mut text = PolicyText {
        rules: list(members, "rules", EXAMPLE, &mut wrong, rule),
        limits: list(members, "limits", LIMIT_EXAMPLE, &mut wrong, limit),
        otherwise: None,
    };
    if let Some(value) = given(members, "otherwise") {
        match word(value, &["policy", "otherwise"], "leave it out to go by what upstreams declare") {
            Ok(word) => text.otherwise = Some(word),
            Err(bad) => wrong.push(bad),
        }
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    Rulebook::read(text).map(Arc::new).map_err(|bad| {
        vec![match bad {
            BadPolicy::Rule(bad) => located("rules", bad),
            BadPolicy::Limit(bad) => located("limits", bad),
        }]
    })
}

fn located(list: &str, bad: BadRule) -> Wrong {
    let place = bad.place.to_string();
    let path: Vec<&str> =
        ["policy", list, &place].into_iter().chain(Some(bad.part).filter(|part| !part.is_empty())).collect();
    Wrong::at(&path, format!("`{}`: {}", path.join("."), bad.what), bad.hint)
}

fn given<'a>(members: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    members.get(key).filter(|value| !value.is_null())
}

fn list<T>(
    members: &Map<String, Value>,
    key: &str,
    example: &str,
    wrong: &mut Vec<Wrong>,
    read: impl Fn(&Map<String, Value>, &[&str]) -> Result<T, Wrong>,
) -> Vec<T> {
    let values = match given(members, key) {
        None => return Vec::new(),
        Some(Value::Array(values)) => values,
        Some(other) => {
            wrong.push(Wrong::mistyped(&["policy", key], kind(other), "a list", example));
            return Vec::new();
        }
    };
    let one = |(at, value): (usize, &Value)| {
        let at = at.to_string();
        let place = ["policy", key, &at];
        match value {
            Value::Object(members) => read(members, &place),
            other => Err(Wrong::mistyped(&place, kind(other), "an object", example)),
        }
    };
    let (good, bad): (Vec<_>, Vec<_>) = values.iter().enumerate().map(one).partition(Result::is_ok);
    wrong.extend(bad.into_iter().filter_map(Result::err));
    good.into_iter().filter_map(Result::ok).collect()
}

fn rule(members: &Map<String, Value>, place: &[&str]) -> Result<RuleText, Wrong> {
    known(members, place, &RULE)?;
    let text = |key: &str| {
        let value = given(members, key);
        value.map(|value| texted(value, &[place, &[key]].concat())).transpose()
    };
    let Some(verdict) = given(members, "verdict") else {
        return Err(Wrong::at(place, format!("`{}` has no `verdict`", place.join(".")), EXAMPLE));
    };
    let rule = RuleText {
        tools: given(members, "tools").map(|value| patterns(value, place)).transpose()?,
        when: text("when")?,
        verdict: word(verdict, &[place, &["verdict"]].concat(), EXAMPLE)?,
        reason: text("reason")?,
    };
    // It would decide about all there is, also about what is denied without rules: more likely a member was forgotten.
    if rule.tools.is_none() && rule.when.is_none() {
        let what = format!("`{}` has neither `tools` nor `when`", place.join("."));
        return Err(Wrong::at(place, what, ALL));
    }
    Ok(rule)
}

fn limit(members: &Map<String, Value>, place: &[&str]) -> Result<LimitText, Wrong> {
    known(members, place, &LIMIT)?;
    let Some(tools) = given(members, "tools") else {
        return Err(Wrong::at(place, format!("`{}` has no `tools`", place.join(".")), LIMIT_EXAMPLE));
    };
    let count = |key: &str| {
        let Some(value) = given(members, key) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (1..=MOST).contains(number));
        let number = number.and_then(|number| u32::try_from(number).ok());
        let expected = format!("a whole number from 1 to {MOST}");
        number.map(Some).ok_or_else(|| {
            Wrong::mistyped(&[place, &[key]].concat(), &shown(value), &expected, "leave it out for no limit")
        })
    };
    let limit =
        LimitText { tools: patterns(tools, place)?, per_run: count("perRun")?, per_hour: count("perHour")? };
    if limit.per_run.is_none() && limit.per_hour.is_none() {
        let what = format!("`{}` has neither `perRun` nor `perHour`", place.join("."));
        return Err(Wrong::at(place, what, LIMIT_EXAMPLE));
    }
    Ok(limit)
}

fn known(members: &Map<String, Value>, place: &[&str], keys: &[&str]) -> Result<(), Wrong> {
    match members.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(Wrong::unknown(&[place, &[key]].concat(), "known here", keys)),
        None => Ok(()),
    }
}

/// One pattern or a list of them.
fn patterns(value: &Value, place: &[&str]) -> Result<Vec<String>, Wrong> {
    let place = [place, &["tools"]].concat();
    match value {
        Value::String(pattern) => Ok(vec![pattern.clone()]),
        Value::Array(patterns) => patterns.iter().map(|pattern| texted(pattern, &place)).collect(),
        other => {
            let hint = "for example: \"tools\": [\"github.get_*\", \"github.list_*\"]";
            Err(Wrong::mistyped(&place, kind(other), "a pattern or a list of patterns", hint))
        }
    }
}

fn texted(value: &Value, place: &[&str]) -> Result<String, Wrong> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| Wrong::mistyped(place, kind(value), "a text", "write a text between double quotes"))
}

fn word(value: &Value, place: &[&str], hint: &str) -> Result<Word, Wrong> {
    match value.as_str() {
        Some("allow") => Ok(Word::Allow),
        Some("ask") => Ok(Word::Ask),
        Some("deny") => Ok(Word::Deny),
        _ => Err(Wrong::mistyped(place, &shown(value), "\"allow\", \"ask\" or \"deny\"", hint)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_written() {
        let written = json!({
            "otherwise": "ask",
            "rules": [
                {"tools": "github.get_*", "verdict": "allow"},
                {"tools": ["a.b", "a.c"], "when": "arguments.n > 1", "verdict": "deny", "reason": "too many"},
            ],
            "limits": [{"tools": "slack.*", "perHour": 5}],
        });
        let text = read(&written).unwrap().text().clone();
        assert_eq!(text.otherwise, Some(Word::Ask));
        assert_eq!(text.rules[1].tools, Some(vec!["a.b".to_owned(), "a.c".to_owned()]));
        assert_eq!((text.rules[0].verdict, text.rules[1].verdict), (Word::Allow, Word::Deny));
        assert_eq!((text.limits[0].per_run, text.limits[0].per_hour), (None, Some(5)));
        assert_eq!(read(&json!({})).unwrap(), Arc::default());
    }

    #[test]
    fn what_is_wrong_is_told_by_its_place_with_what_to_do() {
        for (policy, place, what, hint) in [
            (json!([]), "policy", "`policy` is a list; it must be an object", "for example"),
            (json!({"rule": []}), "policy.rule", "`policy.rule` is not known here", "did you mean `rules`?"),
            (
                json!({"rules": {}}),
                "policy.rules",
                "`policy.rules` is an object; it must be a list",
                "github.get_*",
            ),
            (json!({"rules": [7]}), "policy.rules.0", "`policy.rules.0` is a number", "for example"),
            (json!({"rules": [{}]}), "policy.rules.0", "`policy.rules.0` has no `verdict`", "for example"),
            (
                json!({"rules": [{"verdict": "permit"}]}),
                "policy.rules.0.verdict",
                "`policy.rules.0.verdict` is \"permit\"; it must be \"allow\", \"ask\" or \"deny\"",
                "for example",
            ),
            (
                json!({"rules": [{"verdict": "allow", "reason": "x"}]}),
                "policy.rules.0",
                "`policy.rules.0` has neither `tools` nor `when`",
                "`\"tools\": \"*\"` means every tool",
            ),
            (
                json!({"rules": [{"verdict": "ask", "tools": "*"}, {"verdict": "ask", "if": "x"}]}),
                "policy.rules.1.if",
                "`policy.rules.1.if` is not known here",
                "there are: tools, when, verdict, reason",
            ),
            (
                json!({"rules": [
                    {"verdict": "ask", "tools": "*"},
                    {"verdict": "ask", "when": "argument.n > 1"},
                ]}),
                "policy.rules.1.when",
                "`policy.rules.1.when`: column 1: `argument` is not known",
                "there are: kind",
            ),
            (
                json!({"rules": [{"verdict": "ask", "tools": "github"}]}),
                "policy.rules.0.tools",
                "no dot",
                "patterns",
            ),
            (
                json!({"rules": [{"verdict": "ask", "tools": [1]}]}),
                "policy.rules.0.tools",
                "a text",
                "quotes",
            ),
            (json!({"otherwise": 1}), "policy.otherwise", "`policy.otherwise` is 1", "leave it out"),
            (json!({"limits": [{"perRun": 1}]}), "policy.limits.0", "has no `tools`", "for example"),
            (json!({"limits": [{"tools": "a.b"}]}), "policy.limits.0", "neither `perRun` nor", "for example"),
            (
                json!({"limits": [{"tools": "a.b", "perRun": 0}]}),
                "policy.limits.0.perRun",
                "is 0; it must be a whole number from 1 to 1000000",
                "leave it out",
            ),
        ] {
            let wrong = read(&policy).unwrap_err().remove(0);
            assert_eq!(wrong.place.join("."), place, "{policy}");
            assert!(wrong.what.contains(what) && wrong.hint.contains(hint), "{policy}: {wrong:?}");
        }
    }
}
