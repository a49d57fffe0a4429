//! Clients whose person is asked: by a form while they wait, by a form instead of the answer, or not at all.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use outboard_face::{Backend as _, FaceOptions};
use outboard_runtime::{RunRequest, approval::Said, ids::RunId};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, modern, text},
    runtime::{Fake, catalogue},
};

const ASK: &str = "ask {\"text\":\"Standup moved to 10:00\"}";

fn execute(arguments: &Value) -> Value {
    json!({ "name": "execute", "arguments": arguments })
}

async fn client(fake: &Arc<Fake>, version: &str, capabilities: Value) -> Client {
    let mut client = Client::with(fake, FaceOptions::default());
    client.initialize_with(version, capabilities).await;
    client
}

/// The form that the client is sent.
async fn form(client: &mut Client) -> Value {
    let message = client.next().await.unwrap();
    assert_eq!(message["method"], "elicitation/create", "{message}");
    message
}

async fn reply(client: &mut Client, form: &Value, result: Value) {
    client.send(&json!({ "jsonrpc": "2.0", "id": form["id"], "result": result })).await;
}

fn accept(decision: &str) -> Value {
    json!({ "action": "accept", "content": { "decision": decision } })
}

fn waits(answer: &Value) -> bool {
    text(answer).starts_with(
        "waiting for approval: slack.post {\"text\":\"Standup moved to 10:00\"} (line 1). Run r1 is kept;",
    )
}

