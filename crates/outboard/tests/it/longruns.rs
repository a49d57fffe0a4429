//! Scripts that take longer than an answer may, in the whole program.

use outboard_testkit::client::eventually;
use serde_json::json;

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
