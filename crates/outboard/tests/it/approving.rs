//! A question of a running `serve`, answered in another terminal: only at one, only with the code shown there, only once.

use std::{
    io::{BufReader, Read as _, Write as _},
    process::{Child, Stdio},
};

use outboard_testkit::{client::eventually, processes};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, Session, fixture};

/// A client whose person cannot be asked, and a run of it that waits for one.
fn waiting() -> (Session, String) {
    let policy = json!({ "rules": [{ "tools": "fix.add", "verdict": "ask", "reason": "a test asks" }] });
    let mut session = Session::of(&[("fix", fixture(&[]))], json!({ "policy": policy }));
    let text = session.client.execute("(await fix.add({ a: 1, b: 2 })).sum");
    assert!(
        text.starts_with("waiting for approval: fix.add {\"a\":1,\"b\":2} (line 1). Run r1 is kept"),
        "{text}"
    );
    let id = question(&text);
    (session, id)
}

/// The question of which a client is told.
fn question(text: &str) -> String {
    let after = text.split("outboard approve ").nth(1).unwrap_or_else(|| panic!("no question: {text}"));
    after.chars().take_while(char::is_ascii_alphanumeric).collect()
}

impl Session {
    /// Runs a command that has no terminal.
    fn detached(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let mut all = vec!["--wait", OUTBOARD];
        all.extend_from_slice(arguments);
        let output = self.home.command("setsid", &all).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code(), text)
    }

    /// Runs a command at a terminal of its own, and types what `typed` makes of the code that is shown there. What is typed
    /// sooner than a person reads is asked for again, and typed again.
    fn at_terminal(&self, command: &str, typed: impl Fn(&str) -> String) -> String {
        let mut child = self.terminal(command);
        let mut input = child.stdin.take().unwrap();
        let mut shown = String::new();
        let mut asked = 0;
        for byte in BufReader::new(child.stdout.take().unwrap()).bytes().map_while(Result::ok) {
            shown.push(char::from(byte));
            let question = &shown[asked..];
            if question.contains(", type ") && question.ends_with(": ") {
                let code = &question[question.len() - 6..question.len() - 2];
                // It may have ended meanwhile.
                let _ = writeln!(input, "{}", typed(code));
                asked = shown.len();
            }
        }
        child.wait().unwrap();
        shown
    }

    /// A command at a terminal of its own.
    fn terminal(&self, command: &str) -> Child {
        let line = format!("exec {OUTBOARD} {command}");
        let mut script = self.home.command("script", &["-qfec", &line, "/dev/null"]);
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// What `outboard NAME --json` lists.
    fn listed(&self, command: &str, name: &str) -> Vec<Value> {
        let text = self.detached(&[command, "--json"]).1;
        let listed: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{text}"));
        listed[name].as_array().unwrap().clone()
    }
}

/// The end of what is shown when a run asks at its terminal.
const PROMPT: &str = "[s] show the script ";

/// Reads what a terminal shows until this stands there, and types an answer whenever it is asked for one: what is typed
/// sooner than a person reads is asked for again.
fn read_until(terminal: &mut Child, wanted: &str, answer: &str) -> String {
    let mut shown = String::new();
    let mut byte = [0];
    while !shown.contains(wanted) && matches!(terminal.stdout.as_mut().unwrap().read(&mut byte), Ok(1)) {
        shown.push(char::from(byte[0]));
        if !answer.is_empty() && shown.ends_with(PROMPT) {
            writeln!(terminal.stdin.as_mut().unwrap(), "{answer}").unwrap();
        }
    }
    assert!(shown.contains(wanted), "{shown}");
    shown
}

