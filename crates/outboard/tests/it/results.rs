//! What the model reads: results within their budget, kept values, console, large things.

use serde_json::{Value, json};

use crate::harness::Session;

#[test]
fn a_good_result_is_the_value_alone() {
    let mut session = Session::with(&[]);
    for (code, expected) in [
        ("({ a: 1, b: 'x' })", "{\"a\":1,\"b\":\"x\"}"),
        ("'plain text'", "plain text"),
        ("console.log('one', { two: 2 }); 3", "3\nconsole:\none { two: 2 }"),
        ("new Map([['a', new Set([1])]])", "{\"a\":[1]}"),
        ("new Date(0)", "1970-01-01T00:00:00.000Z"),
    ] {
        assert_eq!(session.client.execute(code), expected, "{code}");
    }
}

#[test]
fn a_result_that_is_too_big_is_cut_between_elements_and_kept() {
    let mut session = Session::with(&[]);
    let code =
        "({ count: 10000, rows: Array.from({ length: 10000 }, (_, id) => ({ id, name: 'row ' + id })) })";
    let text = session.client.execute(code);
    let (shown, note) = text.split_once("\n[cut to ").expect("a note");
    let shown: Value = serde_json::from_str(shown).expect("valid JSON");
    assert_eq!(shown["count"], 10_000);
    let rows = shown["rows"].as_array().unwrap();
    assert!(rows.len() > 50 && rows.len() < 10_000);
    assert_eq!(rows.last().unwrap()["id"], rows.len() - 1);
    assert!(note.contains(&format!("rows {} of 10,000 shown", rows.len())), "{note}");
    let handle =
        note.split("results.get(\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a handle");
    assert_eq!(session.client.execute(&format!("(await results.get('{handle}')).rows.at(-1).id")), "9999");
    let mut other = session.again();
    assert!(other.failing(&format!("await results.get('{handle}')")).contains("no kept value"));
}

#[test]
fn the_budget_is_an_argument() {
    let mut session = Session::with(&[]);
    let code = "Array.from({ length: 2000 }, (_, n) => n)";
    let length = |session: &mut Session, tokens: u64| {
        session.client.call("execute", json!({"code": code, "max_tokens": tokens})).1.len()
    };
    let (small, large) = (length(&mut session, 200), length(&mut session, 20_000));
    assert!(small < 1_500 && large > 8_000, "{small} {large}");
}

#[test]
fn fifty_megabytes_pass_in_both_directions() {
    let mut session = Session::with(&[]);
    assert_eq!(session.client.execute("(await fix.big({ bytes: 50_000_000 })).length"), "50000000");
    assert_eq!(
        session.client.execute("(await fix.big({ bytes: 50_000_000, form: 'records' })).records.length"),
        "500000"
    );
    let text = session.client.execute("'y'.repeat(50_000_000)");
    assert!(text.len() < 100_000 && text.contains("results.get"), "{}", text.len());
}

#[test]
fn nothing_returned_is_said_and_not_hidden() {
    let mut session = Session::with(&[]);
    let text = session.client.execute("const x = 1;");
    assert!(text.contains("return"), "{text}");
}

#[test]
fn calls_that_were_not_awaited_are_told_of() {
    let mut session = Session::with(&[]);
    let text = session.client.execute("const kept = [fix.count({ note: 'forgotten' })]; 'done'");
    assert!(text.starts_with("done\n") && text.contains("fix.count (line 1) was not awaited"), "{text}");
    assert!(session.client.execute("JSON.stringify(await fix.effects())").contains("forgotten"));
}
