//! What web pages, strangers and broken programs send.

use std::time::Duration;

use futures::future::join_all;
use outboard_face::http::HttpOptions;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::wire::{BOTH, Server, call, execute, request};
use crate::runtime::{Fake, catalogue};

#[tokio::test]
async fn web_pages_are_refused_whatever_name_they_let_lead_here() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::new(&fake).await;
    let (own, at) = (format!("http://{}", server.address), server.address.to_string());
    let rebound = format!("rebind.evil.example:{}", server.address.port());
    for (headers, status) in [
        (vec![("host", "evil.example")], 403),
        (vec![("host", rebound.as_str()), ("origin", "http://rebind.evil.example")], 403),
        (vec![("host", "localhost"), ("origin", "https://evil.example")], 403),
        (vec![("host", "localhost"), ("origin", "null")], 403),
        (vec![("host", "localhost"), ("origin", "http://localhost:1")], 403),
        (vec![("host", "localhost"), ("host", "evil.example")], 403),
        (vec![("host", "localhost"), ("origin", own.as_str())], 403),
        (vec![("host", at.as_str()), ("origin", own.as_str())], 200),
        (vec![("host", "localhost")], 200),
    ] {
        for method in ["POST", "GET", "DELETE", "OPTIONS"] {
            let headers = [&headers[..], &[("content-type", "application/json"), ("accept", BOTH)]].concat();
            let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": { "name": "t", "version": "1" } });
            let answer = server.send(method, &headers, &call(1, "initialize", params).to_string()).await;
            match (method, status) {
                ("POST", _) | (_, 403) => assert_eq!(answer.status, status, "{method} {headers:?}"),
                _ => assert_ne!(answer.status, 403, "{method} {headers:?}"),
            }
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
    }
    let missing = server.raw(b"POST /mcp HTTP/1.0\r\ncontent-length: 0\r\n\r\n").await;
    assert!([400, 403].contains(&missing.status), "{}", missing.status);
    let elsewhere = server.raw(b"GET http://evil.example/mcp HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    assert_eq!(elsewhere.status, 403);
    assert_eq!(fake.begun.available_permits(), 0);
    server.end().await;
}

#[tokio::test]
async fn strangers_are_told_to_show_a_token_and_nothing_else() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &["ann"], HttpOptions::default()).await;
    for (given, error) in [
        (None, false),
        (Some("Basic YW5uOmFubg=="), false),
        (Some("Bearer ann-0123456789abd"), true),
        (Some("Bearer ann-0123456789abc0"), true),
        (Some("Bearer "), false),
    ] {
        for (method, path) in [("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/elsewhere"), ("DELETE", "/mcp")] {
            let headers: Vec<(&str, &str)> =
                given.map(|given| ("authorization", given)).into_iter().collect();
            let text = request(method, &headers, "").replace("/mcp", path);
            let mut answer = server.raw(text.as_bytes()).await;
            let how = answer.header("www-authenticate").unwrap_or_default().to_owned();
            if path == "/elsewhere" {
                assert_eq!(answer.status, 404, "whoever looks for how to sign in sees that there is nothing");
                continue;
            }
            assert_eq!(
                (answer.status, how.starts_with("Bearer"), how.contains("invalid_token")),
                (401, true, error),
                "{given:?}"
            );
            assert!(!answer.text().await.contains("ann"));
        }
    }
    let session =
        server.session(&[("authorization", "Bearer ann-0123456789abc")], "2025-11-25", json!({})).await;
    assert_eq!(server.execute(&session, 2, "return 1").await.status, 401, "a session's name is no token");
    server.end().await;
}

