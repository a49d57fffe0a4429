//! Runs whose calls wait for a person: nothing is sent before the yes, what was shown is what is sent, and the time that a
//! person takes is nobody's.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    RunRequest,
    approval::{Answer, Approval, Approvals, Approver, Question, Reach, Said, Scope, Sheet, SigningKey},
    clock::SystemClock,
    journal::{Event, Lease, MemoryStore, Reader, Store as _, fold, replay},
    limits::{Limit, Limits},
    operation::Operation,
    policy::{Decider, Reason, Verdict},
    ports::engine::Delivered,
    run::{FailureKind, Outcome, Progress, RunReport, ToolOutcome, ToolRequest},
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Rule, Setting, World};

pub(crate) fn approvals() -> Arc<Approvals> {
    Arc::new(Approvals::new(SigningKey::random(), Arc::new(SystemClock), Reach::Somebody))
}

/// Asks about everything but what says `aa`.
pub(crate) fn asks(arguments: &Value) -> Verdict {
    match arguments["word"] == "aa" {
        true => Verdict::Allow(Reason::new(Decider::Otherwise, "it is free")),
        false => Verdict::Ask(Reason::new(Decider::Otherwise, "a test asks")),
    }
}

fn world(approver: Arc<dyn Approver>, play: Play, limits: Limits) -> World {
    World::new(Setting { approver, policy: Arc::new(Rule(asks)), play, limits, ..Setting::default() })
}

pub(crate) fn work(arguments: Value) -> (&'static str, &'static str, Value) {
    ("box", "work", arguments)
}

/// What a person sees once there is something to see.
pub(crate) async fn shown(approvals: &Approvals) -> Arc<Sheet> {
    let mut changes = approvals.watch();
    loop {
        changes.borrow_and_update();
        if let Some(sheet) = approvals.open().first() {
            return Arc::clone(sheet);
        }
        changes.changed().await.unwrap();
    }
}

async fn answer(approvals: &Approvals, said: Said) -> Arc<Sheet> {
    let sheet = shown(approvals).await;
    approvals.answer(&sheet.id, said).unwrap();
    sheet
}

