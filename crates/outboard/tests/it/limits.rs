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

/// A limit of a run: its setting and value, a script that meets it with what the answer says, and one that stays below
/// with what it gives.
struct Case {
    setting: &'static str,
    value: f64,
    meets: &'static str,
    says: &'static str,
    below: &'static str,
    gives: &'static str,
}

const CASES: [Case; 9] = [
    Case {
        setting: "wallSeconds",
        value: 2.0,
        meets: "await new Promise(done => setTimeout(done, 60_000))",
        says: "took longer than its time limit of 2 s (setting `limits.wallSeconds`)",
        below: "await new Promise(done => setTimeout(done, 10)); 'in time'",
        gives: "in time",
    },
    Case {
        setting: "cpuSeconds",
        value: 0.5,
        meets: "for (;;);",
        says: "computing took longer than its limit of 500 ms (setting `limits.cpuSeconds`; waiting does not count)",
        below: "let n = 0; for (let i = 0; i < 1e5; i++) n += i; await new Promise(done => setTimeout(done, 700)); n",
        gives: "4999950000",
    },
    Case {
        setting: "memoryMegabytes",
        value: 64.0,
        meets: "new Array(5e7).fill(1)",
        says: "more than its memory limit of 64 MiB (setting `limits.memoryMegabytes`)",
        below: "new Array(1e6).fill(1).length",
        gives: "1000000",
    },
    Case {
        setting: "calls",
        value: 3.0,
        meets: "for (const n of [1, 2, 3, 4]) await fix.count({ note: String(n) })",
        says: "has made its 3 calls (setting `limits.calls`)",
        below: "for (const n of [1, 2, 3]) await fix.count({ note: String(n) }); 'three'",
        gives: "three",
    },
    Case {
        setting: "callSeconds",
        value: 3.0,
        meets: "await fix.silent()",
        says: "no answer within 3s",
        below: "(await fix.add({ a: 1, b: 1 })).sum",
        gives: "2",
    },
    Case {
        setting: "pendingBytes",
        value: 4_096.0,
        meets: "await fix.echo({ value: 'x'.repeat(5000) })",
        says: "take more than 4 KiB (setting `limits.pendingBytes`)",
        below: "await fix.echo({ value: 'x'.repeat(4000) }); 'sent'",
        gives: "sent",
    },
    Case {
        setting: "toolResultBytes",
        value: 200_000.0,
        meets: "await fix.big({ bytes: 250_000 })",
        says: "(setting `limits.toolResultBytes`)",
        below: "(await fix.big({ bytes: 150_000 })).length",
        gives: "150000",
    },
    Case {
        setting: "consoleBytes",
        value: 1_000.0,
        meets: "for (let n = 0; n < 100; n++) console.log('x'.repeat(50)); throw new Error('to be seen')",
        says: "more dropped: the console keeps 1 kB (setting `limits.consoleBytes`)",
        below: "console.log('x'.repeat(500)); 'short'",
        gives: "short",
    },
    Case {
        setting: "valueBytes",
        value: 10_000.0,
        meets: "'x'.repeat(10_001)",
        says: "larger than its limit of 10 kB (setting `limits.valueBytes`)",
        below: "'x'.repeat(9_000)",
        gives: "xxx",
    },
];

#[test]
fn what_ends_at_a_limit_names_it_with_its_value_and_setting_and_what_stays_below_does_not() {
    for case in CASES {
        // A whole number is written as one: most settings take no other.
        let value = match case.value.fract() == 0.0 {
            true => json!(case.value as u64),
            false => json!(case.value),
        };
        let mut session = limited(&json!({ case.setting: value }));
        let below = session.client.execute(case.below);
        assert!(below.starts_with(case.gives), "{}: {below}", case.setting);
        let text = session.client.failing(case.meets);
        assert!(text.contains(case.says), "{}: {text}", case.setting);
    }
}

#[test]
fn a_script_that_ends_at_a_limit_tells_what_it_has_done() {
    let mut session = limited(&json!({"calls": 2}));
    let text = session.client.failing("for (const n of [1, 2, 3]) await fix.count({ note: String(n) })");
    assert!(
        text.contains("already done before this: fix.count × 2") && text.contains("fewer calls"),
        "{text}"
    );
}

#[test]
fn kept_results_are_bounded_and_the_oldest_is_said_to_be_gone() {
    let mut session = limited(&json!({"keptResults": 1}));
    let mut keep = || {
        let text = session.client.execute("Array.from({ length: 20000 }, (_, n) => n)");
        let handle = text.split("results.get(\"").nth(1).and_then(|rest| rest.split('"').next());
        handle.expect("a handle").to_owned()
    };
    let (first, second) = (keep(), keep());
    assert_eq!(session.client.execute(&format!("(await results.get('{second}')).length")), "20000");
    let text = session.client.failing(&format!("await results.get('{first}')"));
    assert!(text.contains("(settings `limits.keptResults`, `limits.keptBytes`)"), "{text}");
}
