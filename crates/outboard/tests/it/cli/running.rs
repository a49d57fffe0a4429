//! `outboard run`.

use std::process::Stdio;

use outboard_testkit::{client::eventually, processes};
use serde_json::json;

use super::{Person, Said};
use crate::harness::{Session, fixture};

#[test]
fn a_result_is_printed_exactly_as_a_model_sees_it() {
    let mut session = Session::with(&[]);
    let person = Person::with(&[]);
    for code in [
        "return { sum: (await fix.add({ a: 1, b: 2 })).sum, list: [1, 'two', null] }",
        "console.log('counted'); return 'plain\\ntext'",
        "```ts\nconst n: number = 2; return n\n```",
        "await fix.image()",
        "console.warn('only this')",
        "const nothing = 1",
        "return '\\u001b[31mred\\u202e'",
    ] {
        let seen = session.client.execute(code);
        assert_eq!(person.runs(code).fine(), format!("{seen}\n"), "{code}");
    }
    let file = person.file("script.ts", "return 1 + 1");
    assert_eq!(person.says(&["run", file.to_str().unwrap()]).fine(), "2\n");
}

#[test]
fn a_failure_is_an_error_with_the_models_text_and_exit_code_one() {
    let mut session = Session::with(&[]);
    let person = Person::with(&[]);
    for code in [
        "await fix.count({ note: 'a' });\nawait fix.fail({ message: 'no such channel' })",
        "return missing",
        "return 1 +",
        "await new Promise(() => {})",
        "await fix.ad({ a: 1 })",
    ] {
        let seen = session.client.failing(code);
        let said = person.runs(code);
        assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{said:?}");
        assert_eq!(said.err, format!("error: {seen}\n"), "{code}");
    }
    let said = person.runs("console.log('so far');\nthrow new Error('no more')");
    assert_eq!(said.err.lines().next(), Some("console:"), "{said:?}");
    said.check(1, &["so far\nerror: failed at 2:"]);
}

#[test]
fn one_object_for_a_machine() {
    let person = Person::with(&[]);
    let json = |code: &str| {
        let said = person.given(code, &["run", "--json", "-"]);
        let mut object = said.json();
        object.as_object_mut().unwrap().remove("run");
        (said.code, object, said.err)
    };
    assert_eq!(
        json("console.log('hi'); await fix.count({ note: 'a' }); return [1]"),
        (
            Some(0),
            json!({
                "ok": true, "value": [1], "console": [{"level": "log", "text": "hi"}], "consoleBytesDropped": 0,
                "effects": [{"namespace": "fix", "tool": "count", "line": 1, "certain": true}],
                "text": "[1]\nconsole:\nhi",
            }),
            String::new()
        )
    );
    let (code, object, err) = json("\nawait fix.fail({ message: 'm' })");
    assert_eq!((code, err.as_str()), (Some(1), ""));
    assert_eq!((&object["ok"], &object["value"]), (&json!(false), &json!(null)));
    let failure = &object["failure"];
    assert_eq!(
        (&failure["kind"], &failure["tool"], &failure["code"], &failure["line"]),
        (&json!("tool"), &json!("fix.fail"), &json!("tool_error"), &json!(2))
    );
    assert_eq!((&object["error"]["exitCode"], &object["error"]["message"]), (&json!(1), &object["text"]));
    let (code, object, _) = json("return 1 +");
    assert_eq!(code, Some(1));
    assert_eq!(object["notRun"][0]["line"], 1, "{object}");
    let (code, object, _) = json("const big = await fix.big({ bytes: 200000, form: 'records' }); return big");
    assert_eq!(code, Some(0));
    assert_eq!(object["value"]["records"].as_array().unwrap().len(), 2_000, "a machine gets the whole value");
}

#[test]
fn a_long_result_is_cut_to_the_tokens_asked_for_and_says_where_the_whole_is() {
    let person = Person::with(&[]);
    let said = person
        .given("return Array.from({ length: 5000 }, (_, n) => n)", &["run", "--max-tokens", "200", "-"]);
    assert!(said.fine().len() < 2_000 && said.out.contains("[cut to 200 tokens"), "{said:?}");
    assert!(said.out.trim_end().ends_with("the whole value (23 kB) is printed by --json]"), "{said:?}");
}

#[test]
fn only_upstreams_that_a_script_uses_are_started() {
    let folder = tempfile::tempdir().unwrap();
    let log = |name: &str| folder.path().join(name).display().to_string();
    let (used, unused) = (log("used"), log("unused"));
    let person = Person::of(&[
        ("used", fixture(&["--log", &used])),
        ("unused", fixture(&["--never-start", "--ignore-eof", "--log", &unused])),
    ]);
    assert_eq!(person.runs("return 1 + 1").fine(), "2\n");
    assert!(!std::fs::exists(&used).unwrap(), "nothing of it was wanted");
    assert_eq!(person.runs("return (await used.add({ a: 1, b: 2 })).sum").fine(), "3\n");
    // A name that is only put together when the script runs.
    assert_eq!(person.runs("return (await globalThis['us' + 'ed'].add({ a: 2, b: 2 })).sum").fine(), "4\n");
    assert!(std::fs::exists(&used).unwrap() && !std::fs::exists(&unused).unwrap());
}

#[test]
fn a_script_that_searches_finds_what_was_never_listed() {
    let person = Person::with(&["--slow-start", "1500"]);
    assert_eq!(person.runs("return (await tools.search('adds two numbers'))[0].name").fine(), "fix.add\n");
}

#[test]
fn what_cannot_be_read_is_a_wrong_command_line() {
    let person = Person::with(&[]);
    person.says(&["run", "missing.ts"]).check(2, &["error: could not read missing.ts: "]);
    person.says(&["run"]).check(2, &["FILE"]);
    person.says(&["run", "--max-tokens", "many", "-"]).check(2, &["--max-tokens"]);
}

#[test]
fn an_interrupt_cancels_the_calls_and_leaves_no_process_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (log, grandchild) = (folder.path().join("log"), folder.path().join("pid"));
    let stubborn = ["--ignore-eof", "--ignore-term", "--grandchild", grandchild.to_str().unwrap()];
    let person = Person::with(&[&stubborn[..], &["--log", log.to_str().unwrap()]].concat());
    let script = person.file("script.ts", "await fix.count({ note: 'a' });\nawait fix.silent()");
    for (arguments, says) in [(&["run"][..], "cancelled"), (&["run", "--json"], "")] {
        let _ = std::fs::remove_file(&log);
        let mut command = person.command(&[arguments, &[script.to_str().unwrap()]].concat());
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the call is in flight", || {
            std::fs::read_to_string(&log).is_ok_and(|log| log.contains("silent"))
        });
        let upstreams = processes::children_of(child.id());
        let grandchild: u32 = std::fs::read_to_string(&grandchild).unwrap().parse().unwrap();
        processes::signal(child.id(), "INT");
        let said = Said::from(child.wait_with_output().unwrap());
        said.check(130, &[says]);
        if says.is_empty() {
            assert_eq!(said.json()["failure"]["kind"], "cancelled");
        } else {
            said.check(130, &["already done before this: fix.count × 1"]);
        }
        assert!(std::fs::read_to_string(&log).unwrap().contains("notifications/cancelled"));
        assert!(!upstreams.is_empty());
        assert!(upstreams.iter().chain([&grandchild]).all(|pid| !processes::is_alive(*pid)));
    }
}
