//! Tools as functions: names, values, errors, many at once, two upstreams with the same names.

use serde_json::{Value, json};

use crate::harness::{Session, fixture};

#[test]
fn results_arrive_as_plain_values() {
    let mut session = Session::with(&[]);
    for (code, expected) in [
        ("fix.add({ a: 1, b: 2 })", json!({"sum": 3})),
        ("fix.wrapped({ value: [1, 2] })", json!([1, 2])),
        ("fix.echo({ value: '{\"a\": [1]}', form: 'text' })", json!({"a": [1]})),
        ("fix.echo({ value: 'plain text', form: 'text' }).then(t => [t])", json!(["plain text"])),
        (
            "fix.echo({ value: 12345678901234567890n.toString(), form: 'text' }).then(t => [t])",
            json!(["12345678901234567890"]),
        ),
        ("fix.odd_block().then(blocks => blocks[0])", json!({"type": "hologram", "depth": 3})),
        ("Object.keys(fix).includes('add')", json!(true)),
        ("typeof fix.then", json!("undefined")),
    ] {
        let value = session.value(&format!("JSON.stringify(await ({code}) ?? null)"));
        assert_eq!(value, expected, "{code}");
    }
}

#[test]
fn media_are_typed_values_that_survive_a_round_trip() {
    let mut session = Session::with(&[]);
    let value = session.value(
        "const blocks = await fix.image();
         const back = await fix.echo({ value: blocks, form: 'structured' });
         return { kinds: blocks.map(b => b.type), same: JSON.stringify(back.value) === JSON.stringify(blocks), data: blocks[1].data.length }",
    );
    let kinds = json!(["text", "image", "audio", "resource_link", "resource"]);
    assert_eq!(value, json!({"kinds": kinds, "same": true, "data": 8}));
}

#[test]
fn a_tool_error_is_thrown_with_its_facts_and_can_be_caught() {
    let mut session = Session::with(&[]);
    let caught = "try { await CALL; return 'no error' } catch (e) { return [e instanceof ToolError, e.name, e.code, e.tool, e.message] }";
    for (call, code, tool, says) in [
        ("fix.fail({ message: 'no such channel' })", "tool_error", "fix.fail", "no such channel"),
        (
            "fix.protocol_error({ code: -32602, message: 'bad' })",
            "upstream_refused",
            "fix.protocol_error",
            "bad",
        ),
        (
            "fix.protocol_error({ code: -32000, message: 'bad' })",
            "upstream_error",
            "fix.protocol_error",
            "bad",
        ),
        ("fix.ad({ a: 1 })", "unknown_tool", "fix.ad", "did you mean `fix.add`?"),
        ("fix.add({ a: 'one', b: 2 })", "invalid_arguments", "fix.add", "`a` must be a number, got \"one\""),
    ] {
        let value = session.value(&caught.replace("CALL", call));
        assert_eq!(value[0], true, "{call}: {value}");
        assert_eq!(
            (&value[1], &value[2], &value[3]),
            (&json!("ToolError"), &json!(code), &json!(tool)),
            "{call}"
        );
        assert!(value[4].as_str().unwrap().contains(says), "{call}: {value}");
    }
    let value = session.value("try { await fix.fail({ message: 'm' }) } catch (e) { return e.content }");
    assert_eq!(value, json!([{"type": "text", "text": "m"}]));
}

#[test]
fn an_uncaught_tool_error_tells_place_and_effects_so_far() {
    let mut session = Session::with(&[]);
    let text = session.client.failing(
        "for (const n of [1, 2, 3]) {\n  await fix.count({ note: String(n) });\n}\nawait fix.fail({ message: 'channel_not_found' });\n",
    );
    assert!(text.starts_with("failed at 4:"), "{text}");
    assert!(text.contains("fix.fail: channel_not_found"), "{text}");
    assert!(text.contains("fix.count × 3 (lines 2, 2, 2)"), "{text}");
    assert!(!text.to_lowercase().contains("try again"), "{text}");
}

#[test]
fn unknown_namespaces_are_told_by_their_neighbours() {
    let mut session = Session::of(&[("data-tools", fixture(&[]))], json!({}));
    assert_eq!(session.client.execute("(await data_tools.add({ a: 1, b: 1 })).sum"), "2");
    let text = session.client.failing("await data_tool.add({ a: 1, b: 1 })");
    assert!(text.contains("there is no namespace `data_tool`; did you mean `data_tools`?"), "{text}");
}

#[test]
fn a_thousand_calls_at_once_work() {
    let mut session = Session::with(&[]);
    let sum = session.value(
        "const all = await Promise.all(Array.from({ length: 1000 }, (_, n) => fix.add({ a: n, b: 1 })));
         return all.reduce((total, r) => total + r.sum, 0)",
    );
    assert_eq!(sum.as_f64(), Some(500_500.0));
}

#[test]
fn two_upstreams_with_the_same_tools_stay_apart() {
    let mut session = Session::of(&[("one", fixture(&["--name", "one"])), ("two", fixture(&[]))], json!({}));
    let value = session.value(
        "await one.count({ note: 'a' }); await one.count({ note: 'b' }); await two.count({ note: 'c' });
         return [await one.effects(), await two.effects()].map(e => JSON.stringify(e))",
    );
    let [one, two] = [value[0].as_str().unwrap(), value[1].as_str().unwrap()];
    assert!(one.contains('a') && one.contains('b') && !one.contains("\"c\""), "{value}");
    assert!(two.contains("\"c\"") && !two.contains("\"b\""), "{value}");
}

#[test]
fn scripts_can_search_and_describe_tools() {
    let mut session = Session::with(&[]);
    let value = session.value("(await tools.search('adds two numbers', { limit: 1 }))[0]");
    assert_eq!(value["name"], "fix.add");
    assert!(value["signature"].as_str().unwrap().starts_with("fix.add(input"), "{value}");
    let value = session.value("await tools.describe('fix.add')");
    assert_eq!(value["inputSchema"]["type"], "object");
    let value = session.value("await tools.describe('fix')");
    assert_eq!((&value["name"], value["tools"].as_array().map(Vec::len)), (&json!("fix"), Some(15)));
    let named = |tool: &Value| tool["name"] == "fix.add" && tool["signature"].as_str().is_some();
    assert!(value["tools"].as_array().unwrap().iter().any(named), "{value}");
    let text = session.client.failing("await tools.describe('fxi')");
    assert!(text.contains("did you mean `fix`?"), "{text}");
    let text = session.client.failing("await tools.describe('fix.ad')");
    assert!(text.contains("did you mean `fix.add`?"), "{text}");
}

#[test]
fn names_of_outboards_own_are_never_taken_by_an_upstream() {
    let mut session = Session::of(&[("tools", fixture(&[])), ("console", fixture(&[]))], json!({}));
    assert_eq!(
        session.client.execute("[(await tools_.add({ a: 1, b: 1 })).sum, typeof tools.search]"),
        "[2,\"function\"]"
    );
    assert_eq!(session.client.execute("(await console_.add({ a: 1, b: 1 })).sum"), "2");
}

#[test]
fn a_python_script_that_gives_up_on_a_call_cancels_it_and_goes_on() {
    let mut session = Session::with(&[]);
    let code = "import asyncio
call = asyncio.create_task(fix.silent())
while 'silent' not in str(await fix.received()): await asyncio.sleep(0.01)
call.cancel()
while 'notifications/cancelled' not in str(await fix.received()): await asyncio.sleep(0.01)
'told'";
    let (failed, text) = session.client.call("execute", json!({"code": code, "language": "python"}));
    assert_eq!((failed, text.as_str()), (false, "told"));
}
