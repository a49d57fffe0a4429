//! Runs that a session takes over: who finds them, what becomes of their results, and of runs there is no room for.

use std::{sync::Arc, time::Duration};

use futures::future::FutureExt as _;
use outboard_runtime::{
    RunRequest,
    limits::Limits,
    run::{FailureKind, Outcome, RunReport},
    session::{Found, Keeping, LongRun, NotHere, Session},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Setting, World};

/// Starts a run that takes a minute and gives it to the session.
fn adopted(world: &Arc<World>, session: &Arc<Session>) -> LongRun {
    let (id, cancel) = (session.next_run(), CancellationToken::new());
    let request = RunRequest { id: Some(id.clone()), code: "box".to_owned(), ..RunRequest::default() };
    let progress = request.progress.subscribe();
    let run = {
        let (world, session, cancel) = (Arc::clone(world), Arc::clone(session), cancel.clone());
        async move { world.runtime.run(&session, request, cancel).await }.boxed()
    };
    session.adopt(id, cancel, progress, run)
}

fn minute() -> Arc<World> {
    let calls = vec![("box", "work", json!({"n": 1, "wait_ms": 60_000}))];
    Arc::new(World::new(Setting { play: Play { calls, ..Play::default() }, ..Setting::default() }))
}

fn value(report: Option<Arc<RunReport>>) -> Option<String> {
    match &report?.outcome {
        Outcome::Value(Some(value)) => Some(value.to_string()),
        other => panic!("no value: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_adopted_run_ends_by_itself_and_its_result_waits() {
    let (world, session) = (minute(), Arc::new(Session::new()));
    let run = adopted(&world, &session);
    assert_eq!(value(run.wait(Duration::from_secs(50)).await), None);
    assert_eq!((run.progress().borrow().calls_made, run.id().name()), (1, "r1"));
    let both = tokio::join!(run.wait(Duration::from_secs(50)), run.wait(Duration::from_secs(50)));
    assert_eq!([value(both.0), value(both.1)], [Some("[[1,1]]".to_owned()), Some("[[1,1]]".to_owned())]);
    for _ in 0..2 {
        assert!(matches!(session.find("r1"), Ok(Found::Ended(_))));
    }
    assert!(matches!(Session::new().find("r1"), Err(NotHere::Unknown)));
    session.ended().await;
}

#[tokio::test(start_paused = true)]
async fn cancelling_an_adopted_run_abandons_its_calls_and_is_reported() {
    let (world, session) = (minute(), Arc::new(Session::new()));
    let run = adopted(&world, &session);
    assert!(run.wait(Duration::from_secs(1)).await.is_none());
    run.cancel();
    session.ended().await;
    assert_eq!(world.upstream.abandoned.load(std::sync::atomic::Ordering::SeqCst), 1);
    let Ok(Found::Ended(report)) = session.find("r1") else { panic!("no result") };
    assert!(matches!(&report.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::Cancelled));
    assert_eq!(report.effects.len(), 1, "what it may have changed is told");
}

#[tokio::test(start_paused = true)]
async fn a_result_that_had_to_go_is_said_to_be_gone() {
    let keeping = Keeping { results: 1, bytes: 1 << 20 };
    let (world, session) = (minute(), Arc::new(Session::keeping(keeping)));
    let runs = [adopted(&world, &session), adopted(&world, &session)];
    for run in &runs {
        run.wait(Duration::from_secs(100)).await;
    }
    session.ended().await;
    let found = runs.each_ref().map(|run| session.find(run.id().name()));
    let gone = |found: &Result<Found, NotHere>| match found {
        Ok(_) => None,
        Err(NotHere::Dropped { gone, keeps }) => Some((gone.ended_well, gone.effects, *keeps)),
        Err(NotHere::Unknown) => panic!("it was known"),
    };
    let mut gone: Vec<_> = found.iter().map(gone).collect();
    gone.sort_by_key(Option::is_some);
    assert_eq!(gone, [None, Some((true, 1, keeping))]);
}

#[tokio::test(start_paused = true)]
async fn runs_without_a_place_to_wait_are_refused_and_the_last_place_is_not() {
    let play = Play { timer: Some(Duration::from_secs(1)), ..Play::default() };
    let world = World::new(Setting { play, runs_waiting: 2, ..Setting::default() });
    let reports = futures::future::join_all((0..7).map(|_| world.run())).await;
    let refused: Vec<_> =
        reports.iter().filter(|report| !matches!(report.outcome, Outcome::Value(_))).collect();
    assert_eq!(refused.len(), 1, "four at a time, two wait");
    let text = outboard_runtime::present::answer(refused[0], &world.session, 1_000).text;
    assert_eq!(
        text,
        "not run: 4 runs are under way and 2 wait for their turn, which is all that may (settings `runsAtOnce`, \
         `runsWaiting`)\nRun it again when some of them have ended."
    );
}

#[tokio::test(start_paused = true)]
async fn arguments_beyond_the_limit_are_refused_and_those_up_to_it_are_sent() {
    let calls = (0..3).map(|_| ("box", "work", json!({"word": "a".repeat(1_000), "wait_ms": 5}))).collect();
    let limits = Limits { pending: 2_100, ..Limits::default() };
    let world = World::new(Setting { play: Play { calls, ..Play::default() }, limits, ..Setting::default() });
    let Outcome::Value(Some(value)) = world.run().await.outcome else { panic!("it failed") };
    assert_eq!(world.upstream.received.lock().unwrap().len(), 2);
    assert!(value.to_string().contains("take more than 2.1 kB (setting `limits.pendingBytes`)"), "{value}");
}

#[tokio::test(start_paused = true)]
async fn answers_larger_than_the_room_for_them_all_arrive() {
    for impatient in [false, true] {
        let calls = (0..200).map(|n| ("box", "work", json!({"n": n, "wait_ms": 1}))).collect();
        let limits = Limits { pending: 64 << 10, concurrent_calls: 3, ..Limits::default() };
        let play = Play { calls, impatient, ..Play::default() };
        let world = World::new(Setting { play, limits, ..Setting::default() });
        assert!(matches!(world.run().await.outcome, Outcome::Value(_)));
        assert_eq!(world.upstream.received.lock().unwrap().len(), 200, "{impatient}");
    }
}
