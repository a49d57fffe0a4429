//! Clients of 2026-07-28: no sessions, headers that have to agree, and an end that is a cancellation.

use std::{sync::atomic::Ordering, time::Duration};

use outboard_face::http::HttpOptions;
use outboard_runtime::catalogue::Listing;
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::wire::{BOTH, Server, alone, call, request};
use crate::runtime::{Fake, catalogue, tool};

const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";
const VERSION: (&str, &str) = ("mcp-protocol-version", "2026-07-28");

#[tokio::test]
async fn a_client_discovers_lists_and_calls_without_a_session() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let discover = [VERSION, ("mcp-method", "server/discover")];
    let mut found = server.post(&discover, &alone("a", "server/discover", json!({}))).await;
    let body = found.json().await;
    assert_eq!((found.status, found.header("mcp-session-id")), (200, None));
    assert!(body["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{body}");
    // A session's name means nothing here, whosever it is.
    let list = [VERSION, ("mcp-method", "tools/list"), ("mcp-session-id", "none")];
    let mut listed = server.post(&list, &alone("a", "tools/list", json!({}))).await;
    assert_eq!(listed.json().await["result"]["tools"][1]["name"], "execute");
    assert_eq!(server.alone(&[], "a", json!({ "code": "return 7" })).await.tool().await, "7");
    server.end().await;
}

#[tokio::test]
async fn headers_have_to_say_what_the_message_says() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let call = alone("a", "tools/call", json!({ "name": "execute", "arguments": { "code": "return 7" } }));
    let (method, name) = (("mcp-method", "tools/call"), ("mcp-name", "execute"));
    for (headers, status) in [
        (vec![VERSION, method, name], 200),
        (vec![VERSION, method, ("mcp-name", "=?base64?ZXhlY3V0ZQ==?=")], 200),
        (vec![method, name], 400),
        (vec![("mcp-protocol-version", "2025-11-25"), method, name], 400),
        (vec![VERSION, VERSION, method, name], 400),
        (vec![VERSION, name], 400),
        (vec![VERSION, ("mcp-method", "tools/list"), name], 400),
        (vec![VERSION, ("mcp-method", "Tools/Call"), name], 400),
        (vec![VERSION, method, method, name], 400),
        (vec![VERSION, method], 400),
        (vec![VERSION, method, ("mcp-name", "search")], 400),
        (vec![VERSION, method, ("mcp-name", "=?base64?c2VhcmNo?=")], 400),
        (vec![VERSION, method, ("mcp-name", "=?base64?*?=")], 400),
        (vec![VERSION, method, name, ("mcp-name", "search")], 400),
    ] {
        let mut answer = server.post(&headers, &call).await;
        let body = answer.json().await;
        let code = (status == 400).then_some(-32020);
        assert_eq!((answer.status, body["error"]["code"].as_i64()), (status, code), "{headers:?} {body}");
        assert_eq!(body["id"], 1);
    }
    // Whoever reads the first of two and whoever reads the last must not be told different things.
    let twice = call
        .to_string()
        .replace(r#""method":"tools/call""#, r#""method":"tools/list","method":"tools/call""#);
    let headers = [VERSION, method, name, ("content-type", "application/json"), ("accept", BOTH)];
    assert_eq!(server.send("POST", &headers, &twice).await.status, 400);
    server.end().await;
}

#[tokio::test]
async fn what_does_not_exist_here_has_its_status() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let unknown_version = alone("a", "tools/list", json!({})).to_string().replace("2026-07-28", "2099-01-01");
    let unknown_version = serde_json::from_str(&unknown_version).unwrap();
    let list = ("mcp-method", "tools/list");
    let mut without_capabilities = alone("a", "tools/list", json!({}));
    without_capabilities["params"]["_meta"].as_object_mut().unwrap().remove(CAPABILITIES);
    for (headers, message, status, code) in [
        (vec![("mcp-protocol-version", "2099-01-01"), list], unknown_version, 400, -32022),
        (vec![VERSION, ("mcp-method", "no/such")], alone("a", "no/such", json!({})), 404, -32601),
        (vec![VERSION, ("mcp-method", "prompts/list")], alone("a", "prompts/list", json!({})), 404, -32601),
        (vec![VERSION, list], call(1, "tools/list", json!({})), 400, -32602),
        (vec![VERSION, list], without_capabilities, 400, -32602),
        (vec![("mcp-method", "server/discover")], call(1, "server/discover", json!({})), 400, -32602),
        (vec![VERSION], json!({ "jsonrpc": "2.0", "id": 1, "result": {} }), 400, -32600),
    ] {
        let mut answer = server.post(&headers, &message).await;
        let body = answer.json().await;
        assert_eq!((answer.status, body["error"]["code"].as_i64()), (status, Some(code)), "{message} {body}");
    }
    for removed in ["initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"]
    {
        let headers = [VERSION, ("mcp-method", removed)];
        let mut answer = server.post(&headers, &alone("a", removed, json!({}))).await;
        let body = answer.json().await;
        let told = (answer.status, &body["error"]["code"], &body["id"]);
        assert_eq!(told, (404, &json!(-32601), &json!(1)), "{removed}");
        assert_eq!(answer.header("mcp-session-id"), None);
    }
    let notification =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 1 } });
    assert_eq!(server.post(&[VERSION], &notification).await.status, 202);
    for method in ["GET", "DELETE", "PUT", "OPTIONS"] {
        let answer = server.send(method, &[VERSION], "").await;
        assert_eq!((answer.status, answer.header("allow").is_some()), (405, true), "{method}");
    }
    server.end().await;
}

