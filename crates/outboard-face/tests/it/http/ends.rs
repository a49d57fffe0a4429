//! How it ends: what is under way has its time, and nothing is left.

use std::{sync::atomic::Ordering, time::Duration};

use outboard_face::http::HttpOptions;
use serde_json::json;
use tokio::{net::TcpStream, time::Instant};

use super::wire::{Server, alone};
use crate::runtime::{Fake, catalogue};

fn options(drain: u64) -> HttpOptions {
    let (patience, drain) = (Duration::from_millis(20), Duration::from_millis(drain));
    HttpOptions { patience, drain, ..HttpOptions::default() }
}

#[tokio::test]
async fn what_is_under_way_is_answered_and_what_comes_is_refused() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &[], options(8_000)).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let listening = [("mcp-session-id", session.as_str()), ("accept", "text/event-stream")];
    let mut beside = server.send("GET", &listening, "").await;
    let subscribing = [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "subscriptions/listen")];
    let listen = alone("a", "subscriptions/listen", json!({ "notifications": { "toolsListChanged": true } }));
    let mut subscribed = server.post(&subscribing, &listen).await;
    let mut in_session = server.execute(&session, 2, "wait 0.6").await;
    let mut alone = server.alone(&[], "a", json!({ "code": "wait 0.6" })).await;
    let begun = Instant::now();
    server.stop.cancel();
    // What only waits ends at once.
    while beside.event().await.is_some() {}
    while subscribed.event().await.is_some() {}
    assert!(begun.elapsed() < Duration::from_millis(500));
    let refused = server.execute(&session, 3, "return 1").await;
    assert_eq!((refused.status, refused.header("connection")), (503, Some("close")));
    assert_eq!((in_session.tool().await, alone.tool().await), ("waited".to_owned(), "waited".to_owned()));
    server.task.await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert!(TcpStream::connect(server.address).await.is_err());
    assert_eq!(fake.begun.available_permits(), 2);
}

#[tokio::test]
async fn what_takes_too_long_is_cancelled_and_told_so() {
    let fake = Fake::new(catalogue(1, 2));
    let server = Server::with(&fake, &[], options(100)).await;
    let session = server.session(&[], "2025-11-25", json!({})).await;
    let mut in_session = server.execute(&session, 2, "hang").await;
    let mut alone = server.alone(&[], "a", json!({ "code": "hang" })).await;
    fake.begun.acquire_many(2).await.unwrap().forget();
    server.end().await;
    assert_eq!(fake.ended.load(Ordering::Relaxed), 2);
    for answer in [&mut in_session, &mut alone] {
        let text = answer.tool().await;
        assert!(text.contains("cancelled"), "{text}");
    }
}
