//! Runs that wait for nothing but a person: they leave memory, give their turn to others, and come back with the answer to
//! where they stood, or in another process. Nothing is sent for one that cannot come back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::FutureExt as _;
use outboard_runtime::{
    RunRequest,
    approval::{Approvals, Said, Sheet},
    ids::RunId,
    journal::{Event, Lease, MemoryStore, RunEntry, RunState, Store, Which, fold, replay},
    limits::{Limit, Limits},
    policy::AllowAll,
    run::{FailureKind, Outcome, Progress, RunReport},
    session::Session,
};
use serde_json::{Value, json};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::{
    approvals::{approvals, asks, shown, value, work},
    fakes::{FailingAt, Listed, Play, Rule, Setting, World},
};

const SECOND: Duration = Duration::from_secs(1);

fn asking(approvals: &Arc<Approvals>, calls: Vec<(&'static str, &'static str, Value)>) -> Setting {
    Setting {
        play: Play { calls, ..Play::default() },
        approver: Arc::clone(approvals) as _,
        policy: Arc::new(Rule(asks)),
        ..Setting::default()
    }
}

impl World {
    fn alive(&self) -> usize {
        self.guests.alive.load(Ordering::SeqCst)
    }

    fn opened(&self) -> usize {
        self.guests.opened.load(Ordering::SeqCst)
    }

    fn sent(&self) -> Vec<Value> {
        self.upstream.received.lock().unwrap().iter().map(|arguments| arguments["n"].clone()).collect()
    }
}

/// Lets the clock of the test go on, bit by bit, so that all that is due happens.
async fn pass(time: Duration) {
    sleep(time).await;
}

/// Waits until a person sees so many questions.
async fn sheets(approvals: &Approvals, count: usize) -> Vec<Arc<Sheet>> {
    let mut changes = approvals.watch();
    loop {
        changes.borrow_and_update();
        let open = approvals.open();
        if open.len() >= count {
            return open;
        }
        changes.changed().await.unwrap();
    }
}

