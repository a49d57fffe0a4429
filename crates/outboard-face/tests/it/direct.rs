//! Clients that are offered the tools of upstreams as they are.

use std::{sync::Arc, time::Duration};

use outboard_face::FaceOptions;
use outboard_runtime::{
    approval::Said,
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition},
    ids::UpstreamName,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{Client, modern, text},
    runtime::{Fake, catalogue, tool},
};

fn passing_through() -> FaceOptions {
    FaceOptions { passthrough: true, ..FaceOptions::default() }
}

async fn client(fake: &Arc<Fake>, version: &str, capabilities: Value) -> Client {
    let mut client = Client::with(fake, passing_through());
    client.initialize_with(version, capabilities).await;
    client
}

fn call(arguments: &Value) -> Value {
    json!({ "name": "tool_0", "arguments": arguments })
}

/// A call of 2026-07-28 by a client that shows forms.
fn with_forms(arguments: &Value) -> Value {
    let mut params = modern(call(arguments));
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": { "form": {} } });
    params
}

fn names(answer: &Value) -> Vec<&str> {
    answer["result"]["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tools_are_as_their_upstream_describes_them() {
    let one = Catalogue::new([UpstreamName::new("only")]);
    let described = ToolDefinition {
        title: Some("A title".to_owned()),
        input_schema: Some(
            json!({ "properties": { "a": { "$ref": "#/$defs/b" } }, "$defs": { "b": true } }).into(),
        ),
        output_schema: Some(json!({ "type": "object" }).into()),
        annotations: Annotations {
            read_only_hint: Some(true),
            destructive_hint: Some(false),
            ..Annotations::default()
        },
        ..ToolDefinition::clone(&tool("files.read/all"))
    };
    let tools = vec![Arc::new(described), tool("echo")];
    one.publish(
        &UpstreamName::new("only"),
        Listing { instructions: Some("Read first.".to_owned()), tools, ..Listing::default() },
    );
    let mut client = Client::with(&Fake::new(one), passing_through());
    let opened = client.initialize("2025-11-25").await;
    assert!(opened["result"]["instructions"].as_str().unwrap().ends_with("# only\nRead first."), "{opened}");
    let listed = client.ask("tools/list", json!({})).await;
    assert_eq!(
        listed["result"]["tools"][0],
        json!({
            "name": "files.read/all",
            "title": "A title",
            "description": "Does what files.read/all does.",
            "inputSchema": { "type": "object", "properties": { "a": { "$ref": "#/$defs/b" } }, "$defs": { "b": true } },
            "outputSchema": { "type": "object" },
            "annotations": { "readOnlyHint": true, "destructiveHint": false },
        })
    );
    assert_eq!(names(&listed), ["files.read/all", "echo"]);
    assert!(listed["result"]["tools"][1].get("annotations").is_none(), "what is not claimed is not made up");
}

#[tokio::test]
async fn tools_of_several_upstreams_have_their_namespace_before_them() {
    let mut client = client(&Fake::new(catalogue(2, 4)), "2025-11-25", json!({})).await;
    let listed = client.ask("tools/list", json!({})).await;
    let expected = ["server_0__tool_0", "server_0__tool_2", "server_1__tool_1", "server_1__tool_3"];
    assert_eq!(names(&listed), expected);
    for name in ["tool_0", "search", "execute"] {
        let answer = client.ask("tools/call", json!({ "name": name, "arguments": {} })).await;
        assert_eq!(answer["error"]["code"], -32602, "{name}: {answer}");
    }
}

#[tokio::test]
async fn answers_are_the_upstreams_own() {
    let fake = Fake::new(catalogue(1, 1));
    for version in ["2024-11-05", "2025-11-25"] {
        let mut client = client(&fake, version, json!({})).await;
        let image = json!({ "type": "image", "data": "QUJD", "mimeType": "image/png", "_meta": { "a": 1 } });
        let odd = json!({ "type": "hologram", "data": 1 });
        let reply = json!({ "content": [image, odd], "structured": { "b": [null] }, "is_error": false });
        let answer = client.call("tool_0", json!({ "reply": reply })).await;
        let odd = json!({ "type": "text", "text": "{\"type\":\"hologram\",\"data\":1}" });
        let expected =
            json!({ "content": [image, odd], "structuredContent": { "b": [null] }, "isError": false });
        assert_eq!(answer["result"], expected, "{version}");
        let reply =
            json!({ "content": [{ "type": "text", "text": "no" }], "structured": null, "is_error": true });
        let failed = client.call("tool_0", json!({ "reply": reply })).await;
        assert_eq!(
            failed["result"],
            json!({ "content": [{ "type": "text", "text": "no" }], "isError": true })
        );
        let refused = client.call("tool_0", json!({})).await;
        assert_eq!(
            (text(&refused), &refused["result"]["isError"]),
            ("invalid_arguments: `reply` is missing", &json!(true))
        );
        let wrong = client.ask("tools/call", json!({ "name": "tool_0", "arguments": [1] })).await;
        assert_eq!(
            (text(&wrong), &wrong["result"]["isError"]),
            ("`arguments` of `tool_0` have to be an object", &json!(true))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_is_asked_while_the_client_waits() {
    for (decision, expected, is_error) in
        [("allow once", "\"server_0.tool_0 for test\"", false), ("deny", "denied: a person said no", true)]
    {
        let fake = Fake::new(catalogue(1, 1));
        let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
        let id = client.request("tools/call", call(&json!({ "ask": "x" }))).await;
        let form = client.next().await.unwrap();
        assert_eq!(form["method"], "elicitation/create");
        let chosen = json!({ "action": "accept", "content": { "decision": decision } });
        client.send(&json!({ "jsonrpc": "2.0", "id": form["id"], "result": chosen })).await;
        let answer = client.answer(id).await;
        assert_eq!((text(&answer), &answer["result"]["isError"]), (expected, &json!(is_error)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_handed_a_form_calls_again_with_it() {
    let fake = Fake::new(catalogue(1, 1));
    let mut client = Client::with(&fake, passing_through());
    let asking = || with_forms(&json!({ "ask": "x" }));
    let handed = client.ask("tools/call", asking()).await;
    assert_eq!(handed["result"]["resultType"], "input_required", "{handed}");
    let back = |decision: &str, state: &Value| {
        let chosen = json!({ "action": "accept", "content": { "decision": decision } });
        let mut params = asking();
        params["requestState"] = state.clone();
        params["inputResponses"] = json!({ "approval": chosen });
        params
    };
    let state = &handed["result"]["requestState"];
    let forged = client.ask("tools/call", back("allow once", &json!("x"))).await;
    assert!(text(&forged).starts_with("nothing was called: the `requestState`"), "{forged}");
    let answer = client.ask("tools/call", back("allow once", state)).await;
    assert_eq!(text(&answer), "\"server_0.tool_0 for test\"");
    let again = client.ask("tools/call", back("allow once", state)).await;
    assert!(text(&again).starts_with("nothing was called"), "{again}");
    assert_eq!(fake.begun.available_permits(), 1, "one call was made");
}

#[tokio::test(start_paused = true)]
async fn somebody_may_answer_elsewhere_as_long_as_the_client_is_answered_in_time() {
    let fake = Fake::new(catalogue(1, 1));
    let mut client = client(&fake, "2025-11-25", json!({})).await;
    let id = client.request("tools/call", call(&json!({ "ask": "x" }))).await;
    tokio::time::sleep(Duration::from_secs(40)).await;
    fake.approvals.answer(&fake.approvals.open()[0].id, Said::Once).unwrap();
    assert_eq!(text(&client.answer(id).await), "\"server_0.tool_0 for test\"");
    let answer = client.call("tool_0", json!({ "ask": "x" })).await;
    assert!(text(&answer).starts_with("not called: nobody has allowed it within 50 s"), "{answer}");
    assert!(fake.approvals.open().is_empty(), "nobody is asked any more");
    // A person has their time from when they are asked.
    let began = Instant::now();
    let late = client.call("tool_0", json!({ "ask": "x", "after": 30 })).await;
    assert!(text(&late).starts_with("not called: "), "{late}");
    assert!(began.elapsed() >= Duration::from_secs(80), "{:?}", began.elapsed());
    // What was allowed and sent in the last moment is told as that.
    let sent = client.call("tool_0", json!({ "ask": "x", "sent": true })).await;
    assert_eq!(text(&sent), "the call was given up: it had been sent: its effect is unknown");
    // A call that nobody is asked about takes as long as it takes.
    let id = client.request("tools/call", call(&json!({ "hang": true }))).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    client
        .send(
            &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }),
        )
        .await;
    fake.cancelled.acquire_many(4).await.unwrap().forget();
}

#[tokio::test(start_paused = true)]
async fn held_calls_end_with_their_client() {
    let fake = Fake::new(catalogue(1, 1));
    let mut client = Client::with(&fake, passing_through());
    let handed = client.ask("tools/call", with_forms(&json!({ "ask": "x" }))).await;
    assert_eq!(handed["result"]["resultType"], "input_required");
    client.finish().await;
    client.server.await.unwrap().unwrap();
    assert!(fake.approvals.open().is_empty());
    assert_eq!(fake.cancelled.available_permits(), 1);
}
