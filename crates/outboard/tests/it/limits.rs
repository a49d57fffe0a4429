//! Every limit, met and just not met, while another run goes on.

use serde_json::json;

use crate::harness::{Session, fixture};

fn limited(limits: &serde_json::Value) -> Session {
    Session::of(&[("fix", fixture(&[]))], json!({"limits": limits}))
}

/// Runs each script, which must end at the limit whose message has this word, and sees that others still run.
fn check(session: &mut Session, word: &str, scripts: &[&str]) {
    for code in scripts {
        let text = session.client.failing(code);
        let named = text.lines().any(|line| line.contains("limit") && line.contains(word));
        assert!(named, "{code}\n{text}");
        assert_eq!(session.client.execute("1 + 1"), "2", "after {code}");
    }
}

#[test]
fn what_computes_for_ever_is_ended_at_a_limit_that_is_named() {
    let mut session = limited(&json!({"cpuSeconds": 0.3}));
    check(
        &mut session,
        "computing",
        &[
            "while (true) {}",
            "for (;;) await null",
            "/^(a+)+$/.test('a'.repeat(40) + '!')",
            "const s = 'a'.repeat(2 ** 22); for (;;) s.indexOf('a'.repeat(2 ** 21) + 'b')",
            "for (;;) console.log('again and again')",
        ],
    );
}

#[test]
fn what_takes_memory_for_ever_is_ended_at_a_limit_that_is_named() {
    let mut session = limited(&json!({"cpuSeconds": 60, "memoryMegabytes": 64}));
    check(
        &mut session,
        "memory",
        &[
            "new Array(5e7).fill(1)",
            "const a = []; for (let n = 0; ; n++) a.push('x'.repeat(1e6) + n)",
            "const a = []; for (;;) a.push(new Array(1000).fill({}))",
        ],
    );
}

#[test]
fn other_runs_go_on_while_one_runs_into_its_limit() {
    let mut session = limited(&json!({"cpuSeconds": 2}));
    let endless = session
        .client
        .ask("tools/call", json!({"name": "execute", "arguments": {"code": "while (true) {}"}}));
    for n in 0..5 {
        assert_eq!(
            session.client.execute(&format!("(await fix.add({{ a: {n}, b: 0 }})).sum")),
            n.to_string()
        );
    }
    let (failed, text) = session.client.called(endless);
    assert!(failed && text.contains("limit"), "{text}");
}

#[test]
fn a_run_just_under_its_limits_ends_well() {
    let mut session =
        limited(&json!({"cpuSeconds": 5, "memoryMegabytes": 64, "calls": 3, "wallSeconds": 20}));
    assert_eq!(session.client.execute("new Array(1e6).fill(1).length"), "1000000");
    assert_eq!(session.client.execute("let n = 0; for (let i = 0; i < 1e6; i++) n += i; n"), "499999500000");
    assert_eq!(
        session.client.execute("for (const n of [1, 2, 3]) await fix.add({ a: n, b: n }); 'done'"),
        "done"
    );
    let text = session.client.failing("for (const n of [1, 2, 3, 4]) await fix.add({ a: n, b: n })");
    assert!(text.contains("has made its 3 calls"), "{text}");
}

#[test]
fn the_wall_limit_counts_waiting_and_names_itself() {
    let mut session = limited(&json!({"wallSeconds": 0.5}));
    let text = session.client.failing("await fix.silent()");
    assert!(text.contains("time limit of 500 ms"), "{text}");
    let text = session.client.failing("await new Promise(done => setTimeout(done, 60_000))");
    assert!(text.contains("limit"), "{text}");
}

#[test]
fn a_silent_upstream_costs_its_call_and_not_the_run() {
    let mut session = limited(&json!({"callSeconds": 0.3}));
    let value = session.value("try { await fix.silent() } catch (e) { return [e.code, e.message] }");
    assert_eq!(value[0], "timeout");
    assert!(value[1].as_str().unwrap().contains("300ms"), "{value}");
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
}

#[test]
fn deep_recursion_is_a_catchable_range_error() {
    let mut session = Session::with(&[]);
    for code in [
        "const f = () => f() + 1; try { f() } catch (e) { return e.name }",
        "const a = []; let b = a; for (let i = 0; i < 1e5; i++) { b.push([]); b = b[0] } try { JSON.stringify(a) } catch (e) { return e.name }",
        "class A { get x() { return this.x } } try { new A().x } catch (e) { return e.name }",
        "const p = new Proxy({}, { get: (t, k, r) => r[k] }); try { p.x } catch (e) { return e.name }",
    ] {
        assert_eq!(session.client.execute(code), "RangeError", "{code}");
    }
}

#[test]
fn a_script_that_prints_for_ever_ends_and_what_it_said_first_is_kept() {
    let mut session = limited(&json!({"cpuSeconds": 0.5, "consoleBytes": 20000}));
    let text = session.client.failing("for (let n = 0; ; n++) console.log('line', n)");
    assert!(text.contains("line 0\n") && text.contains("more dropped: the console keeps 20"), "{text}");
    assert!(text.len() < 60_000, "{}", text.len());
}
