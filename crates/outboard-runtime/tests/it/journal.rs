//! What stands in a journal, and that it reads back and replays.

use outboard_runtime::{
    journal::{Ending, Event, Malformed, fold, replay},
    run::Outcome,
};
use serde_json::json;

use crate::fakes::{Play, Setting, World};

fn parallel() -> Setting {
    // The answers come in the reverse order of the calls.
    let calls = (0..5).map(|n| ("box", "work", json!({"n": n, "wait_ms": 50 - 10 * n}))).collect();
    Setting { play: Play { calls, ..Play::default() }, ..Setting::default() }
}

#[tokio::test(start_paused = true)]
async fn intents_stand_before_outcomes_and_outcomes_in_the_order_in_which_the_script_saw_them() {
    let world = World::new(parallel());
    let report = world.run().await;
    let events = world.events(&report).await;
    let folded = fold(&events).unwrap();
    assert_eq!(folded.asked.len(), 5);
    assert_eq!(folded.intents.len(), 5);
    assert_eq!(folded.unknown().count(), 0);
    let Outcome::Value(Some(value)) = report.outcome else { panic!("{:?}", report.outcome) };
    assert_eq!(value.to_value(), json!([[5, 4], [4, 3], [3, 2], [2, 1], [1, 0]]));
    assert_eq!(folded.ending, Some(Ending::Value(Some(value))));
}

#[tokio::test(start_paused = true)]
async fn a_replay_of_a_parallel_run_asks_the_same_and_gives_the_same_without_sending() {
    let world = World::new(parallel());
    let report = world.run().await;
    let folded = fold(&world.events(&report).await).unwrap();
    let received = world.upstream.received.lock().unwrap().len();
    let replayed = replay(world.runtime.engines(), &folded).await.unwrap();
    assert_eq!(replayed.asked, folded.asked);
    assert_eq!(replayed.ending, folded.ending);
    assert_eq!(world.upstream.received.lock().unwrap().len(), received);
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_asks_something_else_says_where_it_diverges() {
    let world = World::new(parallel());
    let report = world.run().await;
    let mut folded = fold(&world.events(&report).await).unwrap();
    folded.asked[3].position = None;
    let divergence = replay(world.runtime.engines(), &folded).await.unwrap_err();
    assert!(divergence.to_string().starts_with("request 3 differs from the record"), "{divergence}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_that_asks_less_or_ends_otherwise_is_no_replay() {
    let world = World::new(parallel());
    let report = world.run().await;
    let folded = fold(&world.events(&report).await).unwrap();
    let replay = async |folded| replay(world.runtime.engines(), &folded).await.unwrap_err().to_string();
    let mut longer = folded.clone();
    longer.asked.push(folded.asked[0].clone());
    assert_eq!(replay(longer).await, "the run asked 5 times, recorded are 6");
    let mut other = folded.clone();
    other.ending = Some(Ending::Value(None));
    assert!(replay(other).await.starts_with("the run ended otherwise"));
    let mut starved = folded.clone();
    starved.deliveries.pop();
    assert!(replay(starved).await.starts_with("the run ended otherwise"));
}

#[tokio::test(start_paused = true)]
async fn events_survive_being_written_and_read() {
    let world = World::new(parallel());
    let report = world.run().await;
    let events = world.events(&report).await;
    let text = serde_json::to_string(&events).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Event>>(&text).unwrap(), events);
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_no_writer_can_have_written_is_refused() {
    let world = World::new(parallel());
    let report = world.run().await;
    let events = world.events(&report).await;
    let refused = |events: &[Event]| fold(events).unwrap_err();
    assert_eq!(refused(&[]), Malformed::NotOpened);
    assert_eq!(refused(&events[1..]), Malformed::NotOpened);
    let mut twice = events.clone();
    twice.insert(1, events[0].clone());
    assert!(matches!(refused(&twice), Malformed::OutOfPlace { index: 1, .. }));
    let mut after_the_end = events.clone();
    after_the_end.push(events[1].clone());
    assert!(matches!(refused(&after_the_end), Malformed::OutOfPlace { reason: "the run has ended", .. }));
    let mut newer = events.clone();
    if let Event::Opened(opened) = &mut newer[0] {
        opened.format = 99;
    }
    assert_eq!(refused(&newer), Malformed::Newer { found: 99 });
    // A crash leaves a prefix; every prefix that holds the opening can be read.
    for length in 1..=events.len() {
        let folded = fold(&events[..length]).unwrap();
        assert_eq!(folded.ending.is_some(), length == events.len());
    }
}
