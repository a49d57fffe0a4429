//! Clients of 2025-11-25 and before: sessions, streams, what is missed and what is asked.

use std::{sync::atomic::Ordering, time::Duration};

use outboard_face::http::HttpOptions;
use outboard_runtime::catalogue::Listing;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::wire::{BOTH, Server, call, execute, request};
use crate::runtime::{Fake, catalogue, tool};

const VERSIONS: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"];

#[tokio::test]
async fn a_session_begins_with_initialize_and_ends_with_delete() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    for version in VERSIONS {
        let session = server.session(&[], version, json!({})).await;
        assert!(session.len() >= 32 && session.bytes().all(|byte| byte.is_ascii_graphic()), "{session}");
        let named = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", version)];
        let mut listed = server.post(&named, &call(2, "tools/list", json!({}))).await;
        assert_eq!(listed.json().await["result"]["tools"][0]["name"], "search");
        assert_eq!(server.execute(&session, 3, "return 7").await.tool().await, "7");
        assert_eq!(server.send("DELETE", &named, "").await.status, 204);
        for (method, body) in
            [("POST", execute(4, "return 1").to_string()), ("GET", String::new()), ("DELETE", String::new())]
        {
            let headers = [&named[..], &[("content-type", "application/json"), ("accept", BOTH)]].concat();
            let mut gone = server.send(method, &headers, &body).await;
            assert_eq!(gone.status, 404, "{method}");
            assert!(gone.text().await.contains("begin with `initialize`"));
        }
    }
    server.end().await;
}

#[tokio::test]
async fn what_names_no_session_or_an_unknown_version_is_refused() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let list = call(2, "tools/list", json!({}));
    for (headers, status) in [
        (vec![], 400),
        (vec![("mcp-session-id", "")], 404),
        (vec![("mcp-session-id", "0123456789abcdef0123456789abcdef")], 404),
        (vec![("mcp-session-id", session.as_str()), ("mcp-session-id", "x")], 400),
        (vec![("mcp-session-id", session.as_str()), ("mcp-protocol-version", "1999-01-01")], 400),
        (vec![("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-06-18")], 200),
        (vec![("mcp-session-id", session.as_str())], 200),
    ] {
        assert_eq!(server.post(&headers, &list).await.status, status, "{headers:?}");
    }
    server.end().await;
}

#[tokio::test]
async fn what_opens_no_session_leaves_none() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let mut answer = server.post(&[], &call(1, "initialize", json!({ "protocolVersion": 5 }))).await;
    assert_eq!(answer.header("mcp-session-id"), None);
    assert_eq!(answer.json().await["error"]["code"], -32602);
    // A revision that is not known yet is answered with one that is.
    let params = json!({ "protocolVersion": "2099-01-01", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
    let mut answer = server.post(&[], &call(1, "initialize", params)).await;
    let agreed = answer.json().await["result"]["protocolVersion"].as_str().unwrap().to_owned();
    assert!(VERSIONS.contains(&agreed.as_str()), "{agreed}");
    server.end().await;
}

#[tokio::test]
async fn an_answer_comes_as_the_client_takes_it() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(50), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    for (accept, code, streams) in [
        ("application/json, text/event-stream", "return 7", false),
        ("application/json, text/event-stream", "wait 0.2", true),
        ("text/event-stream", "return 7", true),
        ("application/json", "wait 0.2", false),
        ("*/*", "return 7", false),
    ] {
        let mut answer =
            server.post(&[("mcp-session-id", &session), ("accept", accept)], &execute(2, code)).await;
        assert_eq!((answer.status, answer.is_stream()), (200, streams), "{accept} {code}");
        assert!(["7", "waited"].contains(&answer.tool().await.as_str()));
    }
    for (headers, status) in [([("accept", "text/html")], 406), ([("content-type", "text/plain")], 415)] {
        let headers = [&headers[..], &[("mcp-session-id", session.as_str())]].concat();
        assert_eq!(server.post(&headers, &execute(2, "return 7")).await.status, status);
    }
    server.end().await;
}

