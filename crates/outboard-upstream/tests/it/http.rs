//! Streamable HTTP: both forms of answers, sessions and their loss, notifications, and failures.
//! What calls give back is the same as over stdio and tested there.

use std::process::Stdio;

use futures::future::join_all;
use outboard_runtime::ports::upstream::SendFailure;
use outboard_testkit::fixture_path;
use outboard_upstream::{Transport, UpstreamSpec};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::rig::{self, LONG, Rig, eventually, reason};

/// A fixture that serves HTTP. It ends with its stdin, so with this value.
struct Site {
    _process: Child,
    port: u16,
}

impl Site {
    async fn start(switches: &[&str]) -> Self {
        let mut process = Command::new(fixture_path())
            .arg("--http")
            .args(switches)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("start the fixture");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut line).await.expect("it prints its port");
        Self { _process: process, port: line.trim().parse().expect("it prints its port") }
    }

    fn spec(&self) -> UpstreamSpec {
        let url = format!("http://127.0.0.1:{}/mcp", self.port).parse().expect("a URL");
        let headers = vec![("X-Api-Key".to_owned(), "hunter2".to_owned())];
        UpstreamSpec {
            connect_timeout: LONG,
            ..UpstreamSpec::new(rig::name(), Transport::Http { url, headers })
        }
    }

    fn rig(&self) -> Rig {
        Rig::start(self.spec())
    }
}

fn methods(messages: &[Value]) -> Vec<&str> {
    messages.iter().filter_map(|message| message["method"].as_str()).collect()
}

#[tokio::test]
async fn answers_arrive_as_json_and_as_events() {
    let cases: [&[&str]; 6] = [
        &[],
        &["--sse"],
        &["--no-get"],
        &["--sse", "--cut-stream"],
        &["--modern-only"],
        &["--modern-only=-32022", "--sse"],
    ];
    for switches in cases {
        let site = Site::start(switches).await;
        let rig = site.rig();
        assert_eq!(rig.value("add", json!({"a": 1, "b": 2})).await, json!({"sum": 3.0}), "{switches:?}");
        assert!(rig.call("fail", json!({})).await.unwrap().is_error, "{switches:?}");
        let refused = rig.call("protocol_error", json!({"code": -32050, "message": "no"})).await;
        assert_eq!(
            refused,
            Err(SendFailure::Refused { code: -32050, message: "no".to_owned() }),
            "{switches:?}"
        );
        rig.end().await;
    }
}

#[tokio::test]
async fn requests_carry_the_headers_of_their_era() {
    let site = Site::start(&[]).await;
    let rig = site.rig();
    let headers = rig.value("headers", json!({})).await["headers"].clone();
    assert_eq!(headers["mcp-session-id"], "session-1");
    assert_eq!(headers["mcp-protocol-version"], "2025-11-25");
    assert_eq!(headers["x-api-key"], "hunter2");
    assert_eq!(headers["mcp-method"], Value::Null);
    rig.end().await;

    let site = Site::start(&["--modern-only"]).await;
    let rig = site.rig();
    let headers = rig.value("headers", json!({})).await["headers"].clone();
    assert_eq!(headers["mcp-session-id"], Value::Null);
    assert_eq!(headers["mcp-protocol-version"], "2026-07-28");
    assert_eq!((&headers["mcp-method"], &headers["mcp-name"]), (&json!("tools/call"), &json!("headers")));
    rig.end().await;
}

#[tokio::test]
async fn the_session_ends_with_the_fleet() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let site = Site::start(&["--log", log.to_str().unwrap()]).await;
    let rig = site.rig();
    rig.value("add", json!({})).await;
    rig.end().await;
    let log = std::fs::read_to_string(&log).unwrap();
    let goodbye = json!({"http": "DELETE", "session": "session-1"}).to_string();
    assert_eq!(log.lines().last(), Some(goodbye.as_str()), "{log}");
}

