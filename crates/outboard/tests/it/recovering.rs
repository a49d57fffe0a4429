//! Whole processes that are killed with `kill -9` while they share one state directory: others of the same user take their
//! runs up, and no call that is not safe to repeat is received twice.

use std::{collections::BTreeSet, fs};

use outboard_testkit::{
    client::{Client, Home, eventually},
    processes,
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, fixture};

/// A user whose upstream counts in a file, and takes a while over `slow`.
fn home() -> Home {
    let home = Home::new();
    let effects = home.project().join("effects");
    let fix = fixture(&["--effects", effects.to_str().unwrap()]);
    home.configure(&json!({"mcpServers": {"fix": fix}, "policy": {"otherwise": "allow"}}));
    home
}

fn effects(home: &Home) -> Vec<String> {
    let text = fs::read_to_string(home.project().join("effects")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn json_of(home: &Home, arguments: &[&str]) -> Value {
    let output = home.command(OUTBOARD, arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{arguments:?}: {text}"))
}

fn runs(home: &Home) -> Vec<Value> {
    json_of(home, &["runs", "--json"])["runs"].as_array().unwrap().clone()
}

fn execute(code: &str) -> Value {
    json!({"name": "execute", "arguments": {"code": code}})
}

#[test]
fn a_run_whose_process_was_killed_goes_on_at_the_next_start_and_its_result_is_there() {
    let home = home();
    let mut first = Client::connect(home.command(OUTBOARD, &["serve"]));
    first.execute("await fix.count({ note: 'before' })");
    first.ask(
        "tools/call",
        execute("await fix.count({ note: 'a' }); await fix.slow({ ms: 60000 }).catch(e => e.code); await fix.count({ note: 'b' }); return 'all of it'"),
    );
    eventually("the second call is sent", || runs(&home)[0]["calls"] == 2);
    processes::signal(first.pid(), "KILL");
    first.wait_for_end();
    assert_eq!(runs(&home)[0]["state"], "interrupted");

    let mut second = Client::connect(home.command(OUTBOARD, &["serve"]));
    eventually("the run goes on to its end", || runs(&home)[0]["state"] == "ended");
    assert_eq!(effects(&home), ["before", "a", "b"]);
    let run = runs(&home)[0].clone();
    assert_eq!((&run["resumed"], &run["command"]), (&json!(1), &json!("serve")));
    // By the name that the client was told, and by the whole name on the command line.
    assert_eq!(second.call("execute", json!({"resume": "r2"})), (false, "all of it".to_owned()));
    let shown = json_of(&home, &["show", run["run"].as_str().unwrap(), "--json"]);
    assert_eq!(shown["value"], "all of it");
    let calls: Vec<&str> =
        shown["timeline"].as_array().unwrap().iter().map(|call| call["outcome"].as_str().unwrap()).collect();
    assert_eq!(calls, ["ok", "interrupted", "ok"], "{shown}");
}

#[test]
fn a_call_whose_effect_is_unknown_is_not_sent_again_and_the_script_is_told() {
    let home = home();
    let mut first = Client::connect(home.command(OUTBOARD, &["serve"]));
    first.execute("await fix.add({ a: 1, b: 1 })");
    first.ask("tools/call", execute("try { await fix.silent() } catch (e) { return [e.code, e.message] }"));
    eventually("the call is sent", || runs(&home)[0]["calls"] == 1);
    processes::signal(first.pid(), "KILL");
    first.wait_for_end();
    let _second = Client::connect(home.command(OUTBOARD, &["serve"]));
    eventually("the run goes on to its end", || runs(&home)[0]["state"] == "ended");
    let shown = json_of(&home, &["show", runs(&home)[0]["run"].as_str().unwrap(), "--json"]);
    assert_eq!(shown["value"][0], "interrupted", "{shown}");
    assert!(shown["value"][1].as_str().unwrap().contains("effect is unknown"), "{shown}");
}

#[test]
fn three_live_processes_are_killed_in_turns_and_every_run_comes_to_its_end() {
    let home = home();
    let script = |name: &str| {
        format!(
            "for (let n = 0; n < 4; n++) {{
                try {{ await fix.count({{ note: '{name} ' + n }}) }} catch (e) {{ if (e.code !== 'interrupted') throw e }}
                await fix.slow({{ ms: 100 }}).catch(() => 0);
            }}
            return '{name}'"
        )
    };
    let mut clients: Vec<Client> =
        (0..3).map(|_| Client::connect(home.command(OUTBOARD, &["serve"]))).collect();
    for (n, client) in clients.iter_mut().enumerate() {
        client.ask("tools/call", execute(&script(&format!("run{n}"))));
    }
    for n in 0..3 {
        let begun = format!("run{n} 1");
        eventually("the run is under way", || effects(&home).contains(&begun));
        let mut client = clients.remove(0);
        processes::signal(client.pid(), "KILL");
        client.wait_for_end();
        // Another one takes its place, beside those that are still there.
        clients.push(Client::connect(home.command(OUTBOARD, &["serve"])));
    }
    eventually("every run comes to its end", || {
        let runs = runs(&home);
        runs.len() == 3 && runs.iter().all(|run| run["state"] == "ended")
    });
    let done = effects(&home);
    let distinct: BTreeSet<&String> = done.iter().collect();
    assert_eq!(distinct.len(), done.len(), "nothing is repeated: {done:?}");
    // A call that was sent when its process died may have been lost by the upstream that died with it; all others are there.
    assert!(done.len() >= 9, "{done:?}");
    for run in runs(&home) {
        let shown = json_of(&home, &["show", run["run"].as_str().unwrap(), "--json"]);
        assert!(shown["value"].as_str().unwrap().starts_with("run"), "{shown}");
    }
}