#[tokio::test]
async fn streams_are_primed_for_those_who_know_it_and_kept_alive() {
    let fake = Fake::new(catalogue(1, 2));
    let (patience, keep_alive) = (Duration::from_millis(20), Duration::from_millis(50));
    let server =
        Server::with(&fake, &[], HttpOptions { patience, keep_alive, ..HttpOptions::default() }).await;
    for (version, primed) in [("2025-06-18", false), ("2025-11-25", true)] {
        let session = server.session(&[], version, json!({})).await;
        let mut answer = server.execute(&session, 2, "wait 0.3").await;
        assert_eq!(answer.header("x-accel-buffering"), Some("no"));
        let first = answer.event().await.unwrap();
        assert_eq!((first.id.is_some(), first.comment), (primed, !primed), "{first:?}");
        let (mut comments, mut last) = (usize::from(first.comment), None);
        while let Some(event) = answer.event().await {
            comments += usize::from(event.comment);
            last = event.data.or(last);
        }
        assert!(comments >= 2, "{comments}");
        assert_eq!(last.unwrap()["id"], 2);
    }
    server.end().await;
}

#[tokio::test]
async fn a_client_that_lost_its_connection_gets_the_answer_when_it_comes_back() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let mut answer = server.execute(&session, 2, "wait 0.4").await;
    let id = answer.event().await.unwrap().id.unwrap();
    drop(answer);
    let headers = |id: &'static str| {
        [
            ("mcp-session-id", session.clone()),
            ("accept", "text/event-stream".to_owned()),
            ("last-event-id", id.to_owned()),
        ]
    };
    let again = |id: String| {
        let given =
            headers("").map(|(name, value)| (name, if name == "last-event-id" { id.clone() } else { value }));
        let server = &server;
        async move {
            let given: Vec<(&str, &str)> =
                given.iter().map(|(name, value)| (*name, value.as_str())).collect();
            server.send("GET", &given, "").await
        }
    };
    for _ in 0..2 {
        // While it goes on, and once more after it has ended.
        let mut answer = again(id.clone()).await;
        assert!(answer.is_stream());
        let event = answer.message().await.unwrap();
        assert_eq!(event.data.unwrap()["result"]["content"][0]["text"], "waited");
        assert!(answer.message().await.is_none());
        let mut nothing = again(event.id.unwrap()).await;
        assert!(nothing.message().await.is_none());
    }
    assert_eq!((fake.cancelled.available_permits(), fake.ended.load(Ordering::Relaxed)), (0, 1));
    for odd in ["99-1", "1-0", "nothing", "1", "1-x", "-1"] {
        assert_eq!(again(odd.to_owned()).await.status, 400, "{odd}");
    }
    // Of another session there is nothing to be had.
    let other = server.session(&[], "2025-11-25", json!({})).await;
    let given = [("mcp-session-id", other.as_str()), ("accept", "text/event-stream"), ("last-event-id", &id)];
    assert_eq!(server.send("GET", &given, "").await.status, 400);
    server.end().await;
}

#[tokio::test]
async fn what_a_client_says_last_is_heard_although_it_has_gone() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    for id in 10..20 {
        let _going = server.execute(&session, id, "hang").await;
        fake.begun.acquire().await.unwrap().forget();
        let params = json!({ "requestId": id });
        let word = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params });
        let headers =
            [("mcp-session-id", session.as_str()), ("content-type", "application/json"), ("accept", BOTH)];
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(request("POST", &headers, &word.to_string()).as_bytes()).await.unwrap();
        drop(stream);
        let heard = tokio::time::timeout(Duration::from_secs(20), fake.cancelled.acquire()).await;
        heard.expect("the word is heard").unwrap().forget();
    }
    server.end().await;
}

