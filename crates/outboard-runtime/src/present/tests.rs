//! What answers promise as a whole: transcripts, budgets, and that nothing is invented or reordered.

use outboard_script::Language;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Answer, Unit, answer, answer_once, clean, count_tokens, fit};
use crate::{
    ids::{Namespace, RunId, ToolName},
    json::Json,
    limits::{Limit, Limits},
    ports::engine::{ConsoleLevel, ConsoleLine},
    reply::FailureCode,
    run::{Effect, Failure, FailureKind, Outcome, Position, RunReport},
    session::Session,
};

const SOURCE: &str = "const channels = await slack.list_channels();
const text = \"Standup moved to 10:00\";
for (const c of channels) {
  await slack.post_message({ channel: c, text });
}
return \"done\";";

fn report(outcome: Outcome) -> RunReport {
    RunReport {
        id: RunId::new("r1"),
        source: SOURCE.to_owned(),
        language: Language::TypeScript,
        limits: Limits::default(),
        outcome,
        console: Vec::new(),
        console_dropped: 0,
        effects: Vec::new(),
        hints: Vec::new(),
    }
}

fn value(value: Value) -> RunReport {
    report(Outcome::Value(Some(Json::from(value))))
}

fn failure(kind: FailureKind, position: Option<(u32, u32)>) -> RunReport {
    let position = position.map(|(line, column)| Position { line, column });
    report(Outcome::Failed(Failure { kind, position, frames: Vec::new() }))
}

fn console(mut report: RunReport, texts: &[&str]) -> RunReport {
    let line = |text: &&str| ConsoleLine { level: ConsoleLevel::Log, text: (*text).to_owned() };
    report.console = texts.iter().map(line).collect();
    report
}

fn effects(mut report: RunReport, effects: &[(&str, &str, u32, bool)]) -> RunReport {
    let effect = |(namespace, tool, line, certain): &(&str, &str, u32, bool)| Effect {
        namespace: Namespace::new(*namespace),
        tool: ToolName::new(*tool),
        line: Some(*line),
        certain: *certain,
    };
    report.effects = effects.iter().map(effect).collect();
    report
}

fn text(report: &RunReport) -> String {
    answer(report, &Session::new(), 6_000).text
}