#[tokio::test]
async fn a_client_that_goes_cancels_its_call_whatever_it_has_sent_behind_it() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let call = alone("a", "tools/call", json!({ "name": "execute", "arguments": { "code": "hang" } }));
    for accept in [BOTH, "application/json"] {
        for behind in ["", "\r\n", "GET /mcp HTTP/1.1\r\nhost: localhost\r\n\r\n"] {
            let headers = [
                VERSION,
                ("mcp-method", "tools/call"),
                ("mcp-name", "execute"),
                ("content-type", "application/json"),
                ("accept", accept),
            ];
            let text = request("POST", &headers, &call.to_string()) + behind;
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(text.as_bytes()).await.unwrap();
            fake.begun.acquire().await.unwrap().forget();
            drop(stream);
            let cancelled = tokio::time::timeout(Duration::from_secs(20), fake.cancelled.acquire()).await;
            cancelled.unwrap_or_else(|_| panic!("{accept} {behind:?}")).unwrap().forget();
        }
    }
    server.end().await;
}

#[tokio::test]
async fn a_client_that_goes_cancels_its_call_and_no_other() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let streams = server.alone(&[], "a", json!({ "code": "hang" })).await;
    assert!(streams.is_stream());
    let stays = server.alone(&[], "a", json!({ "code": "wait 0.4" }));
    let goes = async {
        fake.begun.acquire_many(2).await.unwrap().forget();
        drop(streams);
        fake.cancelled.acquire().await.unwrap().forget();
        // One that has not been answered at all yet.
        let whole = [("accept", "application/json")];
        let waiting = server.alone(&whole, "a", json!({ "code": "hang" }));
        tokio::select! {
            _ = waiting => panic!("nothing answers a script that hangs"),
            begun = fake.begun.acquire() => begun.unwrap().forget(),
        }
        fake.cancelled.acquire().await.unwrap().forget();
    };
    let (mut stays, ()) = tokio::join!(stays, goes);
    assert_eq!(stays.tool().await, "waited");
    server.end().await;
}

#[tokio::test]
async fn a_subscriber_hears_of_changed_tools_until_it_goes() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::new(&fake).await;
    let headers = [VERSION, ("mcp-method", "subscriptions/listen")];
    let listen = alone("a", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let mut streams = [server.post(&headers, &listen).await, server.post(&headers, &listen).await];
    for stream in &mut streams {
        let event = stream.message().await.unwrap();
        assert_eq!(
            (event.id, &event.data.unwrap()["method"]),
            (None, &json!("notifications/subscriptions/acknowledged"))
        );
    }
    fake.catalogue.publish(&"server_0".into(), Listing { tools: vec![tool("new")], ..Listing::default() });
    for stream in &mut streams {
        assert_eq!(
            stream.message().await.unwrap().data.unwrap()["method"],
            "notifications/tools/list_changed"
        );
    }
    server.end().await;
}

const ASK: &str = r#"ask {"text":"hi"}"#;

#[tokio::test]
async fn a_form_is_handed_over_and_brought_back_by_another_request() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &["ann", "ben"], HttpOptions::default()).await;
    let token = |name: &str| format!("Bearer {name}-0123456789abc");
    let (ann, ben) = (token("ann"), token("ben"));
    let mut handed = server.alone(&[("authorization", &ann)], "a", json!({ "code": ASK })).await;
    let (_, handed) = handed.answer().await;
    assert_eq!(handed["result"]["resultType"], "input_required", "{handed}");
    let mut back = alone("a", "tools/call", json!({ "name": "execute", "arguments": { "code": ASK } }));
    back["params"]["requestState"] = handed["result"]["requestState"].clone();
    back["params"]["inputResponses"] =
        json!({ "approval": { "action": "accept", "content": { "decision": "allow once" } } });
    let headers = [VERSION, ("mcp-method", "tools/call"), ("mcp-name", "execute")];
    // Not by another principal, and not by another client of the same one.
    let mut other = back.clone();
    other["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]["name"] = json!("b");
    for (token, message) in [(&ben, &back), (&ann, &other)] {
        let mut refused =
            server.post(&[&[("authorization", token.as_str())], &headers[..]].concat(), message).await;
        let text = refused.tool().await;
        assert!(text != "posted" && fake.ended.load(Ordering::Relaxed) == 0, "{text}");
    }
    let mut posted = server.post(&[&[("authorization", ann.as_str())], &headers[..]].concat(), &back).await;
    assert_eq!(posted.tool().await, "posted");
    server.end().await;
}

#[tokio::test]
async fn a_run_that_only_waits_for_a_person_outlives_its_client() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let message = alone("a", "tools/call", json!({ "name": "execute", "arguments": { "code": ASK } }));
    let mut handed = server.alone(&[], "a", json!({ "code": ASK })).await.answer().await.1;
    let ticket = handed["result"]["requestState"].take();
    let mut back = message.clone();
    back["params"]["requestState"] = ticket.clone();
    let name = {
        let sheet = &fake.approvals.open()[0];
        sheet.run().name().to_owned()
    };
    // It waits for its run, and goes.
    let mut waits = alone("a", "tools/call", json!({ "name": "execute", "arguments": { "resume": name } }));
    waits["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    let headers = [VERSION, ("mcp-method", "tools/call"), ("mcp-name", "execute")];
    let waiting = server.post(&headers, &waits).await;
    assert!(waiting.is_stream());
    drop(waiting);
    // Others notice nothing of it.
    assert_eq!(server.alone(&[], "a", json!({ "code": "wait 0.1" })).await.tool().await, "waited");
    assert_eq!((fake.cancelled.available_permits(), fake.approvals.open().len()), (0, 1));
    back["params"]["inputResponses"] =
        json!({ "approval": { "action": "accept", "content": { "decision": "allow once" } } });
    assert_eq!(server.post(&headers, &back).await.tool().await, "posted");
    server.end().await;
}
