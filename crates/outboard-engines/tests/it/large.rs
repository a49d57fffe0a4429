//! Large answers and values, and answers in batches.

use std::time::Duration;

use outboard_runtime::{
    clock::RunTime,
    json::Json,
    ports::engine::{Delivered, Delivery, Engine, Entry, Guest, GuestState, Reply, Step},
};

use crate::host::{ENGINE, world};

/// Starts a program and answers all its requests with `values`, in order, in one entry.
async fn answered(program: &str, values: Vec<Json>) -> Step {
    let step = ENGINE.open(world(program)).unwrap().enter(Entry::Start).await;
    assert_eq!(step.requests.len(), values.len());
    let deliveries = step.requests.iter().zip(values).map(|(request, value)| Delivery {
        at: RunTime(Duration::from_millis(5)),
        what: Delivered::Settled { request: request.id, reply: Reply::Value(value) },
    });
    waiting(step.state).enter(Entry::Deliver(deliveries.collect())).await
}

fn waiting(state: GuestState) -> Box<dyn Guest> {
    match state {
        GuestState::Waiting { guest, .. } => guest,
        _ => panic!("it does not wait"),
    }
}

fn finished(step: Step) -> Json {
    match step.state {
        GuestState::Finished(Some(value)) => value,
        GuestState::Threw(thrown) => panic!("it threw {thrown:?}"),
        GuestState::Stopped(stopped) => panic!("it was stopped: {stopped:?}"),
        _ => panic!("it did not finish"),
    }
}

fn records(count: usize) -> String {
    let record = |n: usize| {
        format!(
            r#"{{"id":{n},"user_id":"user_{}","activity":"login","metadata":{{"duration_seconds":{},"success":{}}}}}"#,
            n % 7,
            n % 120,
            !n.is_multiple_of(4)
        )
    };
    format!("[{}]", (0..count).map(record).collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn fifty_megabytes_are_delivered_and_read() {
    let text = records(500_000);
    assert!(text.len() > 50_000_000, "{}", text.len());
    let program = "const rows = await t.json({}); [rows.length, rows.filter((r) => !r.metadata.success).length, rows.at(-1).user_id]";
    let step = answered(program, vec![Json::parse(text).unwrap()]).await;
    assert_eq!(finished(step).as_str(), r#"[500000,125000,"user_3"]"#);
}

#[tokio::test]
async fn one_string_of_fifty_megabytes_goes_in_and_out() {
    let text = Json::string(&"é\u{1F600}x ".repeat(6_250_000));
    let step = answered("await t.json({})", vec![text.clone()]).await;
    assert!(finished(step) == text);
}

#[tokio::test]
async fn a_thousand_answers_in_one_entry_are_settled_one_by_one() {
    let program = "const order = []; let inside = 0, most = 0;
        await Promise.all(Array.from({ length: 1000 }, async (_, i) => {
            const n = await t.json({ i }); most = Math.max(most, ++inside); await null; await null; inside--; order.push(n);
        }));
        [order.length, order.every((n, i) => n === i), most]";
    let values = (0..1000).map(|n| Json::from(serde_json::Value::from(n))).collect();
    assert_eq!(finished(answered(program, values).await).as_str(), "[1000,true,1]");
}

#[tokio::test]
async fn what_follows_the_end_in_a_batch_is_ignored() {
    let program = "await Promise.race([t.json({ a: 1 }), t.json({ b: 2 })])";
    let values = vec![Json::parse("1").unwrap(), Json::parse("2").unwrap()];
    assert_eq!(finished(answered(program, values).await).as_str(), "1");
}

#[tokio::test]
async fn an_answer_that_comes_twice_or_late_changes_nothing() {
    let step = ENGINE
        .open(world("const v = await t.json({}); await t.json({}); v"))
        .unwrap()
        .enter(Entry::Start)
        .await;
    let settle = |request, value: &str| Delivery {
        at: RunTime(Duration::ZERO),
        what: Delivered::Settled { request, reply: Reply::Value(Json::parse(value).unwrap()) },
    };
    let first = step.requests[0].id;
    let step = waiting(step.state).enter(Entry::Deliver(vec![settle(first, "1"), settle(first, "2")])).await;
    let second = step.requests[0].id;
    let step = waiting(step.state).enter(Entry::Deliver(vec![settle(first, "3"), settle(second, "4")])).await;
    assert_eq!(finished(step).as_str(), "1");
}