#[tokio::test]
async fn bodies_and_heads_have_bounds_in_size_and_time() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions {
        body: 2_000,
        head_within: Duration::from_millis(300),
        body_within: Duration::from_millis(300),
        ..HttpOptions::default()
    };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let long = format!("return \"{}\"", "x".repeat(3_000));
    assert_eq!(server.execute(&session, 2, &long).await.status, 413);
    let head = "POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let chunked =
        format!("{head}transfer-encoding: chunked\r\n\r\nbb8\r\n{}\r\n0\r\n\r\n", "x".repeat(3_000));
    assert_eq!(server.raw(chunked.as_bytes()).await.status, 413);
    assert_eq!(server.raw(format!("{head}content-length: 10\r\n\r\n{{").as_bytes()).await.status, 408);
    let many: String = (0..200).map(|number| format!("x-{number}: 1\r\n")).collect();
    assert_eq!(server.raw(format!("{head}{many}\r\n").as_bytes()).await.status, 431);
    let wide = format!("{head}x: {}\r\n\r\n", "x".repeat(200_000));
    assert!([0, 431].contains(&server.raw(wide.as_bytes()).await.status));
    for smuggled in
        ["content-length: 5\r\ncontent-length: 6\r\n", "content-length: 5, 6\r\n", "transfer-encoding: x\r\n"]
    {
        let status = server.raw(format!("{head}{smuggled}\r\nhello").as_bytes()).await.status;
        assert!([0, 400].contains(&status), "{smuggled}: {status}");
    }
    // A head that never ends, and a connection that says nothing.
    for begun in ["", "POST /mcp HTTP/1.1\r\nhost: local"] {
        let mut slow = TcpStream::connect(server.address).await.unwrap();
        slow.write_all(begun.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(Duration::from_secs(5), slow.read_to_end(&mut rest)).await;
        assert!(closed.is_ok(), "{begun:?}");
    }
    assert_eq!(server.execute(&session, 3, "return 7").await.tool().await, "7");
    assert_eq!(fake.begun.available_permits(), 1);
    server.end().await;
}

#[tokio::test]
async fn many_long_bodies_are_read_one_after_another_and_all_of_them() {
    let server = Server::new(&Fake::new(catalogue(1, 2))).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let long = format!("return \"{}\"", "x".repeat(600_000));
    let answers = join_all((0..40).map(|id| server.execute(&session, id, &long))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    server.end().await;
}

#[tokio::test]
async fn connections_beyond_the_bound_are_refused_and_the_others_served() {
    let options = HttpOptions { connections: 3, ..HttpOptions::default() };
    let server = Server::with(&Fake::new(catalogue(1, 2)), &[], options).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let mut held = Vec::new();
    let refused = loop {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let mut byte = [0; 12];
        match tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await {
            Err(_) => held.push(stream),
            Ok(read) => break String::from_utf8_lossy(&byte[..read.unwrap_or(0)]).into_owned(),
        }
    };
    assert!(held.len() <= 3 && (refused.is_empty() || refused.ends_with("503")), "{} {refused}", held.len());
    let text = request(
        "POST",
        &[("content-type", "application/json"), ("accept", BOTH), ("mcp-session-id", &session)],
        &execute(2, "return 7").to_string(),
    );
    let mut one = held.pop().unwrap();
    one.write_all(text.as_bytes()).await.unwrap();
    assert_eq!(super::wire::Answer::read(one).await.tool().await, "7");
    drop(held);
    server.end().await;
}

#[tokio::test]
async fn a_session_has_a_bound_of_calls_under_way() {
    let fake = Fake::new(catalogue(1, 2));
    let options = HttpOptions {
        patience: Duration::from_millis(10),
        drain: Duration::from_millis(10),
        ..HttpOptions::default()
    };
    let server = Server::with(&fake, &[], options).await;
    let session = server.session(&[], "2025-06-18", json!({})).await;
    // Their clients go at once, and the calls go on.
    for id in 0..128 {
        drop(server.execute(&session, id, "hang").await);
    }
    let refused = server.execute(&session, 500, "return 1").await;
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    let other = server.session(&[], "2025-06-18", json!({})).await;
    assert_eq!(server.execute(&other, 500, "return 1").await.tool().await, "1");
    assert_eq!(server.send("DELETE", &[("mcp-session-id", &session)], "").await.status, 204);
    fake.cancelled.acquire_many(128).await.unwrap().forget();
    server.end().await;
}