#[tokio::test(start_paused = true)]
async fn a_form_shows_all_that_is_asked_and_what_is_chosen_decides() {
    for (version, capability) in [
        ("2025-06-18", json!({})),
        ("2025-11-25", json!({ "form": {} })),
        ("2025-11-25", json!({ "form": {}, "url": {} })),
    ] {
        for (decision, expected) in [
            ("allow once", "posted"),
            ("allow in this run, up to 5 calls", "posted"),
            ("deny", "a person said no"),
        ] {
            let fake = Fake::new(catalogue(1, 2));
            let mut client = client(&fake, version, json!({ "elicitation": capability })).await;
            let call = client.request("tools/call", execute(&json!({ "code": ASK }))).await;
            let form = form(&mut client).await;
            let schema = &form["params"]["requestedSchema"]["properties"]["decision"];
            assert_eq!(schema["enum"][0], "deny", "what a client fills in by itself is no yes");
            assert!(schema["enum"].as_array().unwrap().contains(&json!(decision)), "{schema}");
            reply(&mut client, &form, accept(decision)).await;
            assert_eq!(text(&client.answer(call).await), expected);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_person_is_shown() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
    client
        .request("tools/call", execute(&json!({ "code": "ask {\"text\":\"\\u001b[2Jhi\",\"p\\u043e\":1}" })))
        .await;
    let form = form(&mut client).await;
    assert_eq!(
        form["params"]["message"],
        "Outboard asks: may this script call slack.post?\n\
         \n    text  \"\\u{1b}[2Jhi\"\n    \"p\u{43e}\" (that is \"p\\u{43e}\")  1\n\
         \nCareful: letters of different alphabets, p\u{43e} is p\\u{43e}\n\
         The tool says: nothing about what it changes. Asked because a test asks.\n\
         line 1 of 1 · so far: read nothing, changed nothing · asked by test"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_person_says_neither_yes_nor_no() {
    let answers = [
        json!({ "result": { "action": "cancel" } }),
        json!({ "result": { "action": "decline" } }),
        json!({ "result": { "action": "accept" } }),
        json!({ "result": { "action": "accept", "content": {} } }),
        json!({ "result": { "action": "accept", "content": { "decision": "yes" } } }),
        json!({ "result": {} }),
        json!({ "error": { "code": -32601, "message": "Method not found" } }),
    ];
    for answer in answers {
        let fake = Fake::new(catalogue(1, 2));
        let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
        let started = Instant::now();
        let call = client.request("tools/call", execute(&json!({ "code": ASK }))).await;
        let form = form(&mut client).await;
        let mut message = answer.clone();
        message["jsonrpc"] = json!("2.0");
        message["id"] = form["id"].clone();
        client.send(&message).await;
        let told = client.answer(call).await;
        assert!(waits(&told) && told["result"]["isError"] == false, "{answer}: {told}");
        assert!(started.elapsed() < Duration::from_secs(1), "the model is told at once");
        let open = fake.approvals.open();
        assert!(text(&told).ends_with(&format!("outboard approve {}", open[0].id)), "{told}");
        // Somebody answers elsewhere, and the result is there.
        fake.approvals.answer(&open[0].id, Said::Once).unwrap();
        let resumed = client.call("execute", json!({ "resume": "r1" })).await;
        assert_eq!(text(&resumed), "posted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_shows_no_forms_is_told_at_once_and_resuming_waits() {
    for (version, capabilities) in [
        ("2025-11-25", json!({})),
        ("2025-11-25", json!({ "elicitation": { "url": {} } })),
        ("2025-03-26", json!({ "elicitation": {} })),
    ] {
        let fake = Fake::new(catalogue(1, 2));
        let mut client = client(&fake, version, capabilities).await;
        let started = Instant::now();
        assert!(waits(&client.call("execute", json!({ "code": ASK })).await));
        assert!(started.elapsed() < Duration::from_secs(1));
        assert!(waits(&client.call("execute", json!({ "resume": "r1" })).await));
        assert!(started.elapsed() >= Duration::from_secs(50), "no need to ask again and again");
        let resuming = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
        tokio::time::sleep(Duration::from_secs(5)).await;
        fake.approvals.answer(&fake.approvals.open()[0].id, Said::No).unwrap();
        assert_eq!(text(&client.answer(resuming).await), "a person said no");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_may_take_longer_than_the_call() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
    let call = client.request("tools/call", execute(&json!({ "code": ASK }))).await;
    let form = form(&mut client).await;
    assert!(waits(&client.answer(call).await));
    reply(&mut client, &form, accept("allow once")).await;
    assert_eq!(text(&client.call("execute", json!({ "resume": "r1" })).await), "posted");
    assert_eq!(fake.begun.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn resuming_asks_again_and_an_answer_elsewhere_takes_the_form_back() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
    let call = client.request("tools/call", execute(&json!({ "code": ASK }))).await;
    let first = form(&mut client).await;
    reply(&mut client, &first, json!({ "action": "cancel" })).await;
    client.answer(call).await;
    let resuming = client.request("tools/call", execute(&json!({ "resume": "r1" }))).await;
    let second = form(&mut client).await;
    assert_eq!(second["params"]["message"], first["params"]["message"]);
    fake.approvals.answer(&fake.approvals.open()[0].id, Said::Once).unwrap();
    // They come in either order.
    let mut both = [client.next().await.unwrap(), client.next().await.unwrap()];
    both.sort_by_key(|message| message["method"].is_null());
    let [cancelled, answer] = both;
    assert_eq!(
        (&cancelled["method"], &cancelled["params"]["requestId"]),
        (&json!("notifications/cancelled"), &second["id"])
    );
    assert_eq!((&answer["id"], text(&answer)), (&json!(resuming), "posted"));
    // An answer that comes all the same changes nothing.
    reply(&mut client, &second, accept("deny")).await;
    assert_eq!(text(&client.call("execute", json!({ "code": "return 7" })).await), "7");
}

#[tokio::test(start_paused = true)]
async fn always_writes_a_rule_and_says_so() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
    let call = client.request("tools/call", execute(&json!({ "code": ASK }))).await;
    let form = form(&mut client).await;
    reply(&mut client, &form, accept("always allow this tool")).await;
    let answer = client.answer(call).await;
    assert_eq!(text(&answer), "posted");
    assert_eq!(
        answer["result"]["content"][1]["text"],
        "[approval: slack.post runs without asking from now on]"
    );
}

/// A request of the 2026-07-28 revision by a client that shows forms.
fn modern_call(arguments: &Value, more: &Value) -> Value {
    let mut params = modern(execute(arguments));
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({ "elicitation": { "form": {} } });
    for (key, value) in more.as_object().unwrap() {
        params[key] = value.clone();
    }
    params
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_is_handed_the_form_and_calls_again_with_it() {
    for (decision, expected) in [("allow once", "posted"), ("deny", "a person said no")] {
        let fake = Fake::new(catalogue(1, 2));
        let mut client = Client::new(&fake);
        let code = json!({ "code": ASK });
        let handed = client.ask("tools/call", modern_call(&code, &json!({}))).await;
        let result = &handed["result"];
        assert_eq!(result["resultType"], "input_required", "{handed}");
        let form = &result["inputRequests"]["approval"];
        assert_eq!(form["method"], "elicitation/create");
        assert!(form["params"]["message"].as_str().unwrap().contains("\"Standup moved to 10:00\""), "{form}");
        let back = json!({ "requestState": result["requestState"], "inputResponses": { "approval": accept(decision) } });
        let answer = client.ask("tools/call", modern_call(&code, &back)).await;
        assert_eq!(text(&answer), expected);
        // The same again gives the same result, and nothing runs again.
        let again = client.ask("tools/call", modern_call(&code, &back)).await;
        assert_eq!(text(&again), expected);
        assert_eq!((fake.begun.available_permits(), fake.ended.load(Ordering::Relaxed)), (1, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_that_lost_its_form_is_handed_it_again_when_it_resumes() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::new(&fake);
    let code = json!({ "code": ASK });
    let lost = client.ask("tools/call", modern_call(&code, &json!({}))).await;
    let resume = json!({ "resume": "r1" });
    let handed = client.ask("tools/call", modern_call(&resume, &json!({}))).await;
    let (lost, result) = (&lost["result"], &handed["result"]);
    assert_eq!(result["resultType"], "input_required", "{handed}");
    assert_eq!(result["inputRequests"], lost["inputRequests"]);
    let back = json!({ "requestState": result["requestState"], "inputResponses": { "approval": accept("allow once") } });
    let answer = client.ask("tools/call", modern_call(&resume, &back)).await;
    assert_eq!(text(&answer), "posted");
    assert_eq!(fake.begun.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_taken_up_is_decided_by_the_person_of_the_client_that_resumes_it() {
    let fake = Fake::new(catalogue(1, 2));
    let run = RunId::from("r1-before");
    let request = RunRequest { id: Some(run.clone()), code: ASK.to_owned(), ..RunRequest::default() };
    let (progress, cancel) = (request.progress.subscribe(), CancellationToken::new());
    let work = Arc::clone(&fake).run(Arc::clone(&fake.recovered), request, cancel.clone());
    fake.recovered.adopt(run, cancel, progress, work);
    let mut client = Client::new(&fake);
    let resume = json!({ "resume": "r1" });
    let handed = client.ask("tools/call", modern_call(&resume, &json!({}))).await;
    let back = json!({
        "requestState": handed["result"]["requestState"],
        "inputResponses": { "approval": accept("allow once") },
    });
    assert_eq!(text(&client.ask("tools/call", modern_call(&resume, &back)).await), "posted");
}

#[tokio::test(start_paused = true)]
async fn a_modern_client_without_a_person_is_told_that_the_run_waits() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = Client::new(&fake);
    let code = json!({ "code": ASK });
    let handed = client.ask("tools/call", modern_call(&code, &json!({}))).await;
    for responses in [json!({ "approval": { "action": "cancel" } }), json!({})] {
        let back = json!({ "requestState": handed["result"]["requestState"], "inputResponses": responses });
        assert!(waits(&client.ask("tools/call", modern_call(&code, &back)).await));
    }
    assert_eq!(fake.begun.available_permits(), 1);
    let mut without = modern(execute(&code));
    without["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    assert!(text(&client.ask("tools/call", without).await).starts_with("waiting for approval: "));
}

#[tokio::test(start_paused = true)]
async fn a_state_that_was_not_handed_out_here_runs_and_changes_nothing() {
    let fake = Fake::new(catalogue(1, 2));
    let (mut client, mut other) = (Client::new(&fake), Client::new(&fake));
    let code = json!({ "code": ASK });
    let handed = client.ask("tools/call", modern_call(&code, &json!({}))).await;
    let state = handed["result"]["requestState"].as_str().unwrap().to_owned();
    let strangers = client.ask("tools/call", modern_call(&code, &json!({}))).await;
    let mut changed = state.clone();
    changed.replace_range(10..11, if &state[10..11] == "A" { "B" } else { "A" });
    let mut named = modern_call(
        &code,
        &json!({ "requestState": state, "inputResponses": { "approval": accept("allow once") } }),
    );
    named["_meta"]["io.modelcontextprotocol/clientInfo"]["name"] = json!("somebody else");
    for forged in ["", "x", changed.as_str()] {
        let back = json!({ "requestState": forged, "inputResponses": { "approval": accept("allow once") } });
        let answer = client.ask("tools/call", modern_call(&code, &back)).await;
        assert!(text(&answer).starts_with("nothing was run and nothing was changed: "), "{answer}");
        assert_eq!(answer["result"]["isError"], true);
    }
    let back = json!({ "requestState": state, "inputResponses": { "approval": accept("allow once") } });
    for answer in
        [client.ask("tools/call", named).await, other.ask("tools/call", modern_call(&code, &back)).await]
    {
        assert_eq!(answer["result"]["isError"], true, "{answer}");
    }
    assert_eq!((fake.approvals.open().len(), fake.begun.available_permits()), (2, 2));
    assert_ne!(strangers["result"]["requestState"], handed["result"]["requestState"]);
}

#[tokio::test(start_paused = true)]
async fn questions_go_with_the_client_that_could_be_asked() {
    let fake = Fake::new(catalogue(1, 2));
    let mut client = client(&fake, "2025-11-25", json!({ "elicitation": {} })).await;
    client.request("tools/call", execute(&json!({ "code": ASK }))).await;
    form(&mut client).await;
    assert_eq!(fake.approvals.open().len(), 1);
    client.finish().await;
    client.server.await.unwrap().unwrap();
    assert_eq!(fake.approvals.open(), []);
}
