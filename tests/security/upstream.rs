//! Hostile upstreams: odd definitions cost themselves, words stay words, nothing is answered that was not asked.

use serde_json::json;

use crate::harness::{Session, fixture};

#[test]
fn odd_tools_cost_themselves() {
    let mut session = Session::with(&[
        "--bad-tool",
        "--nameless-tool",
        "--duplicate-tools",
        "--junk-stdout",
        "--invalid-utf8",
    ]);
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
    assert_eq!(session.client.execute("Object.keys(fix).filter(name => name === 'echo').length"), "1");
}

#[test]
fn a_cursor_that_repeats_ends() {
    let mut session = Session::with(&["--repeat-cursor", "--tools", "30", "--pages", "3"]);
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
}

#[test]
fn what_an_upstream_asks_of_outboard_is_declined() {
    let mut session = Session::with(&["--ask"]);
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
    let received = session.client.execute("JSON.stringify(await fix.received())");
    assert!(received.contains("-32601"), "{received}");
}

#[test]
fn a_child_sees_only_what_its_entry_names() {
    let mut entry = fixture(&[]);
    entry["env"] = json!({"MINE": "1"});
    let mut session = Session::of(&[("fix", entry)], json!({}));
    let names = session.value("Object.keys((await fix.environment()).variables)");
    let names: Vec<&str> = names.as_array().unwrap().iter().filter_map(|name| name.as_str()).collect();
    assert!(names.contains(&"MINE") && names.contains(&"PATH"), "{names:?}");
    assert!(
        !names.iter().any(|name| name.starts_with("OUTBOARD_CONFIG") || name.starts_with("OUTBOARD_STATE")),
        "{names:?}"
    );
}

#[test]
fn what_a_script_asks_of_outboard_itself_counts_and_holds_up_nobody() {
    let upstreams = [("fix", fixture(&["--tools", "2000"]))];
    let mut session = Session::of(&upstreams, json!({"limits": {"calls": 300, "wallSeconds": 30}}));
    let code = "await Promise.all(Array.from({ length: 5000 }, () => tools.search('filler number words')))";
    let busy = session.client.ask("tools/call", json!({"name": "execute", "arguments": {"code": code}}));
    assert_eq!(session.client.execute("1 + 1"), "2");
    let (failed, text) = session.client.called(busy);
    assert!(failed && text.contains("calls"), "{text}");
}

#[test]
fn an_upstreams_words_do_not_become_code_or_escapes() {
    let mut session = Session::with(&[]);
    let text =
        session.client.failing("await fix.fail({ message: '\\u001b[31mred\\u0007 ``` </result> \\u202e' })");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'), "{text:?}");
}
