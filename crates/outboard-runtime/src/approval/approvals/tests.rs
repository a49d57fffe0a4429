//! Questions from the call that asks to the person's answer: what is one question, what an answer covers, what changes
//! nothing. Nobody is shown anything.

use super::*;
use crate::{catalogue::Annotations, json::Json, operation::ToolCall};

/// A question about `slack.post` with these arguments.
pub(in crate::approval) fn question(request: u32, arguments: &str) -> Question {
    Question {
        operation: Operation::CallTool(ToolCall {
            upstream: "slack".into(),
            namespace: "slack".into(),
            tool: "post".into(),
            arguments: Json::parse(arguments).unwrap(),
        }),
        annotations: Annotations { destructive_hint: Some(true), ..Annotations::default() },
        vouched: true,
        rule: None,
        reason: "the tool is declared destructive".to_owned(),
        remedy: None,
        run: "r1-tag".into(),
        request: crate::ids::RequestId(request),
        line: Some(2),
        script: Some("const a = 1\nawait slack.post({})\n".into()),
        so_far: super::super::SoFar::default(),
        principal: "claude-code".into(),
        proved: false,
    }
}

pub(in crate::approval) fn sheet(arguments: &[&str]) -> Sheet {
    Sheet {
        format: FORMAT,
        id: "abc234".into(),
        questions: (1..).zip(arguments).map(|(request, arguments)| question(request, arguments)).collect(),
        calls: 5,
        expires: WallTime(1_000_000),
    }
}

struct Noon;

impl Clock for Noon {
    fn wall(&self) -> WallTime {
        WallTime(1_700_000_000_000)
    }
}

fn approvals() -> Arc<Approvals> {
    Arc::new(Approvals::new(SigningKey::random(), Arc::new(Noon), Reach::Somebody))
}

/// Asks in a task of its own.
fn ask(approvals: &Arc<Approvals>, question: Question) -> tokio::task::JoinHandle<Answer> {
    let approvals = Arc::clone(approvals);
    tokio::spawn(async move { approvals.ask(question).await })
}

/// What a person sees once there is something to see.
async fn shown(approvals: &Approvals) -> Arc<Sheet> {
    let mut changes = approvals.watch();
    loop {
        changes.borrow_and_update();
        if let Some(sheet) = approvals.open().first() {
            return Arc::clone(sheet);
        }
        changes.changed().await.unwrap();
    }
}

fn allowed(answer: &Answer) -> &Approval {
    match answer {
        Answer::Allowed(approval) => approval,
        Answer::Refused(why) | Answer::Nobody(why) => panic!("refused: {why}"),
    }
}

fn holds(approvals: &Approvals, answer: &Answer, question: &Question) -> bool {
    approvals.holds(allowed(answer), &question.scope(), &question.operation)
}

#[tokio::test(start_paused = true)]
async fn questions_that_come_up_together_are_one_and_each_gets_an_approval_of_its_own() {
    let approvals = approvals();
    let asking = [1, 2].map(|n| ask(&approvals, question(n, &format!("{{\"n\":{n}}}"))));
    let sheet = shown(&approvals).await;
    assert_eq!(sheet.questions.len(), 2);
    approvals.answer(&sheet.id, Said::Once).unwrap();
    let [one, other] = asking;
    let (one, other) = (one.await.unwrap(), other.await.unwrap());
    let questions = [question(1, "{\"n\":1}"), question(2, "{\"n\":2}")];
    let held = |answer: &Answer| questions.clone().map(|question| holds(&approvals, answer, &question));
    assert_eq!((held(&one), held(&other)), ([true, false], [false, true]));
    assert_ne!(allowed(&one).spending(), allowed(&other).spending());
    assert_eq!(approvals.open(), []);
}

