//! How a connection ends: by the client, by us, with runs in progress.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use outboard_face::{Face, FaceOptions};
use serde_json::json;
use tokio::{io::AsyncWriteExt as _, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, modern, text},
    runtime::{Fake, catalogue},
};

#[tokio::test(start_paused = true)]
async fn the_end_of_input_ends_the_server() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let started = Instant::now();
    client.finish().await;
    assert_eq!(client.next().await, None);
    client.server.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_does_not_hold_up_the_end() {
    let mut client = Client::new(&Fake::new(catalogue(1, 2)));
    let params = modern(json!({ "notifications": { "toolsListChanged": true } }));
    client.request("subscriptions/listen", params).await;
    assert_eq!(client.next().await.unwrap()["method"], "notifications/subscriptions/acknowledged");
    let started = Instant::now();
    client.finish().await;
    client.server.await.unwrap().unwrap();
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn answers_that_come_soon_after_the_end_of_input_are_given() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    let id =
        client.request("tools/call", json!({ "name": "execute", "arguments": { "code": "wait 0.5" } })).await;
    client.finish().await;
    assert_eq!(text(&client.answer(id).await), "waited");
    client.server.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn runs_of_a_client_that_is_gone_are_cancelled() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    client.request("tools/call", json!({ "name": "execute", "arguments": { "code": "hang" } })).await;
    fake.begun.acquire().await.unwrap().forget();
    let ended = Instant::now();
    client.finish().await;
    client.server.await.unwrap().unwrap();
    assert_eq!(fake.ended.load(Ordering::Relaxed), 1);
    assert!(ended.elapsed() < Duration::from_millis(1_500), "{:?}", ended.elapsed());
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_server_and_its_runs() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    client.request("tools/call", json!({ "name": "execute", "arguments": { "code": "hang" } })).await;
    fake.begun.acquire().await.unwrap().forget();
    let started = Instant::now();
    client.cancel.cancel();
    client.server.await.unwrap().unwrap();
    assert_eq!(fake.ended.load(Ordering::Relaxed), 1);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_has_closed_its_ear_is_gone() {
    let fake = Fake::new(catalogue(1, 2));
    let (mut mouth, read) = tokio::io::duplex(1 << 16);
    let (ear, write) = tokio::io::duplex(1 << 16);
    let face = Face::new(Arc::clone(&fake), FaceOptions::default());
    let server = tokio::spawn(async move { face.serve(read, write, CancellationToken::new()).await });
    let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": { "name": "execute", "arguments": { "code": "hang" } } });
    mouth.write_all(format!("{call}\n").as_bytes()).await.unwrap();
    fake.begun.acquire().await.unwrap().forget();
    drop(ear);
    let started = Instant::now();
    mouth.write_all(b"{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"}\n").await.unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(fake.ended.load(Ordering::Relaxed), 1);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_reads_no_more_does_not_hold_up_the_end() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    let rows = json!({ "rows": vec!["some text"; 50_000] });
    for _ in 0..20 {
        let arguments = json!({ "code": format!("return {rows}"), "max_tokens": 100_000 });
        client.request("tools/call", json!({ "name": "execute", "arguments": arguments })).await;
        fake.begun.acquire().await.unwrap().forget();
    }
    client.cancel.cancel();
    client.server.await.unwrap().unwrap();
}
