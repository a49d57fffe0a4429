//! The gate, step by step: what stops a call, what the script is told, and that nothing was sent.

use std::sync::{Arc, atomic::Ordering};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    approval::{Answer, Approval, Approver, Question, Scope},
    journal::{Event, MemoryStore},
    limits::Limits,
    operation::Operation,
    policy::Verdict,
    run::{FailureKind, Outcome},
};
use serde_json::{Value, json};

use crate::fakes::{FailingAt, Play, Rule, Setting, World, because};

fn one(namespace: &'static str, tool: &'static str, arguments: Value) -> Play {
    Play { calls: vec![(namespace, tool, arguments)], ..Play::default() }
}

async fn value(world: &World) -> Value {
    match world.run().await.outcome {
        Outcome::Value(Some(value)) => value.to_value(),
        other => panic!("the run did not end with a value: {other:?}"),
    }
}

/// Runs one call and checks what the script saw and what the upstream received.
async fn check(setting: Setting, code: &str, says: &str, sent: usize) {
    let world = World::new(setting);
    let value = value(&world).await;
    assert_eq!(value[0][1], code, "{value}");
    assert!(value[0][2].as_str().unwrap().contains(says), "{value} does not say {says}");
    assert_eq!(world.upstream.received.lock().unwrap().len(), sent);
}

#[tokio::test(start_paused = true)]
async fn calls_that_do_not_pass_are_told_of_and_never_sent() {
    for (namespace, tool, arguments, code, says) in [
        ("boxx", "work", json!({}), "unknown_tool", "did you mean `box`?"),
        ("box", "wrok", json!({}), "unknown_tool", "did you mean `box.work`?"),
        ("box", "then", json!({}), "unknown_tool", "it has: work, look"),
        ("box", "work", json!({"n": "x"}), "invalid_arguments", "`n` must be an integer, got \"x\""),
        (
            "box",
            "work",
            json!("x"),
            "invalid_arguments",
            "a tool takes one object, got \"x\"; expected box.work(",
        ),
        ("box", "work", json!([{"n": 1}]), "invalid_arguments", "a tool takes one object"),
        ("box", "work", json!({"n": "x"}), "invalid_arguments", "box.work(input?: "),
        ("box", "work", json!({"word": format!("{}!", "a".repeat(40))}), "invalid_arguments", "/word"),
    ] {
        check(Setting { play: one(namespace, tool, arguments), ..Setting::default() }, code, says, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn null_is_sent_where_the_schema_declares_it_in_the_words_of_openapi() {
    let world = World::new(Setting { play: one("box", "work", json!({"note": null})), ..Setting::default() });
    value(&world).await;
    assert_eq!(world.upstream.received.lock().unwrap()[..], [json!({"note": null})]);
    let wrong = Setting { play: one("box", "work", json!({"note": 1})), ..Setting::default() };
    check(wrong, "invalid_arguments", "`note` must be a string or null, got 1", 0).await;
}

#[tokio::test(start_paused = true)]
async fn upstream_failures_keep_their_kind() {
    for (arguments, code, says) in [
        (json!({"lose": true}), "upstream_lost", "it died"),
        (json!({"refuse": -32000}), "upstream_error", "no (code -32000)"),
        (json!({"refuse": -32602}), "upstream_refused", "no (code -32602)"),
        (json!({"tool_error": true, "n": 7}), "tool_error", "7"),
        (json!({"hang": true}), "timeout", "no answer within 120s"),
    ] {
        check(Setting { play: one("box", "work", arguments), ..Setting::default() }, code, says, 1).await;
    }
}

#[tokio::test]
async fn denied_call_is_journaled_and_never_sent() {
    let policy = Arc::new(Rule(|_| Verdict::Deny(because("not on a Friday"))));
    let world = World::new(Setting { play: one("box", "work", json!({})), policy, ..Setting::default() });
    let report = world.run().await;
    let events = world.events(&report).await;
    assert!(world.upstream.received.lock().unwrap().is_empty());
    assert!(events.iter().any(|event| matches!(event, Event::Asked(_))));
    assert!(!events.iter().any(|event| matches!(event, Event::Intended(_))));
    let Outcome::Value(Some(value)) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(value.to_value()[0], json!([1, "denied", "denied by policy: not on a Friday"]));
}

struct Person(fn(&Question) -> Answer);

impl Approver for Person {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        let answer = (self.0)(&question);
        async move { answer }.boxed()
    }

    fn holds(&self, _: &Approval, _: &Scope, _: &Operation) -> bool {
        false
    }
}

#[tokio::test]
async fn a_person_decides_where_policy_asks_and_silence_is_no() {
    let asks = || Arc::new(Rule(|_| Verdict::Ask(because("it posts"))));
    let play = || one("box", "work", json!({"n": 1}));
    check(
        Setting { play: play(), policy: asks(), ..Setting::default() },
        "denied",
        "nobody could be asked",
        0,
    )
    .await;
    let refuses = Arc::new(Person(|_| Answer::Refused("a person said no".to_owned())));
    check(
        Setting { play: play(), policy: asks(), approver: refuses, ..Setting::default() },
        "denied",
        "said no",
        0,
    )
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_breaks_ends_its_run_at_once() {
    let asks = Arc::new(Rule(|_| Verdict::Ask(because("it posts"))));
    let breaks = Arc::new(Person(|_| panic!("a bug of ours")));
    let play = one("box", "work", json!({}));
    let world = World::new(Setting { play, policy: asks, approver: breaks, ..Setting::default() });
    let before = tokio::time::Instant::now();
    let report = world.run().await;
    assert!(
        matches!(&report.outcome, Outcome::Failed(failure) if matches!(failure.kind, FailureKind::Internal(_)))
    );
    assert!(before.elapsed().as_secs() < 1, "it must not wait for an answer that never comes");
}

#[tokio::test]
async fn a_call_that_cannot_be_recorded_is_not_sent() {
    let store = Arc::new(FailingAt(|event| matches!(event, Event::Intended(_)), MemoryStore::new()));
    let play = one("box", "work", json!({}));
    check(Setting { play, store, ..Setting::default() }, "unrecorded", "the disk is full", 0).await;
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_queue_and_do_not_fail() {
    let calls = (0..1_000).map(|n| ("box", "work", json!({"n": n, "wait_ms": 5}))).collect();
    let limits = Limits { concurrent_calls: 16, ..Limits::default() };
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, limits, ..Setting::default() });
    let answers = value(&world).await;
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 1_000);
    assert!(
        answers.iter().all(|answer| answer[0].as_u64() == answer[1].as_u64().map(|n| n + 1)),
        "{answers:?}"
    );
    assert_eq!(world.upstream.most_in_flight.load(Ordering::SeqCst), 16);
}

#[tokio::test]
async fn the_limit_of_calls_refuses_the_next_call_and_not_one_before() {
    let calls = (0..4).map(|n| ("box", "work", json!({"n": n}))).collect();
    let limits = Limits { calls: 3, concurrent_calls: 1, ..Limits::default() };
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, limits, ..Setting::default() });
    let answers = value(&world).await;
    let refused: Vec<&Value> =
        answers.as_array().unwrap().iter().filter(|answer| answer[1] == "limit").collect();
    assert_eq!(refused, [&json!([4, "limit", "this run has made its 3 calls (setting `limits.calls`)"])]);
    assert_eq!(world.upstream.received.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_never_lists_its_tools_is_waited_for_and_then_unavailable() {
    let play = one("box", "work", json!({}));
    check(Setting { play, listed: false, ..Setting::default() }, "upstream_unavailable", "still starting", 0)
        .await;
}