#[test]
fn a_question_is_answered_at_another_terminal_with_the_code_shown_there_and_once() {
    let (mut session, id) = waiting();
    let (code, listed) = session.detached(&["approvals", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let questions = listed["questions"].as_array().unwrap();
    assert_eq!((code, questions.len(), questions[0]["id"].as_str()), (Some(0), 1, Some(id.as_str())));
    let (code, text) = session.detached(&["approve", &id]);
    assert!(code == Some(2) && text.contains("needs a person at a terminal"), "{code:?} {text}");
    let wrong = session.at_terminal(&format!("approve {id}"), |code| {
        if code == "1234" { "1235".into() } else { "1234".into() }
    });
    assert!(wrong.contains("nothing was changed: that is not the code"), "{wrong}");
    let text = session.at_terminal(&format!("approve {id}"), str::to_owned);
    assert!(
        text.contains("Outboard asks: may this script call fix.add?") && text.contains("answered"),
        "{text}"
    );
    let (failed, value) = session.client.call("execute", json!({ "resume": "r1" }));
    assert_eq!((failed, value.as_str()), (false, "3"));
    let again = session.at_terminal(&format!("approve {id}"), str::to_owned);
    assert!(again.contains("no open question is called"), "{again}");
    assert_eq!(session.detached(&["approvals"]).1, "nothing waits for a person\n");
}

#[test]
fn a_question_is_refused_at_another_terminal_and_always_is_a_rule() {
    let (mut session, id) = waiting();
    session.at_terminal(&format!("deny {id}"), str::to_owned);
    let text = session.client.call("execute", json!({ "resume": "r1" })).1;
    assert!(text.contains("not approved: a person said no (a test asks (rule 1))"), "{text}");
    let text = session.client.execute("(await fix.add({ a: 2, b: 2 })).sum");
    let id = question(&text);
    let told = session.at_terminal(&format!("approve {id} --always"), str::to_owned);
    assert!(told.contains("fix.add may be called without asking from now on: rule 1 of"), "{told}");
    assert_eq!(session.client.call("execute", json!({ "resume": "r2" })).1, "4");
}

#[test]
fn whoever_answers_an_outboard_that_ended_meanwhile_is_told_that_nothing_came_of_it() {
    let (session, id) = waiting();
    let asks = Pid::from_raw(session.client.pid().cast_signed()).unwrap();
    let told = session.at_terminal(&format!("approve {id} --always"), |code| {
        // It may be typed twice.
        let _ = kill_process(asks, Signal::KILL);
        code.to_owned()
    });
    assert!(told.contains("the answer changed nothing: the Outboard that asked question"), "{told}");
    assert!(!told.contains("answered") && !told.contains("may be called without asking"), "{told}");
    let (_, rules) = session.detached(&["policy", "show", "--json"]);
    assert!(!rules.contains("a person said always"), "{rules}");
}

#[test]
fn a_run_that_waits_when_its_outboard_ends_asks_again_in_the_next_one_however_it_ended() {
    type End = fn(&mut Session);
    let ends: [(End, &str); 3] = [
        (
            |session| {
                session.client.close();
            },
            "waiting",
        ),
        (|session| processes::signal(session.client.pid(), "TERM"), "waiting"),
        (|session| processes::signal(session.client.pid(), "KILL"), "interrupted"),
    ];
    for (end, state) in ends {
        let (mut session, before) = waiting();
        end(&mut session);
        session.client.wait_for_end();
        assert_eq!(session.listed("runs", "runs")[0]["state"], state);
        let mut next = session.again();
        let mut asked = String::new();
        eventually("it asks again", || {
            let questions = session.listed("approvals", "questions");
            asked = questions.first().map(|one| one["id"].as_str().unwrap().to_owned()).unwrap_or_default();
            !asked.is_empty() && asked != before
        });
        let told = session.at_terminal(&format!("approve {asked}"), str::to_owned);
        assert!(told.contains("answered"), "{told}");
        assert_eq!(next.call("execute", json!({ "resume": "r1" })), (false, "3".to_owned()));
        assert_eq!(session.listed("runs", "runs")[0]["resumed"], 1);
    }
}

#[test]
fn a_run_at_a_terminal_that_was_killed_while_it_asked_asks_again_when_it_is_resumed() {
    let (session, _) = waiting();
    let script = session.home.project().join("script.ts");
    std::fs::write(&script, "(await fix.add({ a: 20, b: 3 })).sum").unwrap();
    let mut terminal = session.terminal("run script.ts");
    read_until(&mut terminal, PROMPT, "");
    let run = || session.listed("runs", "runs").into_iter().find(|run| run["command"] == "run").unwrap();
    assert_eq!(run()["state"], "running");
    for outboard in processes::children_of(terminal.id()) {
        processes::signal(outboard, "KILL");
    }
    terminal.wait().unwrap();
    assert_eq!((&run()["state"], &run()["calls"]), (&json!("interrupted"), &json!(0)));
    let mut terminal = session.terminal(&format!("resume {}", run()["run"].as_str().unwrap()));
    let shown = read_until(&mut terminal, "23", "a");
    assert!(shown.contains("may this script call fix.add?"), "{shown}");
    terminal.wait().unwrap();
    assert_eq!((&run()["state"], &run()["calls"]), (&json!("ended"), &json!(1)));
}
