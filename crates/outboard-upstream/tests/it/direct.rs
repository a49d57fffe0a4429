//! The plain client that measurements use. What it shares with the fleet is tested there;
//! here is only what is its own.

use outboard_runtime::json::Json;
use outboard_upstream::{UpstreamSpec, direct::Client};
use serde_json::json;

use crate::rig::{self, assert_nobody_left};

#[tokio::test]
async fn a_plain_client_lists_calls_and_leaves_nobody_behind() {
    let client = Client::connect(&rig::stdio(&["--bad-tool", "--instructions", "Be plain."])).await.unwrap();
    let listed = client.list_tools().await.unwrap();
    assert_eq!(listed.listing.instructions.as_deref(), Some("Be plain."));
    assert!(listed.listing.tools.iter().any(|tool| tool.name.as_str() == "bad_tool"));
    assert!(!listed.warnings.is_empty());
    let reply = client.call(&"environment".into(), &Json::from(json!({}))).await.unwrap();
    let pid = reply.structured.unwrap().to_value()["pid"].as_u64().unwrap();
    client.shutdown().await;
    assert_nobody_left(u32::try_from(pid).unwrap());
}

#[tokio::test]
async fn a_plain_client_says_why_it_cannot_connect() {
    let silent = UpstreamSpec {
        connect_timeout: std::time::Duration::from_millis(200),
        ..rig::stdio(&["--never-start", "--stderr", "hush"])
    };
    let failure = Client::connect(&silent).await.unwrap_err().to_string();
    assert!(failure.contains("200ms") && failure.contains("hush"), "{failure}");
}
