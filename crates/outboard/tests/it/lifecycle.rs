//! Upstreams that die, hang or start slowly; the end of Outboard itself. No process is left behind.

use outboard_testkit::{
    client::{Client, Home, eventually},
    processes,
};
use serde_json::json;

use crate::harness::{OUTBOARD, Session, fixture};

#[test]
fn an_upstream_that_dies_in_a_call_costs_that_call_and_comes_back() {
    let mut session = Session::with(&[]);
    let value = session.value("try { await fix.die() } catch (e) { return [e.code, e.tool] }");
    assert_eq!(value, json!(["upstream_lost", "fix.die"]));
    eventually("the upstream answers again", || {
        !session.client.call("execute", json!({"code": "(await fix.add({ a: 1, b: 1 })).sum"})).0
    });
}

#[test]
fn a_call_whose_effect_is_unknown_is_told_as_unknown() {
    let mut session = Session::with(&[]);
    let text = session.client.failing("await fix.count({ note: 'x' });\nawait fix.die();");
    assert!(text.starts_with("failed at 2:"), "{text}");
    assert!(text.contains("already done before this: fix.count × 1"), "{text}");
    assert!(text.contains("not known to be done: fix.die × 1"), "{text}");
}

#[test]
fn slow_and_broken_upstreams_neither_hold_up_nor_hide_the_others() {
    let upstreams = [
        ("good", fixture(&[])),
        ("slow", fixture(&["--slow-start", "1500"])),
        ("never", fixture(&["--never-start"])),
        ("broken", fixture(&["--exit-at-start", "3", "--stderr", "no licence found"])),
        ("missing", json!({"command": "/no/such/program"})),
    ];
    let mut session = Session::of(&upstreams, json!({"limits": {"callSeconds": 5}}));
    assert_eq!(session.client.execute("(await good.add({ a: 1, b: 1 })).sum"), "2");
    assert_eq!(session.client.execute("(await slow.add({ a: 2, b: 2 })).sum"), "4");
    let (_, text) = session.client.call("search", json!({"query": "adds two numbers"}));
    assert!(text.contains("good.add(") && text.contains("slow.add("), "{text}");
    assert!(text.contains("broken is not available") && text.contains("missing is not available"), "{text}");
    let text = session.client.failing("await broken.add({})");
    assert!(text.contains("no licence found"), "{text}");
}

#[test]
fn a_second_start_answers_from_the_kept_catalogue_while_upstreams_start() {
    let mut session = Session::of(&[("lazy", fixture(&["--slow-start", "700"]))], json!({}));
    assert_eq!(session.client.execute("(await lazy.add({ a: 1, b: 1 })).sum"), "2");
    let listed = |client: &mut Client| client.request("tools/list", json!({}))["result"]["tools"].clone();
    let first = listed(&mut session.client);
    assert!(first.to_string().contains("lazy.add"), "{first}");
    let mut again = session.again();
    assert_eq!(listed(&mut again), first, "byte-stable from start to start");
    assert_eq!(again.execute("(await lazy.add({ a: 1, b: 2 })).sum"), "3");
}

#[test]
fn a_change_of_tools_is_told_to_the_client() {
    let mut session = Session::with(&["--list-changed"]);
    session.client.request("tools/list", json!({}));
    assert_eq!(session.client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
    session.client.notification("notifications/tools/list_changed");
    assert_eq!(session.client.execute("await fix.late()"), "here now");
}

/// Ends Outboard in a way and checks that it goes and takes everything with it.
fn check_end(end: impl FnOnce(&mut Client)) {
    let home = Home::new();
    let grandchild = home.project().join("grandchild.pid");
    let stubborn = fixture(&["--ignore-eof", "--ignore-term", "--grandchild", grandchild.to_str().unwrap()]);
    home.configure(&json!({"mcpServers": {"fix": fixture(&[]), "stubborn": stubborn}}));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    client.execute("(await fix.add({ a: 1, b: 1 })).sum + (await stubborn.add({ a: 1, b: 1 })).sum");
    let children = processes::children_of(client.pid());
    assert_eq!(children.len(), 2, "one process for each upstream");
    let grandchild: u32 = std::fs::read_to_string(&grandchild).unwrap().parse().unwrap();
    client.ask("tools/call", json!({"name": "execute", "arguments": {"code": "await Promise.all([fix.silent(), stubborn.silent()])"}}));
    client.execute("'the calls are in flight'");
    end(&mut client);
    client.wait_for_end();
    eventually("no process is left", || {
        children.iter().chain([&grandchild]).all(|&pid| !processes::is_alive(pid))
    });
}

#[test]
fn interrupt_with_calls_in_flight_leaves_no_process_behind() {
    check_end(|client| processes::signal(client.pid(), "INT"));
}

#[test]
fn termination_leaves_no_process_behind() {
    check_end(|client| processes::signal(client.pid(), "TERM"));
}

#[test]
fn a_closed_input_leaves_no_process_behind() {
    check_end(|client| {
        client.close();
    });
}

#[test]
fn python_is_loaded_with_its_first_script_or_at_the_start_if_that_is_wanted() {
    let one = json!({"code": "sum([1, 1])", "language": "python"});
    for wanted in [false, true] {
        let mut session = Session::of(&[], json!({"python": {"ready": wanted}}));
        if wanted {
            eventually("Python is ready", || session.client.stderr().contains("Python is ready"));
        }
        assert_eq!(session.client.execute("1 + 1"), "2");
        assert_eq!(session.client.call("execute", one.clone()), (false, "2".to_owned()));
        assert_eq!(session.client.stderr().contains("Python is ready"), wanted);
        assert_eq!(session.client.close(), Some(0));
    }
}
