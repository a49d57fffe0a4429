//! Scripts that take longer than an answer may, in the whole program.

use outboard_testkit::client::eventually;
use serde_json::{Value, json};

use crate::harness::{Session, fixture};

fn impatient() -> Session {
    Session::of(&[("fix", fixture(&[]))], json!({"respondWithinSeconds": 0.2}))
}

#[test]
fn a_long_script_goes_on_and_its_result_is_resumed() {
    let mut session = impatient();
    let text = session.client.execute("await fix.slow({ ms: 3000 }); console.log('said once'); 'late'");
    assert!(text.starts_with("still running: r1"), "{text}");
    let mut last = String::new();
    eventually("the result is there", || {
        last = session.client.call("execute", json!({"resume": "r1"})).1;
        !last.starts_with("still running: ")
    });
    assert_eq!(last, "late\nconsole:\nsaid once");
    assert_eq!(session.client.call("execute", json!({"resume": "r1"})), (false, last));
}

#[test]
fn a_long_script_is_cancelled_wherever_it_is() {
    let mut session = impatient();
    let scripts = [
        "for (;;);",
        "await fix.silent()",
        "const s = 'a'.repeat(2 ** 24); for (;;) s.indexOf('a'.repeat(2 ** 23) + 'b')",
        "await new Promise(() => setTimeout(() => {}, 600_000))",
    ];
    for (number, code) in (1..).zip(scripts) {
        let text = session.client.execute(code);
        assert!(text.starts_with(&format!("still running: r{number}")), "{code}: {text}");
        let resume = json!({"resume": format!("r{number}")});
        let resuming = session.client.ask("tools/call", json!({"name": "execute", "arguments": resume}));
        session.client.notify("notifications/cancelled", json!({"requestId": resuming, "reason": "no more"}));
        eventually("it is cancelled", || {
            session.client.call("execute", resume.clone()).1.starts_with("cancelled: ")
        });
    }
}

#[test]
fn a_cancelled_run_is_over_at_once_and_its_call_is_cancelled_at_the_upstream() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let messages = || -> Vec<Value> {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    // One place for runs: whoever gets an answer next has found it empty. The call itself would take two minutes.
    let upstream = fixture(&["--log", log.to_str().unwrap()]);
    let mut session = Session::of(&[("fix", upstream)], json!({"runsAtOnce": 1}));
    let is_call = |message: &Value| message["params"]["name"] == "silent";
    for round in 1..=3 {
        let execute = json!({"name": "execute", "arguments": {"code": "await fix.silent()"}});
        let id = session.client.ask("tools/call", execute);
        eventually("the call is under way", || messages().iter().filter(|one| is_call(one)).count() == round);
        session.client.notify("notifications/cancelled", json!({"requestId": id, "reason": "enough"}));
        assert_eq!(session.client.execute("'next'"), "next");
        let told = |message: &Value| message["method"] == "notifications/cancelled";
        eventually("the upstream is told", || messages().iter().filter(|one| told(one)).count() == round);
        let all = messages();
        let (call, end) = (all.iter().rposition(is_call).unwrap(), all.iter().rposition(told).unwrap());
        assert!(call < end && all[end]["params"]["requestId"] == all[call]["id"], "{all:?}");
    }
}
