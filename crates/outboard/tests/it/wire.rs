//! What is on the wire: the two tools and their cost, both eras, malformed frames, cancellation.

use outboard_runtime::present::count_tokens;
use outboard_testkit::client::Client;
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, Session, fixture};

#[test]
fn two_tools_cost_at_most_400_tokens_whatever_the_catalogue() {
    for (tools, declarations) in [("0", 0), ("2000", 1_500)] {
        let upstreams = [("fix", fixture(&["--tools", tools]))];
        let mut session = Session::of(&upstreams, json!({"declarations": declarations}));
        session.client.execute("(await fix.add({ a: 1, b: 1 })).sum");
        let answer = session.client.request("tools/list", json!({}));
        let tools = answer["result"]["tools"].as_array().unwrap();
        let names: Vec<&str> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["search", "execute"]);
        let cost: usize = tools
            .iter()
            .map(|tool| count_tokens(&json!({"name": tool["name"], "description": tool["description"], "inputSchema": tool["inputSchema"]}).to_string()))
            .sum();
        assert!(cost <= 400, "{cost} tokens");
        assert!(!answer.to_string().contains("COMPLETE"));
    }
}

#[test]
fn a_small_catalogue_is_declared_whole() {
    let mut session = Session::with(&[]);
    session.client.execute("1");
    let answer = session.client.request("tools/list", json!({}));
    let description = answer["result"]["tools"][1]["description"].as_str().unwrap().to_owned();
    assert!(description.contains("COMPLETE") && description.contains("fix.add("), "{description}");
}

#[test]
fn the_newest_version_is_spoken_without_a_handshake() {
    let session = Session::with(&[]);
    let mut client = Client::start(session.home.command(OUTBOARD, &["serve"]));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let discovered = client.request("server/discover", json!({"_meta": meta}));
    assert!(discovered["result"]["supportedVersions"].to_string().contains("2026-07-28"), "{discovered}");
    let params = json!({"name": "execute", "arguments": {"code": "(await fix.add({ a: 1, b: 1 })).sum"}, "_meta": meta});
    let answer = client.request("tools/call", params);
    assert_eq!(answer["result"]["content"][0]["text"], "2", "{answer}");
}

#[test]
fn malformed_frames_never_end_the_connection() {
    let mut session = Session::with(&[]);
    let huge = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"x\",\"params\":\"{}\"}}", "x".repeat(20 << 20));
    for frame in [
        "not json",
        "",
        "[]",
        "42",
        "{\"jsonrpc\":\"1.0\",\"id\":900,\"method\":\"ping\"}",
        "{\"id\":901,\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":902}",
        "{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"ping\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":903,\"method\":\"no/such/method\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":904,\"method\":\"tools/call\",\"params\":[]}",
        "{\"jsonrpc\":\"2.0\",\"id\":905,\"method\":\"tools/call\",\"params\":{\"name\":7}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":99999}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":12345,\"result\":{}}",
        huge.as_str(),
    ] {
        session.client.send_raw(frame.as_bytes());
        session.client.send_raw(b"\n");
        assert_eq!(session.client.execute("1 + 1"), "2", "after {frame:.80}");
    }
    session.client.send_raw(b"\xff\xfe{\"jsonrpc\":\"2.0\"}\n");
    assert_eq!(session.client.execute("1 + 1"), "2");
    for id in [903, 905] {
        let answer = session.client.answer(id);
        assert!(answer["error"]["code"].is_i64(), "{answer}");
    }
}

#[test]
fn wrong_arguments_are_told_so_that_a_model_can_mend_them() {
    let mut session = Session::with(&[]);
    for (tool, arguments, says) in [
        ("execute", json!({}), "code"),
        ("execute", json!({"code": 7}), "code"),
        ("execute", json!({"script": "1"}), "code"),
        ("execute", json!({"code": "1", "max_tokens": "many"}), "max_tokens"),
        ("search", json!({"query": ["a"]}), "query"),
        ("search", json!({"query": "a", "detail": "everything"}), "detail"),
    ] {
        let (failed, text) = session.client.call(tool, arguments.clone());
        assert!(failed && text.contains(says), "{arguments}: {text}");
    }
}

#[test]
fn cancelling_stops_the_script_and_its_calls() {
    let log = std::env::temp_dir().join(format!("outboard-cancel-{}.log", std::process::id()));
    let mut session = Session::with(&["--log", log.to_str().unwrap()]);
    let logged = |what: &str| {
        let there = || std::fs::read_to_string(&log).is_ok_and(|text| text.contains(what));
        outboard_testkit::client::eventually(what, there);
    };
    for code in ["while (true) {}", "await fix.silent()"] {
        let id = session.client.ask("tools/call", json!({"name": "execute", "arguments": {"code": code}}));
        session.client.execute("'meanwhile'");
        if code.contains("silent") {
            logged("\"silent\"");
        }
        for _ in 0..2 {
            session.client.notify("notifications/cancelled", json!({"requestId": id, "reason": "enough"}));
        }
        assert_eq!(session.client.execute("'and after'"), "and after");
    }
    logged("notifications/cancelled");
    std::fs::remove_file(&log).unwrap();
}

#[test]
fn results_are_text_and_never_twice() {
    let mut session = Session::with(&[]);
    let answer =
        session.client.request("tools/call", json!({"name": "execute", "arguments": {"code": "({ a: 1 })"}}));
    let result = &answer["result"];
    assert_eq!(result["content"], json!([{"type": "text", "text": "{\"a\":1}"}]));
    assert_eq!(result.get("structuredContent"), None::<&Value>);
}
