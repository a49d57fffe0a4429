//! Calls of the two tools: results, mistakes, cancellation, progress.

use std::{sync::Arc, time::Duration};

use outboard_face::{Face, FaceOptions};
use outboard_runtime::policy::Taint;
use serde_json::{Value, json};

use crate::{
    client::{Client, modern, text},
    runtime::{Fake, catalogue},
};

#[tokio::test]
async fn results_are_text_alone() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let answer = client.call("execute", json!({ "code": "return {\"failures\": 75}" })).await;
    assert_eq!(
        answer["result"],
        json!({ "content": [{ "type": "text", "text": "{\"failures\":75}" }], "isError": false })
    );
    let failed = client.call("execute", json!({ "code": "throw" })).await;
    let told = "failed: Error: no\nnothing was changed before this: it is safe to run again once mended";
    assert_eq!((text(&failed), &failed["result"]["isError"]), (told, &json!(true)));
    let found = client.call("search", json!({ "query": "issues", "limit": 3 })).await;
    assert!(text(&found).contains("query: \"issues\", limit: Some(3)"));
}

#[tokio::test]
async fn long_results_are_cut_to_the_budget_that_was_asked_for() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let rows: Vec<Value> = (0..20_000).map(|id| json!({ "id": id, "name": "some name" })).collect();
    let code = format!("return {}", json!({ "rows": rows }));
    for (arguments, budget) in [
        (json!({ "code": code }), 6_000),
        (json!({ "code": code, "max_tokens": 500 }), 500),
        (json!({ "code": code, "max_tokens": 0 }), 100),
    ] {
        let answer = client.call("execute", arguments).await;
        let tokens = outboard_runtime::present::count_tokens(text(&answer));
        assert!(tokens <= budget && tokens > budget / 2, "{tokens}");
        assert!(text(&answer).contains("of 20,000 shown; the whole value"));
    }
}

#[tokio::test]
async fn images_come_as_blocks() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let code = r#"return {"type":"image","data":"QUJD","mimeType":"image/png"}"#;
    let answer = client.call("execute", json!({ "code": code })).await;
    assert_eq!(
        answer["result"]["content"],
        json!([
            { "type": "text", "text": "[image/png, 3 B]" },
            { "type": "image", "data": "QUJD", "mimeType": "image/png" },
        ])
    );
}

#[tokio::test]
async fn wrong_arguments_are_explained_to_the_model() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    for (params, expected) in [
        (json!({ "name": "execute" }), "or { resume: string, max_tokens?: number }; got {}"),
        (json!({ "name": "execute", "arguments": { "code": 5 } }), "got { code: 5 }"),
        (json!({ "name": "execute", "arguments": "return 1" }), "got \"return 1\""),
        (json!({ "name": "execute", "arguments": ["return 1"] }), "got array"),
        (json!({ "name": "search", "arguments": { "query": {} } }), "search takes { query: string, "),
    ] {
        let answer = client.ask("tools/call", params).await;
        assert!(text(&answer).contains(expected), "{answer}");
        assert_eq!(answer["result"]["isError"], true);
        assert_eq!(answer["result"].get("resultType"), None);
    }
    let extra = client.call("execute", json!({ "code": "return 1", "timeout": 5 })).await;
    assert!(text(&extra).starts_with("1\n[ignored: timeout; execute takes { code: string, "), "{extra}");
    let wrong = client.ask("tools/call", modern(json!({ "name": "execute", "arguments": 1 }))).await;
    assert_eq!(wrong["result"]["resultType"], "complete");
    for params in [json!({ "name": "slack.post" }), json!({ "name": 5 }), json!({ "arguments": {} })] {
        assert_eq!(client.ask("tools/call", params).await["error"]["code"], -32602);
    }
}

#[tokio::test]
async fn a_cancelled_call_cancels_its_run_and_gets_no_answer() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    for params in [
        json!({ "name": "execute", "arguments": { "code": "hang" } }),
        modern(json!({ "name": "execute", "arguments": { "code": "hang" } })),
    ] {
        let id = client.request("tools/call", params).await;
        fake.begun.acquire().await.unwrap().forget();
        let cancelled =
            json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } });
        for _ in 0..3 {
            client.send(&cancelled).await;
        }
        fake.cancelled.acquire().await.unwrap().forget();
        client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 999 } })).await;
        // The next message is the next answer: none came for the cancelled call.
        let id = client.request("ping", json!({})).await;
        assert_eq!(client.next().await.unwrap()["id"], id);
    }
}

#[tokio::test]
async fn other_calls_go_on_while_one_waits() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    client.request("tools/call", json!({ "name": "execute", "arguments": { "code": "hang" } })).await;
    for _ in 0..20 {
        assert_eq!(text(&client.call("execute", json!({ "code": "return 7" })).await), "7");
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_tells_of_its_progress() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    let params =
        json!({ "name": "execute", "arguments": { "code": "wait 10" }, "_meta": { "progressToken": "p" } });
    let answer = client.ask("tools/call", params).await;
    assert_eq!(text(&answer), "waited");
    let told: Vec<_> = client.told.iter().map(|message| message["params"].clone()).collect();
    let expected = |count| json!({ "progressToken": "p", "progress": f64::from(count), "message": "12 of 30 calls done" });
    assert_eq!(told, [1, 2, 3].map(expected));
    client.told.clear();
    assert_eq!(text(&client.call("execute", json!({ "code": "wait 10" })).await), "waited");
    assert_eq!(client.told, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn an_id_in_use_is_refused() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    let id =
        client.request("tools/call", json!({ "name": "execute", "arguments": { "code": "wait 5" } })).await;
    fake.begun.acquire().await.unwrap().forget();
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).await;
    assert_eq!(client.answer(id).await["error"]["code"], -32600);
    let started = tokio::time::Instant::now();
    assert_eq!(text(&client.answer(id).await), "waited");
    assert!(started.elapsed() >= Duration::from_secs(4));
    client.send(&json!({ "jsonrpc": "2.0", "id": id, "method": "ping" })).await;
    assert_eq!(client.answer(id).await["result"], json!({}));
}

#[tokio::test]
async fn a_client_begins_with_what_it_is_taken_to_have_seen() {
    let fake = Fake::new(catalogue(1, 2));
    let seen = Taint { private: true, untrusted: false };
    let mut client = Client::of(Face::new(Arc::clone(&fake), FaceOptions::default()).having_seen(seen));
    client.initialize("2025-11-25").await;
    let told = client.call("execute", json!({ "code": "taint" })).await;
    assert_eq!(text(&told), format!("{seen:?}"));
}