#[tokio::test]
async fn a_lost_session_costs_one_call_and_the_next_opens_another() {
    let site = Site::start(&[]).await;
    let rig = site.rig();
    rig.value("count", json!({})).await;
    rig.value("forget_session", json!({})).await;
    let lost = rig.call("count", json!({})).await;
    assert!(
        matches!(&lost, Err(SendFailure::Unavailable { reason }) if reason.contains("session")),
        "{lost:?}"
    );
    assert_eq!(
        rig.value("effects", json!({})).await["effects"],
        json!(["counted"]),
        "the lost call had no effect"
    );
    assert_eq!(rig.value("headers", json!({})).await["headers"]["mcp-session-id"], "session-2");
    rig.end().await;
}

#[tokio::test]
async fn a_changed_list_arrives_on_the_get_stream() {
    let folder = tempfile::tempdir().unwrap();
    for form in ["--no-sse", "--sse"] {
        let log = folder.path().join(form);
        let mut switches = vec!["--list-changed", "--log", log.to_str().unwrap()];
        switches.extend((form == "--sse").then_some(form));
        let site = Site::start(&switches).await;
        let rig = site.rig();
        // The stream is opened behind the first requests; what the fixture says before goes nowhere.
        eventually("the stream", || std::fs::read_to_string(&log).unwrap_or_default().contains(r#""GET""#))
            .await;
        rig.value("add", json!({})).await;
        rig.listing_where(|listing| listing.tools.iter().any(|tool| tool.name.as_str() == "late")).await;
        rig.end().await;
    }
}

#[tokio::test]
async fn a_dropped_call_is_cancelled_at_the_server() {
    let site = Site::start(&[]).await;
    let rig = site.rig();
    rig.settled().await;
    tokio::select! {
        biased;
        answered = rig.call("silent", json!({})) => panic!("{answered:?}"),
        () = async { while !rig.received().await.iter().any(|message| message["params"]["name"] == "silent") {} } => {}
    }
    while !methods(&rig.received().await).contains(&"notifications/cancelled") {}
    rig.end().await;
}

#[tokio::test]
async fn a_status_without_json_is_explained() {
    // (the status, what the reason names)
    let cases = [
        ("401", "credentials"),
        ("404", "Streamable HTTP"),
        ("307", "redirects"),
        ("429", "HTTP 429"),
        ("503", "HTTP 503"),
        ("200", "no MCP message"),
    ];
    for (status, named) in cases {
        let site = Site::start(&["--status", status]).await;
        let rig = site.rig();
        let said = reason(rig.settled().await);
        assert!(said.contains(named) && !said.contains("hunter2"), "{status}: {said}");
        rig.end().await;
    }
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_explained() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/?key=hunter2", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let rig = Rig::start(UpstreamSpec::new(rig::name(), Transport::Http { url, headers: Vec::new() }));
    let said = reason(rig.settled().await);
    assert!(said.contains("cannot be reached") && !said.contains("hunter2"), "{said}");
    rig.end().await;
}

#[tokio::test]
async fn a_server_that_dies_loses_its_calls() {
    let site = Site::start(&[]).await;
    let rig = site.rig();
    rig.settled().await;
    let lost = rig.call("die", json!({})).await;
    assert!(matches!(lost, Err(SendFailure::Lost { .. })), "{lost:?}");
    let gone = rig.call("add", json!({})).await;
    // A connection kept open may only show its end when it is used again.
    assert!(matches!(gone, Err(SendFailure::Unavailable { .. } | SendFailure::Lost { .. })), "{gone:?}");
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_at_once_and_large_results_arrive() {
    for switches in [&[][..], &["--sse"]] {
        let site = Site::start(switches).await;
        let rig = site.rig();
        let values = join_all((0..300).map(|n| rig.value("add", json!({"a": n, "b": 0})))).await;
        assert_eq!(values.len(), 300);
        let reply = rig.call("big", json!({"bytes": 20 << 20})).await.unwrap();
        assert!(reply.content[0].as_str().len() > 20 << 20, "{switches:?}");
        rig.end().await;
    }
}