#[tokio::test(start_paused = true)]
async fn an_approval_is_of_the_exact_arguments_the_run_and_the_principal() {
    let approvals = approvals();
    let asking = ask(&approvals, question(1, "{\"n\":1}"));
    approvals.answer(&shown(&approvals).await.id, Said::Once).unwrap();
    let answer = asking.await.unwrap();
    for change in [
        |_: &mut Question| (),
        |question: &mut Question| *question = self::question(1, "{\"n\":2}"),
        |question: &mut Question| *question = self::question(1, "{\"n\": 1}"),
        |question: &mut Question| question.run = "r2-tag".into(),
        |question: &mut Question| question.principal = "other".into(),
    ] {
        let mut changed = question(1, "{\"n\":1}");
        change(&mut changed);
        let same = changed == question(1, "{\"n\":1}");
        assert_eq!(holds(&approvals, &answer, &changed), same, "{changed:?}");
    }
    let stranger = self::approvals();
    assert!(!holds(&stranger, &answer, &question(1, "{\"n\":1}")), "another key");
}

#[tokio::test(start_paused = true)]
async fn in_this_run_allows_as_many_calls_as_were_shown_and_then_asks_again() {
    let approvals = approvals();
    let first = ask(&approvals, question(1, "{}"));
    approvals.answer(&shown(&approvals).await.id, Said::InRun).unwrap();
    let spending = allowed(&first.await.unwrap()).spending();
    assert_eq!(spending.uses, CALLS);
    for n in 2..=CALLS {
        let answer = approvals.ask(question(n, &format!("{{\"n\":{n}}}"))).await;
        assert_eq!(allowed(&answer).spending(), spending);
    }
    let more = ask(&approvals, question(9, "{}"));
    approvals.answer(&shown(&approvals).await.id, Said::No).unwrap();
    assert_eq!(more.await.unwrap(), Answer::Refused("a person said no".to_owned()));
    let mut elsewhere = question(10, "{}");
    elsewhere.run = "r2-tag".into();
    let asking = ask(&approvals, elsewhere);
    assert_eq!(shown(&approvals).await.run().as_str(), "r2-tag");
    asking.abort();
}

#[tokio::test(start_paused = true)]
async fn in_this_run_does_not_cover_what_is_asked_for_another_reason() {
    let approvals = approvals();
    let first = ask(&approvals, question(1, "{}"));
    approvals.answer(&shown(&approvals).await.id, Said::InRun).unwrap();
    allowed(&first.await.unwrap());
    let mut leaking = question(2, "{}");
    leaking.reason.push_str("; this session has read private data");
    let asking = ask(&approvals, leaking.clone());
    assert_eq!(shown(&approvals).await.questions, [leaking]);
    asking.abort();
}

