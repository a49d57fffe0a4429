//! Much at once: many calls, large results, and an upstream that writes without reading.
//! Times are not asserted beyond what shows that nothing is quadratic.

use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::rig::{LONG, Rig};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_at_once_are_all_answered() {
    let rig = Rig::stdio(&[]);
    let started = Instant::now();
    let values = join_all((0..1000).map(|n| rig.value("add", json!({"a": n, "b": 1})))).await;
    for (n, value) in values.into_iter().enumerate() {
        assert_eq!(value, json!({"sum": (n + 1) as f64}));
    }
    println!("a thousand calls: {:?}", started.elapsed());
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_of_fifty_megabytes_arrives_whole() {
    const BYTES: usize = 50 << 20;
    let rig = Rig::stdio(&[]);
    rig.settled().await;
    for form in ["text", "records"] {
        let started = Instant::now();
        let reply = rig.call("big", json!({"bytes": BYTES, "form": form})).await.unwrap();
        println!("50 MB as {form}: {:?}", started.elapsed());
        let arrived = match form {
            "text" => reply.content[0].as_str().len(),
            _ => reply.structured.unwrap().as_str().len(),
        };
        assert!(arrived > BYTES && arrived < BYTES + BYTES / 4, "{arrived} bytes of {form}");
    }
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_arguments_arrive_whole() {
    let rig = Rig::stdio(&[]);
    let text = "a".repeat(10 << 20);
    let echoed = rig.value("echo", json!({"value": text, "form": "structured"})).await;
    assert_eq!(echoed["value"].as_str().map(str::len), Some(text.len()));
    rig.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_writes_and_never_reads_blocks_nobody() {
    // It writes 20 MB at us and reads nothing, while we write more than a pipe holds.
    let rig = Rig::stdio(&["--deaf", "--flood", "20000"]);
    rig.settled().await;
    let argument = "a".repeat(100 << 10);
    let calls = join_all((0..200).map(|_| rig.call("echo", json!({"value": argument}))));
    let patience = tokio::time::timeout(std::time::Duration::from_millis(300), calls).await;
    assert!(patience.is_err(), "nobody answers");
    let ending = Instant::now();
    tokio::time::timeout(LONG, rig.end()).await.expect("it can still be ended");
    println!("ending a deaf upstream: {:?}", ending.elapsed());
}