fn failure(report: &RunReport) -> &FailureKind {
    match &report.outcome {
        Outcome::Failed(failure) => &failure.kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_leaves_memory_after_a_minute_and_goes_on_where_it_stood_with_the_answer() {
    for (said, sent, told) in [
        (Said::Once, vec![1, 2], json!([2, 2])),
        (Said::InRun, vec![1, 2], json!([2, 2])),
        (Said::No, vec![1], json!([2, "denied", "not approved: a person said no (a test asks)"])),
    ] {
        let approvals = approvals();
        let calls = vec![work(json!({"n": 1, "word": "aa", "wait_ms": 2_000})), work(json!({"n": 2}))];
        // Coming back spends no calls and none of the run's time.
        let limits = Limits { calls: 2, wall: 10 * SECOND, ..Limits::default() };
        let world = World::new(Setting { limits, ..asking(&approvals, calls) });
        let person = async {
            let sheet = shown(&approvals).await;
            pass(59 * SECOND).await;
            assert_eq!((world.alive(), world.opened()), (1, 1), "for a minute it stays");
            pass(5 * SECOND).await;
            assert_eq!((world.alive(), world.sent()), (0, vec![json!(1)]));
            pass(70_000 * SECOND).await;
            assert_eq!(world.alive(), 0);
            approvals.answer(&sheet.id, said).unwrap();
        };
        let (report, ()) = tokio::join!(world.run(), person);
        assert_eq!(value(&report), json!([[1, 1], told]));
        assert_eq!(
            (world.sent(), world.alive(), world.opened()),
            (sent.into_iter().map(Value::from).collect(), 0, 2)
        );
        let events = world.events(&report).await;
        assert!(!events.iter().any(|event| matches!(event, Event::Resumed(_))), "it was never interrupted");
        let folded = fold(&events).unwrap();
        let at: Vec<u64> = folded.deliveries.iter().map(|delivery| delivery.at.0.as_secs()).collect();
        assert_eq!(at, [2, 2], "its clock stood still");
        let replayed = replay(world.runtime.engines(), &folded).await.unwrap();
        assert_eq!((&replayed.asked, &replayed.ending), (&folded.asked, &folded.ending));
    }
}

#[tokio::test(start_paused = true)]
async fn two_questions_are_two_stays_outside_of_memory() {
    let approvals = approvals();
    let calls = vec![work(json!({"n": 1})), ("box", "look", json!({"n": 2}))];
    let world = World::new(asking(&approvals, calls));
    let person = async {
        let open = sheets(&approvals, 2).await;
        for (sheet, sent) in open.iter().zip([vec![], vec![json!(1)]]) {
            pass(100 * SECOND).await;
            assert_eq!((world.alive(), world.sent()), (0, sent));
            approvals.answer(&sheet.id, Said::Once).unwrap();
            pass(SECOND).await;
        }
        assert_eq!((world.alive(), world.opened()), (0, 3));
    };
    let (report, ()) = tokio::join!(world.run(), person);
    assert_eq!(value(&report), json!([[1, 1], [2, 2]]));
}

#[tokio::test(start_paused = true)]
async fn its_turn_goes_to_another_run_and_it_waits_for_one_when_it_comes_back() {
    let approvals = approvals();
    let world = World::new(Setting { runs_at_once: 1, ..asking(&approvals, vec![work(json!({"n": 1}))]) });
    let progress = watch::Sender::new(Progress::default());
    let seen = progress.subscribe();
    let request = RunRequest { code: "box".to_owned(), progress, ..RunRequest::default() };
    let first = world.runtime.run(&world.session, request, CancellationToken::new());
    let second = async {
        pass(SECOND).await;
        world.run().await
    };
    let person = async {
        let sheet = shown(&approvals).await;
        pass(50 * SECOND).await;
        assert_eq!((world.opened(), approvals.open().len()), (1, 1), "one at a time");
        pass(20 * SECOND).await;
        assert_eq!(
            (world.opened(), world.alive(), approvals.open().len()),
            (2, 1, 2),
            "the other one's turn"
        );
        approvals.answer(&sheet.id, Said::Once).unwrap();
        pass(30 * SECOND).await;
        // It has its answer, and sends nothing before it is back.
        assert_eq!((world.sent(), seen.borrow().queued, seen.borrow().stands), (vec![], true, false));
        pass(30 * SECOND).await;
        assert_eq!((world.sent(), seen.borrow().queued), (vec![json!(1)], false));
        approvals.answer(&approvals.open()[0].id, Said::Once).unwrap();
    };
    let (first, second, ()) = tokio::join!(first, second, person);
    assert_eq!((value(&first), value(&second)), (json!([[1, 1]]), json!([[1, 1]])));
    let folded = fold(&world.events(&first).await).unwrap();
    assert_eq!(folded.clock().0.as_secs(), 0, "neither the person nor the turn was its time");
}

#[tokio::test(start_paused = true)]
async fn its_limits_hold_when_it_is_back() {
    let approvals = approvals();
    let limits = Limits { wall: 10 * SECOND, ..Limits::default() };
    let calls = vec![work(json!({"n": 1, "hang": true}))];
    let world = World::new(Setting { limits, ..asking(&approvals, calls) });
    let started = Instant::now();
    let person = async {
        let sheet = shown(&approvals).await;
        pass(1_000 * SECOND).await;
        approvals.answer(&sheet.id, Said::Once).unwrap();
    };
    let (report, ()) = tokio::join!(world.run(), person);
    assert_eq!(failure(&report), &FailureKind::Limit(Limit::Wall));
    assert_eq!(started.elapsed().as_secs(), 1_010);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_cancelled_outside_of_memory_takes_its_question_back() {
    let approvals = approvals();
    let world = World::new(asking(&approvals, vec![work(json!({"n": 1}))]));
    let cancel = CancellationToken::new();
    let person = async {
        let sheet = shown(&approvals).await;
        pass(100 * SECOND).await;
        assert_eq!(world.alive(), 0);
        cancel.cancel();
        sheet
    };
    let (report, sheet) = tokio::join!(world.run_until(cancel.clone()), person);
    assert_eq!(failure(&report), &FailureKind::Cancelled);
    assert!(approvals.answer(&sheet.id, Said::Once).is_err());
    assert_eq!((world.sent(), world.opened()), (vec![], 1));
    assert!(fold(&world.events(&report).await).unwrap().ending.is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_could_not_come_back_stays_in_memory() {
    let redacted: fn(&mut RunEntry) = |entry| entry.redacted = true;
    let large: fn(&mut RunEntry) = |entry| entry.bytes = 65 << 20;
    let unwritten = FailingAt(|event| matches!(event, Event::Delivered(_)), MemoryStore::new());
    let stores: [(&str, Arc<dyn Store>, Duration); 4] = [
        ("redacted", Arc::new(Listed(redacted, Arc::default())), Duration::ZERO),
        ("large", Arc::new(Listed(large, Arc::default())), Duration::ZERO),
        ("not whole", Arc::new(unwritten), Duration::ZERO),
        ("dear", Arc::new(MemoryStore::new()), 3 * SECOND),
    ];
    for (why, store, computes) in stores {
        let approvals = approvals();
        let calls = vec![work(json!({"n": 1, "word": "aa"})), work(json!({"n": 2}))];
        let play = Play { calls: calls.clone(), computes, ..Play::default() };
        let world = World::new(Setting { store, play, ..asking(&approvals, calls) });
        let person = async {
            let sheet = shown(&approvals).await;
            pass(50_000 * SECOND).await;
            assert_eq!(world.alive(), 1, "{why}");
            approvals.answer(&sheet.id, Said::Once).unwrap();
        };
        let (report, ()) = tokio::join!(world.run(), person);
        assert_eq!((value(&report), world.opened()), (json!([[1, 1], [2, 2]]), 1), "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_one_whose_guest_does_something_else_when_it_is_led_back() {
    let approvals = approvals();
    let calls = vec![work(json!({"n": 1, "word": "aa"})), work(json!({"n": 2}))];
    let world = World::new(asking(&approvals, calls));
    let person = async {
        let sheet = shown(&approvals).await;
        pass(100 * SECOND).await;
        world.guests.play.lock().unwrap().calls[1].2 = json!({"n": 3});
        approvals.answer(&sheet.id, Said::Once).unwrap();
    };
    let (report, ()) = tokio::join!(world.run(), person);
    let FailureKind::Internal(reason) = failure(&report) else { panic!("{report:?}") };
    assert!(reason.contains("request 1 differs") && reason.contains("Nothing was sent since"), "{reason}");
    assert_eq!((world.sent(), world.alive()), (vec![json!(1)], 0));
    let effects: Vec<(u32, bool)> =
        report.effects.iter().map(|effect| (effect.line.unwrap(), effect.certain)).collect();
    assert_eq!(effects, [(1, true)], "what it did before is told");
}

#[tokio::test(start_paused = true)]
async fn one_that_another_process_took_over_meanwhile_sends_nothing_whatever_it_was_allowed() {
    let store = Arc::new(MemoryStore::new());
    let calls = vec![work(json!({"n": 1}))];
    let world = |approvals: &Arc<Approvals>| {
        World::new(Setting { store: Arc::clone(&store) as _, ..asking(approvals, calls.clone()) })
    };
    let (here, there) = (approvals(), approvals());
    let (slow, heir) = (world(&here), world(&there));
    let id = slow.session.next_run();
    let request = RunRequest { id: Some(id.clone()), code: "box".to_owned(), ..RunRequest::default() };
    let run = slow.runtime.run(&slow.session, request, CancellationToken::new());
    let session = Arc::new(Session::new());
    let others = async {
        let sheet = shown(&here).await;
        pass(100 * SECOND).await;
        // As if it had not been heard of for too long.
        store.release(&Lease::first(id.clone())).await.unwrap();
        let person = async {
            let again = shown(&there).await;
            here.answer(&sheet.id, Said::Once).unwrap();
            pass(100 * SECOND).await;
            there.answer(&again.id, Said::Once).unwrap();
        };
        tokio::join!(taken_up(&heir, &id, &session), person).0
    };
    let (report, taken_up) = tokio::join!(run, others);
    assert_eq!(value(&report)[0][1], "unrecorded");
    assert_eq!((slow.sent(), heir.sent(), value(&taken_up)), (vec![], vec![json!(1)], json!([[1, 1]])));
}

/// A run in a session whose client goes away after so long, and what is left of it.
async fn left(world: &World, approvals: &Approvals, after: Duration) -> (RunReport, Vec<Event>) {
    let session = Arc::new(Session::new());
    let request = RunRequest { code: "box".to_owned(), ..RunRequest::default() };
    let run = world.runtime.run(&session, request, session.over().child_token());
    let client = async {
        shown(approvals).await;
        pass(after).await;
        session.over().cancel();
    };
    let (report, ()) = tokio::join!(run, client);
    let events = world.events(&report).await;
    (report, events)
}

async fn taken_up(world: &World, id: &RunId, session: &Arc<Session>) -> RunReport {
    let taken = world.runtime.take(id).await.unwrap();
    let progress = watch::Sender::new(Progress::default());
    world.runtime.go_on(session, taken, progress, session.over().child_token()).await
}

#[tokio::test(start_paused = true)]
async fn one_whose_client_is_gone_is_let_go_and_asks_again_elsewhere_however_often() {
    for after in [SECOND, 100 * SECOND] {
        let store = Arc::new(MemoryStore::new());
        let calls = vec![work(json!({"n": 1, "word": "aa"})), work(json!({"n": 2}))];
        let world = |approvals: &Arc<Approvals>, image| {
            let store = Arc::clone(&store) as _;
            World::new(Setting { store, image, ..asking(approvals, calls.clone()) })
        };
        let first_asked = approvals();
        let first = world(&first_asked, "fake");
        let (report, events) = left(&first, &first_asked, after).await;
        assert_eq!(failure(&report), &FailureKind::LetGo);
        assert_eq!(first_asked.open(), [], "its question went with its process");
        assert_eq!(fold(&events).unwrap().ending, None);
        let listed = |state| {
            let runs = store.runs(Which::Newest(1)).now_or_never().unwrap().unwrap();
            assert_eq!(runs[0].state, state);
        };
        listed(RunState::Waiting);
        // More often than a run may be interrupted.
        for _ in 0..5 {
            let asked = approvals();
            let (next, session) = (world(&asked, "newer"), Arc::new(Session::new()));
            let client = async {
                shown(&asked).await;
                session.over().cancel();
            };
            let (report, ()) = tokio::join!(taken_up(&next, &report.id, &session), client);
            assert_eq!((failure(&report), next.sent()), (&FailureKind::LetGo, vec![]));
            listed(RunState::Waiting);
        }
        let asked = approvals();
        let (last, session) = (world(&asked, "newest"), Arc::new(Session::new()));
        let person = async {
            let sheet = shown(&asked).await;
            pass(100 * SECOND).await;
            assert_eq!(last.alive(), 0);
            asked.answer(&sheet.id, Said::Once).unwrap();
        };
        let (report, ()) = tokio::join!(taken_up(&last, &report.id, &session), person);
        assert_eq!((value(&report), last.sent()), (json!([[1, 1], [2, 2]]), vec![json!(2)]));
        listed(RunState::Ended);
        let images = store.read(&report.id).await.unwrap().into_iter().filter_map(|event| match event {
            Event::Resumed(resumed) => Some((resumed.image.to_string(), resumed.let_go)),
            _ => None,
        });
        let images: Vec<_> = images.collect();
        assert_eq!(images.len(), 6);
        assert_eq!(
            images.last(),
            Some(&("newest".to_owned(), true)),
            "under another start image than it began with"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_has_its_answer_and_waits_for_a_turn_is_let_go_too_and_its_approval_counts_no_more() {
    let approvals = approvals();
    let calls = vec![work(json!({"n": 1}))];
    let world = World::new(Setting { runs_at_once: 1, ..asking(&approvals, calls) });
    let session = Arc::new(Session::new());
    let request = || RunRequest { code: "box".to_owned(), ..RunRequest::default() };
    let first = world.runtime.run(&session, request(), session.over().child_token());
    let other = async {
        pass(SECOND).await;
        world.run().await
    };
    let person = async {
        let sheet = shown(&approvals).await;
        pass(70 * SECOND).await;
        approvals.answer(&sheet.id, Said::Once).unwrap();
        pass(SECOND).await;
        session.over().cancel();
        pass(SECOND).await;
        let open = approvals.open();
        approvals.answer(&open[0].id, Said::No).unwrap();
    };
    let (first, _, ()) = tokio::join!(first, other, person);
    assert_eq!((failure(&first), world.sent()), (&FailureKind::LetGo, vec![]));
    let session = Arc::new(Session::new());
    let asked = taken_up(&world, &first.id, &session);
    assert!(timeout(SECOND, asked).await.is_err(), "it waits for a person again");
    assert_eq!(world.sent(), Vec::<Value>::new());
}

#[tokio::test(start_paused = true)]
async fn one_with_work_under_way_or_a_record_of_no_use_ends_with_its_client() {
    let redacted: fn(&mut RunEntry) = |entry| entry.redacted = true;
    let hanging = vec![work(json!({"n": 1})), work(json!({"word": "aa", "hang": true}))];
    let waiting = vec![work(json!({"n": 1}))];
    let cases: [(_, Arc<dyn Store>); 2] =
        [(hanging, Arc::new(MemoryStore::new())), (waiting, Arc::new(Listed(redacted, Arc::default())))];
    for (calls, store) in cases {
        let approvals = approvals();
        let world = World::new(Setting { store, ..asking(&approvals, calls) });
        let (report, events) = left(&world, &approvals, SECOND).await;
        assert_eq!(failure(&report), &FailureKind::Cancelled);
        assert!(fold(&events).unwrap().ending.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_its_upstream_is_not_parked() {
    let calls = vec![work(json!({"n": 1, "wait_ms": 300_000}))];
    let limits = Limits { call: 400 * SECOND, ..Limits::default() };
    let play = Play { calls, ..Play::default() };
    let world = World::new(Setting { play, limits, policy: Arc::new(AllowAll), ..Setting::default() });
    let report = world.run().await;
    assert_eq!((value(&report), world.opened()), (json!([[1, 1]]), 1));
}
