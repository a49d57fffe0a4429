//! A tool call outside any script: the same gate, the same journal, no side door.

use std::sync::Arc;

use outboard_runtime::{
    journal::{Divergence, Ending, Event, MemoryStore, Reader, fold, replay},
    json::Json,
    limits::Limits,
    policy::Verdict,
    reply::FailureCode,
    run::{ToolOutcome, ToolReport, ToolRequest},
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::fakes::{FailingAt, Rule, Setting, World, because};

fn request(namespace: &str, tool: &str, arguments: Value) -> ToolRequest {
    ToolRequest {
        id: None,
        namespace: namespace.to_owned(),
        tool: tool.to_owned(),
        arguments: arguments.into(),
        client: None,
        reader: Reader::Asker,
        advances: None,
    }
}

async fn call(world: &World, arguments: Value) -> ToolReport {
    world.runtime.call(&world.session, request("box", "work", arguments), CancellationToken::new()).await
}

/// The kinds of the events, in order.
fn kinds(events: &[Event]) -> Vec<&'static str> {
    let kind = |event: &Event| match event {
        Event::Opened(_) => "opened",
        Event::Asked(_) => "asked",
        Event::Intended(_) => "intended",
        Event::Delivered(_) => "delivered",
        Event::Resumed(_) => "resumed",
        Event::Wrote(_) => "wrote",
        Event::Ended(_) => "ended",
    };
    events.iter().map(kind).collect()
}

fn sent(world: &World) -> usize {
    world.upstream.received.lock().unwrap().len()
}

#[tokio::test]
async fn a_call_outside_a_script_gives_the_scripts_value_and_is_journalled_like_one() {
    let world = World::new(Setting::default());
    let report = call(&world, json!({"n": 7})).await;
    assert_eq!(report.outcome, ToolOutcome::Value(Json::from(json!(7))));
    let events = world.store.read(&report.id).await.unwrap();
    assert_eq!(kinds(&events), ["opened", "asked", "intended", "delivered", "ended"]);
    let folded = fold(&events).unwrap();
    assert_eq!(folded.ending, Some(Ending::Value(Some(Json::from(json!(7))))));
    let replayed = replay(world.runtime.engines(), &folded).await;
    assert!(matches!(replayed, Err(Divergence::Start(_))), "{replayed:?}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_pass_the_gate_is_told_and_never_sent() {
    let denies = || Arc::new(Rule(|_| Verdict::Deny(because("not on a Friday"))));
    let full = || Arc::new(FailingAt(|event| matches!(event, Event::Intended(_)), MemoryStore::new()));
    let closed = || Arc::new(FailingAt(|event| matches!(event, Event::Opened(_)), MemoryStore::new()));
    let plain = Setting::default;
    let poor = Limits { calls: 0, ..Limits::default() };
    for (setting, request, code) in [
        (plain(), request("boxx", "work", json!({})), FailureCode::UnknownTool),
        (plain(), request("box", "wrok", json!({})), FailureCode::UnknownTool),
        (plain(), request("box", "work", json!({"n": "x"})), FailureCode::InvalidArguments),
        (plain(), request("box", "work", json!([1])), FailureCode::InvalidArguments),
        (Setting { limits: poor, ..plain() }, request("box", "work", json!({})), FailureCode::Limit),
        (Setting { policy: denies(), ..plain() }, request("box", "work", json!({})), FailureCode::Denied),
        (Setting { store: full(), ..plain() }, request("box", "work", json!({})), FailureCode::Unrecorded),
        (Setting { store: closed(), ..plain() }, request("box", "work", json!({})), FailureCode::Unrecorded),
    ] {
        let world = World::new(setting);
        let report = world.runtime.call(&world.session, request.clone(), CancellationToken::new()).await;
        let ToolOutcome::Failed(failure) = report.outcome else { panic!("{request:?}") };
        assert_eq!(failure.code, code, "{request:?}: {}", failure.message);
        assert_eq!(sent(&world), 0, "{request:?}");
    }
}

#[tokio::test]
async fn a_cancelled_call_is_abandoned_and_its_effect_is_unknown() {
    let world = World::new(Setting::default());
    let cancel = CancellationToken::new();
    let (report, ()) = tokio::join!(
        world.runtime.call(&world.session, request("box", "work", json!({"hang": true})), cancel.clone()),
        async {
            while sent(&world) == 0 {
                tokio::task::yield_now().await;
            }
            cancel.cancel();
        }
    );
    assert_eq!(report.outcome, ToolOutcome::Cancelled { effect_unknown: true });
    let events = world.store.read(&report.id).await.unwrap();
    assert_eq!(kinds(&events), ["opened", "asked", "intended", "ended"]);

    let report = world.runtime.call(&world.session, request("box", "work", json!({})), cancel).await;
    assert_eq!(report.outcome, ToolOutcome::Cancelled { effect_unknown: false });
    assert_eq!(sent(&world), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_deadline() {
    let world = World::new(Setting::default());
    let ToolOutcome::Failed(failure) = call(&world, json!({"hang": true})).await.outcome else {
        panic!("it cannot have a value")
    };
    assert_eq!(failure.code, FailureCode::Timeout);
}