#[tokio::test]
async fn only_a_word_cancels_a_call_of_a_session() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions { patience: Duration::from_millis(20), ..HttpOptions::default() };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-06-18", json!({})).await;
    let answer = server.execute(&session, 2, "hang").await;
    fake.begun.acquire().await.unwrap().forget();
    drop(answer);
    // One that is answered after the other is gone shows that the loss was noticed.
    assert_eq!(server.execute(&session, 3, "wait 0.1").await.tool().await, "waited");
    fake.begun.acquire().await.unwrap().forget();
    assert_eq!(fake.cancelled.available_permits(), 0);
    let mut again = server.execute(&session, 2, "return 1").await;
    assert_eq!((again.status, again.json().await["error"]["code"].as_i64()), (400, Some(-32600)));
    let cancelled =
        json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": 2 } });
    assert_eq!(server.post(&[("mcp-session-id", &session)], &cancelled).await.status, 202);
    fake.cancelled.acquire().await.unwrap().forget();
    assert_eq!(server.execute(&session, 2, "return 1").await.tool().await, "1");
    server.end().await;
}

#[tokio::test]
async fn a_change_of_tools_is_told_once_on_the_stream_beside_all_requests() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::new(&fake).await;
    let session = server.session(&[], "2025-06-18", json!({})).await;
    server.post(&[("mcp-session-id", &session)], &call(2, "tools/list", json!({}))).await.json().await;
    let listening = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut replaced = server.send("GET", &listening, "").await;
    let mut stream = server.send("GET", &listening, "").await;
    assert!(replaced.event().await.is_none(), "a newer stream takes the place of an older one");
    fake.catalogue.publish(&"server_0".into(), Listing { tools: vec![tool("new")], ..Listing::default() });
    let event = stream.message().await.unwrap();
    assert_eq!(event.data.unwrap()["method"], "notifications/tools/list_changed");
    assert!(event.id.unwrap().starts_with("0-"));
    assert_eq!(
        server.send("GET", &[("mcp-session-id", &session), ("accept", "application/json")], "").await.status,
        406
    );
    server.end().await;
}

#[tokio::test]
async fn a_form_takes_the_way_of_the_call_that_asks_and_its_answer_is_a_post() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::new(&fake).await;
    let session = server.session(&[], "2025-11-25", json!({ "elicitation": { "form": {} } })).await;
    let mut answer = server.execute(&session, 2, r#"ask {"text":"hi"}"#).await;
    let form = loop {
        let event = answer.event().await.unwrap();
        if let Some(data) = event.data {
            break data;
        }
    };
    assert_eq!(form["method"], "elicitation/create");
    let content = json!({ "action": "accept", "content": { "decision": "allow once" } });
    let reply = json!({ "jsonrpc": "2.0", "id": form["id"], "result": content });
    // Somebody else's answer with the same id is nobody's.
    let other = server.session(&[], "2025-11-25", json!({ "elicitation": { "form": {} } })).await;
    assert_eq!(server.post(&[("mcp-session-id", &other)], &reply).await.status, 202);
    assert_eq!(fake.approvals.open().len(), 1);
    assert_eq!(server.post(&[("mcp-session-id", &session)], &reply).await.status, 202);
    assert_eq!(answer.tool().await, "posted");
    server.end().await;
}

#[tokio::test]
async fn progress_goes_with_the_call_that_asked_for_it() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::new(&fake).await;
    let session = server.session(&[], "2025-06-18", json!({})).await;
    let mut message = execute(2, "wait 3.4");
    message["params"]["_meta"] = json!({ "progressToken": "p" });
    let mut answer = server.post(&[("mcp-session-id", &session)], &message).await;
    let (before, answer) = answer.answer().await;
    assert_eq!(before.len(), 1, "{before:?}");
    assert_eq!((&before[0]["params"]["progressToken"], &answer["id"]), (&json!("p"), &json!(2)));
    server.end().await;
}

#[tokio::test]
async fn errors_between_programs_are_answers_and_broken_messages_are_not() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let session = server.session(&[], "2025-06-18", json!({})).await;
    let named =
        [("mcp-session-id", session.as_str()), ("content-type", "application/json"), ("accept", BOTH)];
    for (body, status, code) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"no/such"}"#, 200, -32601),
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":[]}"#, 200, -32602),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, 400, -32600),
        ("nonsense", 400, -32700),
        ("", 400, -32700),
        ("{}", 400, -32600),
    ] {
        let mut answer = server.send("POST", &named, body).await;
        let json: Value = answer.json().await;
        assert_eq!((answer.status, json["error"]["code"].as_i64()), (status, Some(code)), "{body}");
    }
    server.end().await;
}
