//! Runs that take longer than an answer may: what the client is told, how it gets the rest, who may stop them.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use outboard_face::{Backend as _, FaceOptions};
use outboard_runtime::{RunRequest, ids::RunId, policy::Taint, run::Progress};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, text},
    runtime::{Fake, catalogue},
};

const STILL: &str =
    "still running: r1 (12 of 30 calls done). execute {\"resume\":\"r1\"} waits for the result.";

fn execute(arguments: &Value) -> Value {
    json!({ "name": "execute", "arguments": arguments })
}

async fn cancel(client: &mut Client, id: i64, reason: &str) {
    let params = json!({ "requestId": id, "reason": reason });
    client.send(&json!({ "jsonrpc": "2.0", "method": "notifications/cancelled", "params": params })).await;
}

#[tokio::test(start_paused = true)]
async fn a_long_run_is_said_to_go_on_and_its_result_is_waited_for() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    let started = Instant::now();
    let answer = client.call("execute", json!({ "code": "wait 120" })).await;
    assert_eq!((text(&answer), &answer["result"]["isError"]), (STILL, &json!(false)));
    assert_eq!(started.elapsed().as_secs(), 50);
    assert_eq!(text(&client.call("execute", json!({ "code": "return 7" })).await), "7");
    assert_eq!(text(&client.call("execute", json!({ "resume": "r1" })).await), STILL);
    assert_eq!(started.elapsed().as_secs(), 100);
    assert_eq!(text(&client.call("execute", json!({ "resume": "r1" })).await), "waited");
    assert_eq!(started.elapsed().as_secs(), 120);
    let again = client.call("execute", json!({ "resume": " r1 ", "code": "" })).await;
    assert_eq!(text(&again), "waited", "a client may have missed the first answer");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_for_progress_is_answered_as_soon_and_told_of_it_while_it_resumes() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    for arguments in [json!({ "code": "wait 60" }), json!({ "resume": "r1" })] {
        client.told.clear();
        let mut params = execute(&arguments);
        params["_meta"] = json!({ "progressToken": "p" });
        let answer = client.ask("tools/call", params).await;
        assert!([STILL, "waited"].contains(&text(&answer)), "{answer}");
        assert_eq!(client.told[0]["params"]["message"], "12 of 30 calls done");
    }
}

#[tokio::test(start_paused = true)]
async fn two_that_wait_for_one_run_both_get_it() {
    let mut client = Client::initialized(&Fake::new(catalogue(1, 2))).await;
    assert_eq!(text(&client.call("execute", json!({ "code": "wait 60" })).await), STILL);
    let one = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    let other = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    let answers = [client.next().await.unwrap(), client.next().await.unwrap()];
    assert!(answers.iter().all(|answer| text(answer) == "waited"), "{answers:?}");
    assert!([one, other].iter().all(|id| answers.iter().any(|answer| answer["id"] == *id)));
}

#[tokio::test(start_paused = true)]
async fn unknown_names_and_those_of_another_session_get_the_same_answer() {
    let fake = Fake::new(catalogue(1, 2));
    let mut owner = Client::initialized(&fake).await;
    assert_eq!(text(&owner.call("execute", json!({ "code": "wait 60" })).await), STILL);
    let mut other = Client::initialized(&fake).await;
    let foreign = other.call("execute", json!({ "resume": "r1" })).await;
    let unknown = other.call("execute", json!({ "resume": "r2" })).await;
    assert_eq!(foreign["result"]["isError"], true);
    assert_eq!(text(&foreign), text(&unknown).replace("r2", "r1"));
    assert!(text(&foreign).starts_with("there is nothing to resume under `r1`"), "{foreign}");
    let both = other.call("execute", json!({ "resume": "r1", "code": "return 1" })).await;
    assert!(text(&both).starts_with("nothing was run: "), "{both}");
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_resuming_call_stops_the_run_and_whoever_waits_learns_of_it() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    assert_eq!(text(&client.call("execute", json!({ "code": "hang" })).await), STILL);
    let resuming = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    let waiting = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    cancel(&mut client, resuming, "the user pressed escape").await;
    fake.cancelled.acquire().await.unwrap().forget();
    assert!(text(&client.answer(waiting).await).starts_with("cancelled: "));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_the_client_stops_nothing_and_the_next_answer_names_the_run() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::initialized(&fake).await;
    let first = client.request("tools/call", execute(&json!({ "code": "wait 40" }))).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    cancel(&mut client, first, "McpError: MCP error -32001: Request timed out").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let next = client.call("execute", json!({ "code": "return 7" })).await;
    let content = next["result"]["content"].as_array().unwrap();
    assert_eq!((content.len(), text(&next)), (2, "7"));
    assert!(content[1]["text"].as_str().unwrap().starts_with("[not lost: r1, "), "{next}");
    let resuming = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    cancel(&mut client, resuming, "request timeout").await;
    assert_eq!(text(&client.call("execute", json!({ "resume": "r1" })).await), "waited");
}

#[tokio::test(start_paused = true)]
async fn runs_that_nobody_waits_for_end_with_their_client() {
    let fake = Fake::new(catalogue(1, 2));
    let options = FaceOptions { respond_within: Duration::from_secs(2), ..FaceOptions::default() };
    let mut client = Client::with(&fake, options);
    client.initialize("2025-11-25").await;
    assert_eq!(text(&client.call("execute", json!({ "code": "hang" })).await), STILL);
    client.finish().await;
    client.server.await.unwrap().unwrap();
    assert_eq!(fake.ended.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_given_the_result_of_a_run_that_was_taken_up_has_seen_what_that_had_seen() {
    for code in ["return 8", "wait 45"] {
        let fake = Fake::new(catalogue(1, 2));
        let mut client = Client::initialized(&fake).await;
        let seen = Taint { private: true, untrusted: true };
        fake.recovered.saw(seen);
        let (id, cancel) = (RunId::from("r8-before"), CancellationToken::new());
        let request = RunRequest { id: Some(id.clone()), code: code.to_owned(), ..RunRequest::default() };
        let run = Arc::clone(&fake).run(Arc::clone(&fake.recovered), request, cancel.clone());
        fake.recovered.adopt(id, cancel, watch::channel(Progress::default()).1, run);
        let clean = client.call("execute", json!({ "code": "taint" })).await;
        assert_eq!(text(&clean), format!("{:?}", Taint::default()));
        let result = client.call("execute", json!({ "resume": "r8" })).await;
        assert!(matches!(text(&result), "8" | "waited"), "{result}");
        let tainted = client.call("execute", json!({ "code": "taint" })).await;
        assert_eq!(text(&tainted), format!("{seen:?}"));
    }
}