pub(crate) fn value(report: &RunReport) -> Value {
    match &report.outcome {
        Outcome::Value(Some(value)) => value.to_value(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_person_allows_is_sent_once_and_one_that_they_refuse_never() {
    for (said, sent, told) in [
        (Said::Once, 1, json!([1, 1])),
        (Said::No, 0, json!([1, "denied", "not approved: a person said no (a test asks)"])),
    ] {
        let approvals = approvals();
        let play = Play { calls: vec![work(json!({ "n": 1 }))], ..Play::default() };
        let world = world(approvals.clone(), play, Limits::default());
        let (report, sheet) = tokio::join!(world.run(), answer(&approvals, said));
        assert_eq!(value(&report)[0], told);
        assert_eq!(world.upstream.received.lock().unwrap().len(), sent);
        let question = sheet.first();
        assert_eq!((question.reason.as_str(), question.line), ("a test asks", Some(1)));
        assert_eq!(question.script.as_deref(), Some("box"));
        assert_eq!(
            (question.subject().as_str(), question.principal.as_str()),
            ("box.work", "someone unnamed")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_stays_on_behalf_of_whom_it_was_begun_for_when_its_conversation_goes_on_with_another() {
    let approvals = approvals();
    let play = Play { calls: vec![work(json!({ "n": 1 }))], ..Play::default() };
    let world = world(approvals.clone(), play, Limits::default());
    world.session.set_client("ann".into());
    let person = async {
        let sheet = shown(&approvals).await;
        world.session.set_client("bob".into());
        approvals.answer(&sheet.id, Said::Once).unwrap();
        sheet
    };
    let (report, sheet) = tokio::join!(world.run(), person);
    assert_eq!((sheet.principal().as_str(), &value(&report)[0]), ("ann", &json!([1, 1])));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_taken_up_asks_on_behalf_of_whom_it_was_begun_for() {
    let store = Arc::new(MemoryStore::new());
    let among = |approvals: &Arc<Approvals>| {
        let play = Play { calls: vec![work(json!({ "n": 1 }))], ..Play::default() };
        let (approver, policy) = (Arc::clone(approvals) as _, Arc::new(Rule(asks)));
        World::new(Setting { approver, policy, play, store: Arc::clone(&store) as _, ..Setting::default() })
    };
    let (before, after) = (approvals(), approvals());
    let first = among(&before);
    first.session.set_client("ann".into());
    let id = first.session.next_run();
    let request = RunRequest { id: Some(id.clone()), code: "box".to_owned(), ..RunRequest::default() };
    tokio::select! {
        report = first.runtime.run(&first.session, request, CancellationToken::new()) => panic!("{report:?}"),
        _ = shown(&before) => {}
    }
    store.release(&Lease::first(id.clone())).await.unwrap();
    let second = among(&after);
    let taken = second.runtime.take(&id).await.unwrap();
    let progress = watch::Sender::new(Progress::default());
    let run = second.runtime.go_on(&second.session, taken, progress, CancellationToken::new());
    let (report, sheet) = tokio::join!(run, answer(&after, Said::Once));
    assert_eq!((sheet.principal().as_str(), &value(&report)[0]), ("ann", &json!([1, 1])));
    assert_eq!(second.upstream.received.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_clock_the_wall_limit_and_the_guests_timers_stand_still_while_only_a_person_is_waited_for() {
    let approvals = approvals();
    let limits = Limits { wall: Duration::from_secs(10), ..Limits::default() };
    let play = Play {
        calls: vec![work(json!({ "n": 1 })), work(json!({ "n": 2, "word": "aa", "wait_ms": 2_000 }))],
        timer: Some(Duration::from_secs(5)),
        ..Play::default()
    };
    let world = world(approvals.clone(), play, limits);
    let person = async {
        let sheet = shown(&approvals).await;
        // Less than a question stays open.
        tokio::time::sleep(Duration::from_secs(80_000)).await;
        approvals.answer(&sheet.id, Said::Once).unwrap();
    };
    let (report, ()) = tokio::join!(world.run(), person);
    value(&report);
    let events = world.events(&report).await;
    let folded = fold(&events).unwrap();
    let at: Vec<(u64, bool)> = folded
        .deliveries
        .iter()
        .map(|delivery| (delivery.at.0.as_secs(), matches!(delivery.what, Delivered::Timer)))
        .collect();
    // The free call took two seconds of the run, the person none, and the timer fired three seconds after the answer.
    assert_eq!(at, [(2, false), (2, false), (5, true)]);
    // The guest sees the same moments again, so it waits for the timer and ends as it did.
    let replayed = replay(world.runtime.engines(), &folded).await.unwrap();
    assert_eq!((&replayed.asked, &replayed.ending), (&folded.asked, &folded.ending));
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_goes_on_while_anything_else_is_waited_for() {
    let approvals = approvals();
    let limits = Limits { wall: Duration::from_secs(10), ..Limits::default() };
    let play = Play {
        calls: vec![work(json!({ "n": 1 })), work(json!({ "word": "aa", "hang": true }))],
        ..Play::default()
    };
    let world = world(approvals.clone(), play, limits);
    let report = world.run().await;
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failure.kind, FailureKind::Limit(Limit::Wall));
    assert_eq!(approvals.open(), [], "the question went with its run");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_person_takes_no_slot_and_says_that_it_waits() {
    let approvals = approvals();
    let limits = Limits { concurrent_calls: 1, ..Limits::default() };
    let play = Play {
        calls: vec![work(json!({ "n": 1 })), work(json!({ "n": 2, "word": "aa" })), work(json!({ "n": 3 }))],
        ..Play::default()
    };
    let world = world(approvals.clone(), play, limits);
    let progress = watch::Sender::new(Progress::default());
    let mut seen = progress.subscribe();
    let request = RunRequest { code: "box".to_owned(), progress, ..RunRequest::default() };
    let run = world.runtime.run(&world.session, request, CancellationToken::new());
    let person = async {
        let stands = *seen.wait_for(|progress| progress.stands).await.unwrap();
        let sheet = shown(&approvals).await;
        approvals.answer(&sheet.id, Said::Once).unwrap();
        (stands, sheet)
    };
    let (report, (stands, sheet)) = tokio::join!(run, person);
    let expected = Progress { calls_made: 3, calls_done: 1, calls_asking: 2, stands: true, queued: false };
    assert_eq!(stands, expected);
    assert_eq!(sheet.questions.len(), 2, "one question with a list");
    assert_eq!(value(&report).as_array().unwrap().len(), 3);
    assert_eq!(world.upstream.received.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_any_script_stands_still_too() {
    let approvals = approvals();
    let limits = Limits { wall: Duration::from_secs(10), ..Limits::default() };
    let world = world(approvals.clone(), Play::default(), limits);
    let request = ToolRequest {
        id: None,
        namespace: "box".to_owned(),
        tool: "work".to_owned(),
        client: None,
        reader: Reader::Asker,
        arguments: json!({ "n": 7 }).into(),
        advances: None,
    };
    let person = async {
        let sheet = shown(&approvals).await;
        tokio::time::sleep(Duration::from_secs(1_000)).await;
        approvals.answer(&sheet.id, Said::Once).unwrap();
        sheet
    };
    let (report, sheet) =
        tokio::join!(world.runtime.call(&world.session, request, CancellationToken::new()), person);
    assert_eq!(report.outcome, ToolOutcome::Value(json!(7).into()));
    assert_eq!(sheet.first().script, None);
    let folded = fold(&world.store.read(&report.id).await.unwrap()).unwrap();
    let sent = folded.intents.values().map(|intent| intent.at.0.as_secs());
    let answered = folded.deliveries.iter().map(|delivery| delivery.at.0.as_secs());
    assert_eq!((sent.collect::<Vec<_>>(), answered.collect::<Vec<_>>()), (vec![0], vec![0]), "by one clock");
}

/// Gives every question the answer that the first one got, and lets it hold for anything.
struct Reused {
    real: Arc<Approvals>,
    first: Mutex<Option<Answer>>,
    lenient: bool,
}

impl Approver for Reused {
    fn ask(&self, question: Question) -> BoxFuture<'_, Answer> {
        async move {
            let known = self.first.lock().unwrap().clone();
            if let Some(answer) = known {
                return answer;
            }
            let answer = self.real.ask(question).await;
            self.first.lock().unwrap().get_or_insert(answer).clone()
        }
        .boxed()
    }

    fn holds(&self, approval: &Approval, scope: &Scope, operation: &Operation) -> bool {
        self.lenient || self.real.holds(approval, scope, operation)
    }
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_of_one_call_whatever_the_approver_says() {
    for (lenient, told) in [
        (true, "not sent: what a person allowed has been used up by another call"),
        (false, "not approved: what a person allowed is not this call, or is too long ago"),
    ] {
        let real = approvals();
        let reused = Reused { real: real.clone(), first: Mutex::default(), lenient };
        let play = Play { calls: vec![work(json!({ "n": 1 }))], ..Play::default() };
        let world = world(Arc::new(reused), play, Limits::default());
        let (first, _) = tokio::join!(world.run(), answer(&real, Said::Once));
        assert_eq!(value(&first)[0], json!([1, 1]));
        let second = world.run().await;
        assert_eq!(value(&second)[0], json!([1, "denied", told]));
        assert_eq!(world.upstream.received.lock().unwrap().len(), 1);
        let recorded = world.events(&second).await;
        assert!(!recorded.iter().any(|event| matches!(event, Event::Intended(_))), "{recorded:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_run_takes_its_questions_back() {
    let approvals = approvals();
    let play = Play { calls: vec![work(json!({ "n": 1 }))], ..Play::default() };
    let world = world(approvals.clone(), play, Limits::default());
    let cancel = CancellationToken::new();
    let person = async {
        let sheet = shown(&approvals).await;
        cancel.cancel();
        sheet
    };
    let (report, sheet) = tokio::join!(world.run_until(cancel.clone()), person);
    let Outcome::Failed(failure) = &report.outcome else { panic!("{report:?}") };
    assert_eq!(failure.kind, FailureKind::Cancelled);
    assert!(approvals.answer(&sheet.id, Said::Once).is_err());
    assert_eq!(*world.upstream.received.lock().unwrap(), Vec::<Value>::new());
}
