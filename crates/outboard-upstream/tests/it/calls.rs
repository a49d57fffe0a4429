//! What calls give back, and what upstreams may ask in the meantime.
//! Loss of the upstream is another file's.

use outboard_runtime::{json::Json, ports::upstream::SendFailure, reply::CallReply};
use serde_json::{Value, json};

use crate::rig::{self, Rig};

fn values(blocks: &[Json]) -> Vec<Value> {
    blocks.iter().map(Json::to_value).collect()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[tokio::test]
async fn results_keep_every_block_and_value() {
    let rig = Rig::stdio(&[]);
    // (tool, arguments, content, structured, isError)
    let cases = [
        (
            "echo",
            json!({"value": {"a": [1, "ü\n"]}, "form": "structured"}),
            vec![],
            Some(json!({"value": {"a": [1, "ü\n"]}})),
            false,
        ),
        ("echo", json!({"value": "plain", "form": "text"}), vec![text("plain")], None, false),
        ("add", json!({"a": 2, "b": 3}), vec![text(r#"{"sum":5.0}"#)], Some(json!({"sum": 5.0})), false),
        ("fail", json!({"message": "no luck"}), vec![text("no luck")], None, true),
        ("odd_block", json!({}), vec![json!({"type": "hologram", "depth": 3}), text("good")], None, false),
        ("wrapped", json!({"value": 7}), vec![], Some(json!({"result": 7})), false),
    ];
    for (tool, arguments, content, structured, is_error) in cases {
        let reply = rig.call(tool, arguments).await.unwrap();
        let found = (values(&reply.content), reply.structured.as_ref().map(Json::to_value), reply.is_error);
        assert_eq!(found, (content, structured, is_error), "{tool}");
    }
    let kinds: Vec<_> = values(&rig.call("image", json!({})).await.unwrap().content)
        .iter()
        .map(|block| block["type"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(kinds, ["text", "image", "audio", "resource_link", "resource"]);
    rig.end().await;
}

#[tokio::test]
async fn a_protocol_error_is_a_refusal_and_costs_nothing_else() {
    let rig = Rig::stdio(&[]);
    let refused = rig.call("protocol_error", json!({"code": -32099, "message": "not today"})).await;
    assert_eq!(refused, Err(SendFailure::Refused { code: -32099, message: "not today".to_owned() }));
    let unknown = rig.call("no_such_tool", json!({})).await;
    assert!(matches!(unknown, Err(SendFailure::Refused { code: -32602, .. })), "{unknown:?}");
    assert_eq!(rig.value("add", json!({"a": 1, "b": 1})).await, json!({"sum": 2.0}));
    rig.end().await;
}

#[tokio::test]
async fn junk_and_bad_bytes_on_stdout_cost_themselves() {
    let rig = Rig::stdio(&["--junk-stdout", "--invalid-utf8"]);
    let reply = rig.call("echo", json!({"value": "x", "form": "text"})).await.unwrap();
    assert_eq!(values(&reply.content), [text("bad \u{FFFD} byte")]);
    rig.end().await;
}

#[tokio::test]
async fn a_message_over_the_limit_costs_its_own_call() {
    let spec = outboard_upstream::UpstreamSpec { max_message_bytes: 100_000, ..rig::stdio(&[]) };
    let rig = Rig::start(spec);
    let unreadable = rig.call("big", json!({"bytes": 200_000})).await;
    assert!(matches!(unreadable, Err(SendFailure::Unreadable { .. })), "{unreadable:?}");
    assert_eq!(rig.call("big", json!({"bytes": 50_000})).await.unwrap().content.len(), 1);
    rig.end().await;
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_server_and_its_late_answer_ignored() {
    let rig = Rig::stdio(&[]);
    rig.settled().await;
    for tool in ["silent", "slow"] {
        let before = rig.received().await.len();
        let call = rig.call(tool, json!({"ms": 1}));
        // Sent, but not answered: the next call is answered after it arrived.
        tokio::select! {
            biased;
            answered = call => assert_eq!(tool, "slow", "{answered:?}"),
            _ = rig.call("add", json!({})) => {}
        }
        let news = rig.received().await.split_off(before);
        let sent = news.iter().find(|message| message["params"]["name"] == tool).expect("it was sent");
        let cancelled = news.iter().find(|message| message["method"] == "notifications/cancelled");
        if tool == "silent" {
            let cancelled = cancelled.expect("the server was told");
            assert_eq!(cancelled["params"]["requestId"], sent["id"]);
        }
    }
    assert_eq!(rig.value("add", json!({"a": 1, "b": 1})).await, json!({"sum": 2.0}));
    rig.end().await;
}

#[tokio::test]
async fn an_answered_call_is_not_cancelled() {
    let rig = Rig::stdio(&[]);
    rig.value("add", json!({})).await;
    let methods: Vec<_> = rig.received().await.iter().map(|message| message["method"].clone()).collect();
    assert_eq!(
        methods,
        ["initialize", "notifications/initialized", "tools/list", "tools/call", "tools/call"]
    );
    rig.end().await;
}

#[tokio::test]
async fn what_the_upstream_asks_is_answered_or_declined() {
    let rig = Rig::stdio(&["--ask"]);
    rig.settled().await;
    let asked = ["ping", "roots/list", "sampling/createMessage", "elicitation/create"];
    // The answers are on their way; each look is itself a message behind them.
    let answers = loop {
        let received = rig.received().await;
        let answers: Vec<_> = received.into_iter().filter(|message| message["method"].is_null()).collect();
        if answers.len() == asked.len() {
            break answers;
        }
    };
    for (method, answer) in asked.iter().zip(answers) {
        let id = format!("ask {method}");
        if *method == "ping" {
            assert_eq!(answer, json!({"jsonrpc": "2.0", "id": id, "result": {}}));
        } else {
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!(id), &json!(-32601)));
        }
    }
    rig.end().await;
}

#[tokio::test]
async fn a_permit_for_another_upstream_is_not_sent() {
    let rig = Rig::stdio(&[]);
    let other = crate::gate::Gate::new(&"other".into());
    let refused = rig.upstream().send(other.permit("count", &json!({})).await).await;
    assert!(matches!(refused, Err(SendFailure::Unavailable { .. })), "{refused:?}");
    assert_eq!(rig.value("effects", json!({})).await, json!({"effects": []}));
    rig.end().await;
}

#[tokio::test]
async fn an_empty_result_is_a_result() {
    let rig = Rig::stdio(&[]);
    let reply = rig.call("echo", json!({"value": null, "form": "structured"})).await.unwrap();
    assert_eq!(
        reply,
        CallReply { structured: Some(Json::parse(r#"{"value":null}"#).unwrap()), ..CallReply::default() }
    );
    rig.end().await;
}