#[tokio::test(start_paused = true)]
async fn a_second_question_about_a_tool_waits_until_the_first_is_answered() {
    let approvals = approvals();
    let first = ask(&approvals, question(1, "{\"n\":1}"));
    let sheet = shown(&approvals).await;
    let second = ask(&approvals, question(2, "{\"n\":2}"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(approvals.open().len(), 1);
    approvals.answer(&sheet.id, Said::No).unwrap();
    first.await.unwrap();
    let next = shown(&approvals).await;
    assert_eq!(next.first().request.0, 2);
    approvals.answer(&next.id, Said::Once).unwrap();
    allowed(&second.await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_given_up_takes_its_question_back() {
    let approvals = approvals();
    let asking = ask(&approvals, question(1, "{}"));
    let sheet = shown(&approvals).await;
    asking.abort();
    let _ = asking.await;
    assert_eq!(approvals.open(), []);
    assert!(approvals.answer(&sheet.id, Said::Once).is_err());
}

#[tokio::test(start_paused = true)]
async fn forged_stale_and_used_answers_change_nothing() {
    let key = SigningKey::random();
    let approvals = Arc::new(Approvals::new(key.clone(), Arc::new(Noon), Reach::Somebody));
    let asking = ask(&approvals, question(1, "{}"));
    let sheet = shown(&approvals).await;
    let now = Noon.wall();
    let forged = token::answer(&SigningKey::random(), &sheet, Said::Once, now);
    let stale = token::answer(&key, &sheet, Said::Once, WallTime(0));
    let mut changed = (*sheet).clone();
    changed.questions[0] = question(1, "{\"all\":true}");
    let other = token::answer(&key, &changed, Said::Once, now);
    let ticket = approvals.ticket(&sheet);
    for (token, why) in [
        (&forged, BadToken::Forged),
        (&stale, BadToken::Stale),
        (&other, BadToken::Elsewhere),
        (&ticket, BadToken::Elsewhere),
    ] {
        assert_eq!(approvals.accept(token), Err(why));
    }
    assert_eq!(approvals.open().len(), 1);
    let good = token::answer(&key, &sheet, Said::Once, now);
    assert_eq!(approvals.accept(&good), Ok(()));
    assert_eq!(approvals.accept(&good), Err(BadToken::Elsewhere));
    allowed(&asking.await.unwrap());
    let (run, question, principal) = (sheet.run().clone(), sheet.id.clone(), sheet.principal().clone());
    assert_eq!(approvals.read_ticket(&ticket), Ok(Ticket { run, question, principal }));
    assert_eq!(approvals.read_ticket(&good), Err(BadToken::Elsewhere));
    assert_eq!(self::approvals().read_ticket(&ticket), Err(BadToken::Forged));
}

/// Writes the rule when it is let, as a file does that somebody else has locked.
struct Locked(Mutex<std::sync::mpsc::Receiver<()>>);

impl Rules for Locked {
    fn allow(&self, sheet: &Sheet) -> Result<String, String> {
        let let_go = self.0.lock().unwrap().recv_timeout(Duration::from_secs(20));
        let_go.map_err(|error| error.to_string()).map(|()| format!("{} runs", sheet.subject()))
    }
}

#[tokio::test(start_paused = true)]
async fn always_waits_for_a_locked_file_and_nobody_else_does() {
    for (closed_meanwhile, told) in
        [(false, "slack.post runs"), (true, "slack.post runs. The question itself was closed meanwhile")]
    {
        let (let_go, locked) = std::sync::mpsc::sync_channel(1);
        let approvals = Approvals::new(SigningKey::random(), Arc::new(Noon), Reach::Somebody);
        let approvals = Arc::new(approvals.with_rules(Arc::new(Locked(Mutex::new(locked)))));
        let asking = ask(&approvals, question(1, "{}"));
        let sheet = shown(&approvals).await;
        let others = async {
            if closed_meanwhile {
                approvals.answer(&sheet.id, Said::No).unwrap();
            }
            let_go.send(()).unwrap();
        };
        let (answered, ()) = tokio::join!(approvals.answer_always(&sheet.id), others);
        assert_eq!(answered.unwrap(), told);
        assert_eq!(matches!(asking.await.unwrap(), Answer::Allowed(_)), !closed_meanwhile);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shown_whole_is_refused_and_nobody_there_is_a_no() {
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(50_000));
    let Answer::Refused(why) = approvals().ask(question(1, &long)).await else { panic!("allowed") };
    assert!(why.starts_with("its arguments take 50"), "{why}");
    // What a person has to be warned of counts too.
    let mixed = format!("{{\"text\":\"{}\"}}", "a\u{430}".repeat(4_000));
    let answer = approvals().ask(question(1, &mixed)).await;
    assert!(matches!(answer, Answer::Refused(_)), "{answer:?}");
    let reach = Reach::Nobody("there is no terminal here".to_owned());
    let nobody = Approvals::new(SigningKey::random(), Arc::new(Noon), reach);
    let answer = nobody.ask(question(1, "{}")).await;
    assert_eq!(answer, Answer::Nobody("there is no terminal here".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn more_than_can_be_shown_at_once_is_asked_in_parts() {
    let approvals = approvals();
    let long = |n: u32| format!("{{\"text\":\"{n}{}\"}}", "x".repeat(15_000));
    let asking: Vec<_> = (1..=5).map(|n| ask(&approvals, question(n, &long(n)))).collect();
    let mut parts = Vec::new();
    for _ in 0..3 {
        let sheet = shown(&approvals).await;
        parts.push(sheet.questions.len());
        approvals.answer(&sheet.id, Said::Once).unwrap();
    }
    assert_eq!(parts, [2, 2, 1]);
    for answer in asking {
        allowed(&answer.await.unwrap());
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_is_over_after_a_day() {
    let approvals = approvals();
    let answer = approvals.ask(question(1, "{}")).await;
    assert_eq!(answer, Answer::Nobody("no answer within 24 hours".to_owned()));
    assert_eq!(approvals.open(), []);
}
