//! What is judged before a run by others than the script's own checks: policy, and checkers of types.

use std::sync::{Arc, Mutex};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    Language,
    policy::{PolicyText, RuleText, Rulebook, Word},
    ports::types::{TypeChecker, TypeChecks, TypeMistake, Typed, Unchecked},
    run::{FailureKind, Outcome, RunReport},
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Play, Setting, World};

/// `box.work` is denied, and `box.look` with some arguments.
fn no_work() -> Rulebook {
    let rule = |tools: &str, when: Option<&str>, verdict| RuleText {
        tools: Some(vec![tools.to_owned()]),
        when: when.map(str::to_owned),
        verdict,
        reason: Some("nobody works today".to_owned()),
    };
    let rules = vec![
        rule("box.work", None, Word::Deny),
        rule("box.look", Some("arguments.n == 13"), Word::Deny),
        rule("box.*", None, Word::Allow),
    ];
    Rulebook::read(PolicyText { rules, ..PolicyText::default() }).unwrap()
}

fn told(report: &RunReport) -> Vec<String> {
    let Outcome::NotRun(findings) = &report.outcome else { panic!("{:?}", report.outcome) };
    findings.iter().map(|finding| format!("{} {}", finding.position, finding.message)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_tool_that_policy_denies_outright_is_told_before_anything_runs() {
    let world = World::new(Setting { policy: Arc::new(no_work()), ..Setting::default() });
    for (script, at) in [
        ("await box.work({ n: 1 })", "1:11"),
        ("const { work } = box;\nawait work({ n: 1 })", "1:9"),
        ("await box.work(n=1)\nNone", "1:11"),
    ] {
        let report = world.run_script(script, None, CancellationToken::new()).await;
        assert_eq!(
            told(&report),
            [format!("{at} box.work is denied by policy: nobody works today (rule 1)")],
            "{script}"
        );
    }
    for script in ["await box.look({ n: 1 })", "try { await box.work({ n: 1 }) } catch {}"] {
        let report = world.run_script(script, None, CancellationToken::new()).await;
        assert!(matches!(report.outcome, Outcome::Value(_)), "{script}: {:?}", report.outcome);
    }
    assert!(world.upstream.received.lock().unwrap().is_empty());
}

/// Answers as told, and remembers what it was asked.
struct Fake {
    answer: Result<Vec<TypeMistake>, Unchecked>,
    asked: Mutex<Vec<Typed>>,
}

impl TypeChecker for Fake {
    fn check(&self, typed: Typed) -> BoxFuture<'static, Result<Vec<TypeMistake>, Unchecked>> {
        self.asked.lock().unwrap().push(typed);
        let answer = self.answer.clone();
        async move { answer }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn an_upstream_that_has_not_listed_its_tools_may_have_any() {
    for (script, expected) in
        [("box.x\nreturn 1", "declare const box: any;"), ("import json\nbox.x\n1", "box: Any")]
    {
        let mut world = World::new(Setting { listed: false, ..Setting::default() });
        let fake = Arc::new(Fake { answer: Ok(Vec::new()), asked: Mutex::default() });
        let checks = TypeChecks { checker: Arc::clone(&fake) as _, required: true };
        world.runtime = world.runtime.with_types(checks);
        world.run_script(script, None, CancellationToken::new()).await;
        let asked = fake.asked.lock().unwrap();
        assert!(asked[0].text.lines().any(|line| line == expected), "{asked:?}");
    }
}

async fn checked(
    script: &str,
    answer: Result<Vec<TypeMistake>, Unchecked>,
    required: bool,
) -> (RunReport, Vec<Typed>, usize) {
    let play = Play { calls: vec![("box", "work", json!({"n": 1}))], ..Play::default() };
    let mut world = World::new(Setting { play, ..Setting::default() });
    let fake = Arc::new(Fake { answer, asked: Mutex::default() });
    let checks = TypeChecks { checker: Arc::clone(&fake) as _, required };
    world.runtime = world.runtime.with_types(checks);
    let report = world.run_script(script, None, CancellationToken::new()).await;
    let asked = std::mem::take(&mut *fake.asked.lock().unwrap());
    let sent = world.upstream.received.lock().unwrap().len();
    (report, asked, sent)
}

fn mistake() -> Vec<TypeMistake> {
    vec![TypeMistake { line: 2, column: 3, message: "a number is no string".to_owned() }]
}

#[tokio::test(start_paused = true)]
async fn a_script_whose_types_must_be_right_and_are_not_does_not_run() {
    for script in ["const n: number = 1;\nawait box.work({ n })", "```py\nn = 1\nawait box.work(n=n)\n```"] {
        let (report, asked, sent) = checked(script, Ok(mistake()), true).await;
        assert_eq!(told(&report), ["2:3 type check: a number is no string"], "{script}");
        assert_eq!((asked.len(), sent), (1, 0));
        let (report, _, sent) = checked(script, Ok(Vec::new()), true).await;
        assert!(matches!(report.outcome, Outcome::Value(_)), "{:?}", report.outcome);
        assert_eq!(sent, 1);
        let nobody = Err(Unchecked { reason: "there is no checker".to_owned() });
        let (report, _, sent) = checked(script, nobody, true).await;
        let Outcome::Failed(failure) = &report.outcome else { panic!("{:?}", report.outcome) };
        let reason = "types must be checked (setting `typeCheck`), but there is no checker";
        assert_eq!((&failure.kind, sent), (&FailureKind::Internal(reason.to_owned()), 0));
    }
}

#[tokio::test(start_paused = true)]
async fn beside_a_run_that_ends_well_types_change_nothing() {
    for answer in [Ok(mistake()), Err(Unchecked { reason: "none".to_owned() })] {
        let (report, _, sent) = checked("await box.work({ n: 1 })", answer, false).await;
        assert!(matches!(report.outcome, Outcome::Value(_)), "{:?}", report.outcome);
        assert_eq!((report.hints.len(), sent), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_checker_gets_the_script_with_the_tools_that_it_names_and_no_others() {
    let (_, asked, _) =
        checked("const n: number = 1;\nreturn await box.work({ n })", Ok(Vec::new()), true).await;
    let [Typed { language, text, before, lines }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((*language, *before, *lines), (Language::TypeScript, 1, 2));
    assert!(
        text.lines().nth(1).unwrap() == "const n: number = 1;" && text.contains("declare const box"),
        "{text}"
    );
    assert!(text.contains("work(input?: {") && !text.contains("look("), "{text}");
    let (_, asked, _) = checked("import json\njson.dumps(await box.look(n=1))", Ok(Vec::new()), true).await;
    let [Typed { language, text, before, lines }] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((*language, *lines), (Language::Python, 2));
    assert_eq!(text.lines().nth(*before as usize), Some("import json"), "{text}");
    assert!(text.contains("async def look(") && !text.contains("async def work("), "{text}");
}
