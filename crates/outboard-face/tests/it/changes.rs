//! That clients hear of changed tools, once and only then.

use std::time::Duration;

use outboard_runtime::{
    catalogue::{Catalogue, Listing, UpstreamState},
    ids::UpstreamName,
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    client::{Client, modern},
    runtime::{Fake, catalogue, tool},
};

fn listing(names: &[&str]) -> Listing {
    Listing { tools: names.iter().map(|name| tool(name)).collect(), ..Listing::default() }
}

#[tokio::test(start_paused = true)]
async fn an_older_client_is_told_when_its_tools_have_changed() {
    let name = UpstreamName::new("data");
    let fake = Fake::new(Catalogue::new([name.clone()]));
    fake.catalogue.publish(&name, listing(&["one"]));
    let mut client = Client::initialized(&fake).await;
    let before = client.ask("tools/list", json!({})).await;

    // A burst is one change.
    fake.catalogue.publish(&name, listing(&["one", "two"]));
    fake.catalogue.publish(&name, listing(&["one", "two", "three"]));
    assert_eq!(
        client.next().await.unwrap(),
        json!({ "jsonrpc": "2.0", "method": "notifications/tools/list_changed" })
    );
    let after = client.ask("tools/list", json!({})).await;
    assert_ne!(before["result"], after["result"]);
    assert!(after["result"]["tools"][1]["description"].as_str().unwrap().contains("data.three("));

    // What does not change the tools is not told.
    fake.catalogue.set_state(&name, UpstreamState::Ready { took: Duration::from_secs(1) });
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(client.ask("ping", json!({})).await["result"], json!({}));
    assert_eq!(client.told, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_never_asked_for_tools_is_not_told() {
    let name = UpstreamName::new("data");
    let fake = Fake::new(Catalogue::new([name.clone()]));
    let mut client = Client::initialized(&fake).await;
    fake.catalogue.publish(&name, listing(&["one"]));
    tokio::time::sleep(Duration::from_secs(5)).await;
    client.ask("ping", json!({})).await;
    assert_eq!(client.told, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_newer_client_is_told_through_its_subscription_alone() {
    let name = UpstreamName::new("data");
    let fake = Fake::new(Catalogue::new([name.clone()]));
    fake.catalogue.publish(&name, listing(&["one"]));
    let mut client = Client::new(&fake);
    client.ask("tools/list", modern(json!({}))).await;
    fake.catalogue.publish(&name, listing(&["two"]));
    tokio::time::sleep(Duration::from_secs(5)).await;

    let params = modern(json!({ "notifications": { "toolsListChanged": true, "promptsListChanged": true } }));
    let id = client.request("subscriptions/listen", params).await;
    let acknowledged = client.next().await.unwrap();
    assert_eq!(acknowledged["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(acknowledged["params"]["notifications"], json!({ "toolsListChanged": true }));
    fake.catalogue.publish(&name, listing(&["three"]));
    let told = client.next().await.unwrap();
    assert_eq!(told["method"], "notifications/tools/list_changed");
    assert_eq!(told["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"], id);

    client
        .send(
            &json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": { "requestId": id } }),
        )
        .await;
    fake.catalogue.publish(&name, listing(&["four"]));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let tools = client.ask("tools/list", modern(json!({}))).await;
    assert!(tools["result"]["tools"].is_array());
    assert_eq!(client.told, Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn a_first_list_waits_for_upstreams_for_a_second_at_most() {
    let name = UpstreamName::new("data");
    let fake = Fake::new(Catalogue::new([name.clone()]));
    let mut client = Client::new(&fake);
    let started = Instant::now();
    client.initialize("2025-11-25").await;
    client.ask("server/discover", modern(json!({}))).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    let id = client.request("tools/list", json!({})).await;
    let early = client.answer(id).await;
    assert_eq!(started.elapsed().as_millis() / 100, 10);
    assert!(early["result"]["tools"][1]["description"].as_str().unwrap().ends_with("Namespaces: data"));

    let id = client.request("tools/list", json!({})).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    fake.catalogue.publish(&name, listing(&["one"]));
    let late = client.answer(id).await;
    assert!(late["result"]["tools"][1]["description"].as_str().unwrap().contains("COMPLETE"));
    assert_eq!(started.elapsed().as_millis() / 100, 13);
}

#[tokio::test]
async fn every_start_gives_the_same_bytes() {
    let mut given = Vec::new();
    for _ in 0..3 {
        let mut client = Client::new(&Fake::new(catalogue(5, 12)));
        let opening = client.initialize("2025-11-25").await;
        let tools = client.ask("tools/list", json!({})).await;
        given.push((opening.to_string(), tools.to_string()));
    }
    assert!(given.iter().all(|bytes| *bytes == given[0]));
}