#[test]
fn a_good_result_is_the_value_alone() {
    for (report, expected) in [
        (
            value(json!({"failures": 75, "most_active": ["user_2"]})),
            r#"{"failures":75,"most_active":["user_2"]}"#,
        ),
        (value(json!("two\nlines \u{1b}[1m")), "two\nlines \\x1b[1m"),
        (value(json!("")), "\"\""),
        (value(json!(null)), "null"),
        (value(json!([])), "[]"),
        (report(Outcome::Value(Some(Json::parse(" { \"a b\" : [ 1 , 2 ] } ").unwrap()))), r#"{"a b":[1,2]}"#),
        (value(json!({"bell": "\u{7}", "csi": "\u{9b}2J"})), r#"{"bell":"\u0007","csi":"\u009b2J"}"#),
        (
            report(Outcome::Value(None)),
            "the script returned nothing: end it with `return` and the value that you want to see",
        ),
        (console(report(Outcome::Value(None)), &["hello"]), "hello"),
        (console(value(json!(1)), &["hello", "world"]), "1\nconsole:\nhello\nworld"),
    ] {
        let given = answer(&report, &Session::new(), 6_000);
        assert_eq!(given, Answer { text: expected.to_owned(), is_error: false, media: Vec::new() });
    }
}

#[test]
fn a_failure_says_where_what_and_which_calls_had_an_effect() {
    let tool = |code, message: &str| FailureKind::Tool {
        tool: "slack.post_message".to_owned(),
        code,
        message: message.to_owned(),
    };
    let done = [
        ("slack", "post_message", 4, true),
        ("crm", "update_contact", 2, true),
        ("slack", "post_message", 4, true),
        ("slack", "post_message", 4, true),
    ];
    for (report, expected) in [
        (
            effects(failure(tool(FailureCode::ToolError, "channel_not_found"), Some((4, 9))), &done),
            "failed at 4:9: slack.post_message: channel_not_found (tool error)\n  \
             4 |   await slack.post_message({ channel: c, text });\n    \
             |         ^\n\
             already done before this: slack.post_message × 3 (lines 4, 4, 4), crm.update_contact × 1 (line 2). \
             Do not run the script again as it is: continue after what is done.",
        ),
        (
            effects(
                failure(tool(FailureCode::Timeout, "no answer within 120s"), Some((4, 9))),
                &[("slack", "post_message", 4, false)],
            ),
            "failed at 4:9: slack.post_message: no answer within 120s (timeout)\n  \
             4 |   await slack.post_message({ channel: c, text });\n    \
             |         ^\n\
             sent, but not known to be done: slack.post_message × 1 (line 4). Check before doing it again. \
             Do not run the script again as it is.",
        ),
        (
            failure(
                FailureKind::Threw {
                    name: "ReferenceError".into(),
                    message: "'fetch' is not defined".into(),
                },
                Some((1, 18)),
            ),
            "failed at 1:18: ReferenceError: 'fetch' is not defined\n  \
             1 | const channels = await slack.list_channels();\n    \
             |                  ^\n\
             A script has no network: only the tools reach the outside.\n\
             nothing was changed before this: it is safe to run again once mended",
        ),
        (
            failure(
                FailureKind::Threw {
                    name: "ReferenceError".into(),
                    message: "fetch is not defined: there is no network here".into(),
                },
                None,
            ),
            "failed: ReferenceError: fetch is not defined: there is no network here\n\
             nothing was changed before this: it is safe to run again once mended",
        ),
        (
            failure(FailureKind::Limit(Limit::Cpu), Some((3, 1))),
            "stopped at 3:1: computing took longer than its limit of 30 s (setting `limits.cpuSeconds`; waiting does not count)\n  \
             3 | for (const c of channels) {\n\
             Look for a loop that does not end or a pattern that backtracks; otherwise work on less data at a time.\n\
             nothing was changed before this: it is safe to run again once mended",
        ),
        (
            failure(FailureKind::Cancelled, None),
            "cancelled: the client or a person ended the run\n\
             nothing was changed before this: it is safe to run again",
        ),
        (
            console(failure(FailureKind::Internal("no sandbox".into()), None), &["before"]),
            "console:\nbefore\nfailed: Outboard could not go on: no sandbox\nnothing was changed before this",
        ),
    ] {
        let given = answer(&report, &Session::new(), 6_000);
        assert_eq!((given.text.as_str(), given.is_error), (expected, true));
    }
}

#[test]
fn mistakes_found_before_the_run_are_listed_by_place() {
    let found = |source: &str| outboard_script::prepare(source, None).unwrap_err().findings;
    let mut findings = found("const n = ;");
    assert_eq!(text(&report(Outcome::NotRun(findings.clone()))), "not run: 1 mistake\n1:11  unexpected `;`");
    findings[0].hint = Some("write a value".to_owned());
    findings[0].message = "unexpected\n\u{1b}[2J".to_owned();
    findings.extend(found("let a = ;"));
    let given = answer(&report(Outcome::NotRun(findings.clone())), &Session::new(), 6_000);
    let expected = "not run: 2 mistakes\n1:11  unexpected \\x1b[2J; write a value\n1:9  unexpected `;`";
    assert_eq!((given.text.as_str(), given.is_error), (expected, true));

    findings[1].message = "long ".repeat(10_000);
    let many: Vec<_> = findings.iter().cycle().take(5_000).cloned().collect();
    for budget in [100, 1_000] {
        let text = answer(&report(Outcome::NotRun(many.clone())), &Session::new(), budget).text;
        assert!(text.starts_with("not run: 5,000 mistakes\n1:11  ") && text.ends_with(" more"), "{text}");
        assert!(count_tokens(&text) <= budget);
    }
}

#[test]
fn every_limit_is_named_with_its_value_and_a_way_out() {
    for (limit, expected) in [
        (Limit::Wall, "600 s (setting `limits.wallSeconds`)"),
        (Limit::Cpu, "30 s (setting `limits.cpuSeconds`;"),
        (Limit::Memory, "512 MiB (setting `limits.memoryMegabytes`)"),
        (Limit::Stack, "stack"),
        (Limit::Value, "128 MiB (setting `limits.valueBytes`)"),
    ] {
        let text = text(&failure(FailureKind::Limit(limit), None));
        assert!(text.contains(expected) && text.lines().count() == 3, "{text}");
    }
}

#[test]
fn no_failure_is_followed_by_advice_to_retry() {
    let kinds = [
        FailureKind::Limit(Limit::Wall),
        FailureKind::Stuck,
        FailureKind::Cancelled,
        FailureKind::Internal("the sandbox broke".into()),
        FailureKind::Threw {
            name: "TypeError".into(),
            message: "cannot read property 'x' of undefined".into(),
        },
    ];
    let tools = [
        FailureCode::ToolError,
        FailureCode::UpstreamLost,
        FailureCode::UpstreamUnavailable,
        FailureCode::Denied,
    ]
    .map(|code| FailureKind::Tool { tool: "a.b".into(), code, message: "no".into() });
    for kind in kinds.into_iter().chain(tools) {
        let text = text(&effects(failure(kind, Some((2, 1))), &[("crm", "update", 2, true)]));
        assert!(text.contains("Do not run the script again as it is"), "{text}");
        assert!(!["retry", "try again", "run it again"].iter().any(|advice| text.contains(advice)), "{text}");
    }
}

#[test]
fn a_long_result_keeps_whole_rows_and_names_the_rest() {
    let rows: Vec<Value> = (1..=10_000)
        .map(
            |id| json!({"id": id, "user": format!("user_{}", id % 7), "note": "as usual", "ok": id % 4 != 0}),
        )
        .collect();
    let whole = json!({"count": 10_000, "rows": rows});
    let session = Session::new();
    let given = answer(&value(whole.clone()), &session, 1_000).text;
    let (shown, note) = given.rsplit_once('\n').unwrap();
    let parsed: Value = serde_json::from_str(shown).unwrap();
    let count = parsed["rows"].as_array().unwrap().len();
    assert_eq!(parsed["count"], 10_000);
    assert_eq!(parsed["rows"].as_array().unwrap()[..], rows[..count]);
    assert!(
        shown.starts_with("{\"count\":10000,\n\"rows\":[\n{\"id\":1,") && shown.lines().count() >= count,
        "{shown}"
    );

    let handle = note.split('"').nth(1).unwrap();
    assert_eq!(
        note,
        format!(
            "[cut to 1,000 tokens: rows {count} of 10,000 shown; the whole value (561 kB) is kept as {handle}: read it in a \
             script with `await results.get(\"{handle}\")`]"
        )
    );
    assert_eq!(session.kept(handle).unwrap().to_value(), whole);
    let tokens = count_tokens(&given);
    assert!((900..=1_000).contains(&tokens), "{tokens}");
}

#[test]
fn for_whom_nothing_is_kept_the_note_says_where_the_whole_is() {
    let whole: Vec<_> = (0..5_000).collect();
    let given = answer_once(&value(json!(whole)), "is printed by --json", 200).text;
    assert!(
        given.ends_with(" of 5,000 elements shown; the whole value (23 kB) is printed by --json]"),
        "{given}"
    );
    assert!(count_tokens(&given) <= 200 && !given.contains("kept"), "{given}");
}

#[test]
fn a_long_result_that_fits_has_line_breaks_and_is_whole() {
    let rows: Vec<Value> = (0..100).map(|id| json!({"id": id, "name": "x".repeat(20)})).collect();
    let given = text(&value(json!(rows)));
    assert_eq!(serde_json::from_str::<Value>(&given).unwrap(), json!(rows));
    assert_eq!(given.lines().count(), 102);
    assert!(given.lines().all(|line| line.len() < 200));
}

#[test]
fn the_largest_parts_are_cut_and_small_ones_stay() {
    let whole = json!({
        "title": "report",
        "body": "word ".repeat(20_000),
        "pages": (0..50).map(|page| json!({"page": page, "records": vec![json!({"id": 1}); 200]})).collect::<Vec<_>>(),
        "total": 50,
    });
    let fitted = fit(&Json::from(whole.clone()), 800);
    let parsed: Value = serde_json::from_str(&fitted.text).unwrap();
    assert_eq!((&parsed["title"], &parsed["total"]), (&json!("report"), &json!(50)));
    assert!(parsed["body"].as_str().unwrap().contains("… ["));
    assert!(!parsed["pages"].as_array().unwrap().is_empty());
    assert_eq!(fitted.cuts[0].path, "body");
    assert_eq!(fitted.cuts[0].unit, Unit::Characters);
    assert!(is_cut_of(&parsed, &whole));
}

#[test]
fn long_text_is_cut_at_a_line_and_counted_in_characters() {
    let whole: String = (0..50_000).map(|line| format!("line {line} ü\n")).collect();
    let session = Session::new();
    let given = answer(&value(json!(whole)), &session, 500).text;
    let (shown, note) = given.rsplit_once('\n').unwrap();
    assert!(whole.starts_with(shown) && shown.ends_with('ü'));
    let counts = format!("{} of 638,890 characters shown", super::grouped(shown.chars().count()));
    assert!(note.contains(&counts), "{note}");
    assert!(count_tokens(&given) <= 500);
}

#[test]
fn media_are_placeholders_in_text_and_carried_when_returned_alone() {
    let image = json!({"type": "image", "data": "QUJD".repeat(4_000), "mimeType": "image/png"});
    let given = answer(&value(image.clone()), &Session::new(), 6_000);
    assert_eq!((given.text.as_str(), given.media), ("[image/png, 12 kB]", vec![Json::from(image.clone())]));
    let nested = answer(&value(json!({"page": 1, "shot": image})), &Session::new(), 6_000);
    assert_eq!(nested.text, r#"{"page":1,"shot":"[image/png, 12 kB]"}"#);
    assert_eq!(nested.media, Vec::new());
}

#[test]
fn a_long_console_leaves_room_for_the_value_and_the_error() {
    let lines: Vec<String> = (0..20_000).map(|line| format!("fetched page {line}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rows = json!((0..5_000).map(|id| json!({"id": id, "name": "some name"})).collect::<Vec<_>>());
    let given = text(&console(value(rows), &lines));
    assert!((5_500..=6_000).contains(&count_tokens(&given)));
    assert!(given.contains("lines left out …]") && given.ends_with("fetched page 19999"));
    assert!(given.contains("is kept as r1_"));

    let message = "all went wrong ".repeat(100_000);
    let failed = failure(FailureKind::Threw { name: "Error".into(), message }, Some((4, 3)));
    for budget in [100, 500, 6_000] {
        let given = answer(
            &console(effects(failed.clone(), &[("crm", "update", 4, true)]), &lines),
            &Session::new(),
            budget,
        )
        .text;
        assert!(count_tokens(&given) <= budget, "{budget}: {}", count_tokens(&given));
        assert!(given.contains("failed at 4:3: Error: all went wrong"), "{given}");
        assert!(given.contains("crm.update × 1 (line 4). Do not run the script again"), "{given}");
    }
}

#[test]
fn extreme_budgets_and_shapes_give_something_sane() {
    let deep = format!("{}1{}", "[".repeat(50_000), "]".repeat(50_000));
    let long_key = format!("{{\"{}\":1,\"b\":2}}", "k".repeat(100_000));
    let long_number = format!("[{}]", "1".repeat(100_000));
    let many_keys = serde_json::to_string(
        &(0..50_000).map(|key| (format!("k{key}"), json!(key))).collect::<serde_json::Map<_, _>>(),
    )
    .unwrap();
    let lone = format!("[\"{}\"]", "\\ud800".repeat(10_000));
    for text in [deep, long_key, long_number, many_keys, lone] {
        let json = Json::parse(text).unwrap();
        for budget in [0, 1, 50, 100, 1_000, usize::MAX] {
            let given = answer(&report(Outcome::Value(Some(json.clone()))), &Session::new(), budget).text;
            let tokens = count_tokens(&given);
            assert!(tokens <= budget.max(100), "{budget}: {tokens}: {}", &given[..given.len().min(300)]);
            match given.rsplit_once('\n').filter(|(_, note)| note.starts_with("[cut to ")) {
                Some((shown, _)) => assert!(Json::parse(shown).is_ok() && budget < usize::MAX, "{given}"),
                None => assert!(given.replace('\n', "") == json.as_str(), "cut without a word"),
            }
        }
    }
}

#[test]
fn fifty_megabytes_are_cut_close_to_the_budget() {
    let row = r#"{"id":123456,"user":"user_1","activity":"page_view","metadata":{"duration_seconds":120,"success":true}},"#;
    let rows = row.repeat((50 << 20) / row.len());
    let json = Json::parse(format!("{{\"count\":1,\"rows\":[{}]}}", rows.trim_end_matches(','))).unwrap();
    let fitted = fit(&json, 6_000);
    assert!((5_501..=6_000).contains(&count_tokens(&fitted.text)));
}

/// Whether `shown` is `whole` with elements, entries or characters left out at ends only.
fn is_cut_of(shown: &Value, whole: &Value) -> bool {
    match (shown, whole) {
        (Value::Array(shown), Value::Array(whole)) => {
            shown.len() <= whole.len()
                && shown.iter().zip(whole).all(|(shown, whole)| is_cut_of(shown, whole))
        }
        (Value::Object(shown), Value::Object(whole)) => {
            shown.len() <= whole.len()
                && shown
                    .iter()
                    .zip(whole)
                    .all(|((key, shown), (name, whole))| key == name && is_cut_of(shown, whole))
        }
        (Value::String(shown), Value::String(whole)) => {
            shown == whole
                || shown.rsplit_once("… [").is_some_and(|(head, rest)| {
                    let left = whole.chars().count() - head.chars().count();
                    whole.starts_with(head) && rest == format!("{} more characters]", super::grouped(left))
                })
        }
        (Value::String(shown), Value::Array(_)) => shown.starts_with("[an array of "),
        (Value::String(shown), Value::Object(_)) => shown.starts_with("[an object of "),
        (shown, whole) => shown == whole,
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9..1e9f64).prop_map(Value::from),
        ".{0,30}".prop_map(Value::from),
        "[a-z \\n\"\\\\é🦀]{100,600}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 200, 12, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
            prop::collection::vec(("[a-z]{1,8}|.{0,12}", inner.clone()), 0..8)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            (inner, 1..80usize).prop_map(|(row, count)| Value::from(vec![row; count])),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn a_fitted_value_is_valid_within_budget_and_invents_nothing(whole in any_json(), budget in 20usize..1_500) {
        let json = Json::from(whole.clone());
        let fitted = fit(&json, budget);
        prop_assert!(count_tokens(&fitted.text) <= budget, "{} > {budget}: {}", count_tokens(&fitted.text), fitted.text);
        if let Value::String(string) = &whole {
            let clean = clean(string);
            prop_assert!(fitted.text == "\"\"" || clean.starts_with(fitted.text.as_str()));
            prop_assert_eq!(fitted.cuts.is_empty(), count_tokens(&clean) <= budget);
        } else {
            let shown: Value = serde_json::from_str(&fitted.text).unwrap();
            prop_assert!(is_cut_of(&shown, &whole), "{} of {}", fitted.text, json);
            prop_assert_eq!(shown == whole, fitted.cuts.is_empty());
            let escaped = json.as_str().contains(|char| ('\u{7f}'..='\u{9f}').contains(&char));
            if !escaped && count_tokens(json.as_str()) <= budget {
                prop_assert!(fitted.cuts.is_empty());
            }
        }
    }

    #[test]
    fn an_answer_is_within_its_budget(
        whole in any_json(),
        lines in prop::collection::vec(".{0,80}", 0..60),
        budget in 0usize..1_500,
    ) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let session = Session::new();
        let given = answer(&console(value(whole.clone()), &lines), &session, budget).text;
        // The handle is random text: its tokens vary by a few.
        prop_assert!(count_tokens(&given) <= budget.max(100) + 8, "{} > {budget}: {given}", count_tokens(&given));
    }
}
