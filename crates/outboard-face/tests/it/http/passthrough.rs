//! Clients that have scripts of their own, and say so in the URL: they are given the tools as they are.

use serde_json::{Value, json};

use super::wire::{BOTH, Server, alone, call, request};
use crate::runtime::{Fake, catalogue};

/// Posts to the endpoint with this query.
async fn post(
    server: &Server,
    query: &str,
    headers: &[(&str, &str)],
    message: &Value,
) -> super::wire::Answer {
    let headers = [&[("content-type", "application/json"), ("accept", BOTH)], headers].concat();
    let text = request("POST", &headers, &message.to_string());
    server.raw(text.replacen("/mcp HTTP", &format!("/mcp{query} HTTP"), 1).as_bytes()).await
}

fn first(listed: &Value) -> &str {
    listed["result"]["tools"][0]["name"].as_str().unwrap()
}

#[tokio::test]
async fn a_session_is_what_its_first_request_named() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    for (query, expected) in [
        ("", "search"),
        ("?codemode=off", "tool_0"),
        ("?codemode=false", "tool_0"),
        ("?a=b&codemode=off", "tool_0"),
        ("?codemode=on", "search"),
        ("?codemode", "search"),
        ("?xcodemode=off", "search"),
    ] {
        let opening = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } });
        let mut opened = post(&server, query, &[], &call(1, "initialize", opening)).await;
        opened.json().await;
        let session = [("mcp-session-id", opened.header("mcp-session-id").unwrap())];
        // What a later request names changes nothing.
        for later in [query, "", "?codemode=off"] {
            let mut listed = post(&server, later, &session, &call(2, "tools/list", json!({}))).await;
            assert_eq!(first(&listed.json().await), expected, "{query} {later}");
        }
    }
    server.end().await;
}

#[tokio::test]
async fn without_sessions_each_request_names_it() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let list = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list")];
    for (query, expected) in [("", "search"), ("?codemode=off", "tool_0"), ("", "search")] {
        let mut listed = post(&server, query, &list, &alone("a", "tools/list", json!({}))).await;
        assert_eq!(first(&listed.json().await), expected, "{query}");
    }
    let reply =
        json!({ "content": [{ "type": "text", "text": "yes" }], "structured": null, "is_error": false });
    let called = alone("a", "tools/call", json!({ "name": "tool_0", "arguments": { "reply": reply } }));
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "tool_0")];
    let mut answer = post(&server, "?codemode=off", &headers, &called).await;
    assert_eq!(answer.tool().await, "yes");
    let mut unknown = post(&server, "", &headers, &called).await;
    assert_eq!(unknown.json().await["error"]["code"], -32602, "scripts call it");
    server.end().await;
}

#[tokio::test]
async fn a_call_that_waits_for_a_form_is_its_clients_alone() {
    let server = Server::new(&Fake::new(catalogue(1, 1))).await;
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "tool_0")];
    let ask = json!({ "name": "tool_0", "arguments": { "ask": "x" } });
    let mut handed = post(&server, "?codemode=off", &headers, &alone("a", "tools/call", ask.clone())).await;
    let handed = handed.json().await;
    assert_eq!(handed["result"]["resultType"], "input_required", "{handed}");
    let mut back = ask;
    back["requestState"] = handed["result"]["requestState"].clone();
    let chosen = json!({ "action": "accept", "content": { "decision": "allow once" } });
    back["inputResponses"] = json!({ "approval": chosen });
    let mut other = post(&server, "?codemode=off", &headers, &alone("b", "tools/call", back.clone())).await;
    assert!(other.tool().await.starts_with("nothing was called: the `requestState`"));
    let mut own = post(&server, "?codemode=off", &headers, &alone("a", "tools/call", back)).await;
    assert_eq!(own.tool().await, "\"server_0.tool_0 for a\"");
    server.end().await;
}
