//! A `serve` that follows its configuration: upstreams come, change and go while a client is connected.

use std::path::PathBuf;

use outboard_testkit::{
    client::{Client, Home, eventually},
    processes,
};
use serde_json::{Value, json};

use crate::harness::{OUTBOARD, Session, fixture};

/// Replaces the user's file as an editor does: by another file of the same name.
fn replace(home: &Home, content: &str) {
    let file = user_file(home);
    let new = file.with_extension("new");
    std::fs::write(&new, content).unwrap();
    std::fs::rename(new, file).unwrap();
}

fn user_file(home: &Home) -> PathBuf {
    home.state().parent().unwrap().join("config/outboard.json")
}

fn servers(servers: &Value) -> String {
    json!({"mcpServers": servers, "policy": {"otherwise": "allow"}}).to_string()
}

/// The namespaces that a search lists.
fn overview(client: &mut Client) -> String {
    client.call("search", json!({"query": ""})).1
}

fn pid(client: &mut Client, namespace: &str) -> Value {
    let text = client.execute(&format!("(await {namespace}.environment()).pid"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn upstreams_come_and_go_and_the_others_notice_nothing() {
    let mut session = Session::with(&[]);
    session.client.request("tools/list", json!({}));
    let before = pid(&mut session.client, "fix");
    let running = json!({"code": "await fix.slow({ ms: 4000 }); return (await fix.environment()).pid"});
    let running = session.client.ask("tools/call", json!({"name": "execute", "arguments": running}));
    replace(&session.home, &servers(&json!({"fix": fixture(&[]), "extra": fixture(&[])})));
    session.client.notification("notifications/tools/list_changed");
    assert_eq!(session.client.execute("(await extra.add({ a: 1, b: 1 })).sum"), "2");
    let extra = u32::try_from(pid(&mut session.client, "extra").as_u64().unwrap()).unwrap();
    assert_eq!(session.client.called(running), (false, before.to_string()));
    replace(&session.home, &servers(&json!({"fix": fixture(&[])})));
    eventually("the removed one has ended", || !processes::is_alive(extra));
    let text = session.client.failing("await extra.add({ a: 1, b: 1 })");
    assert!(text.contains("extra is not defined") || text.contains("no namespace"), "{text}");
    assert!(!overview(&mut session.client).contains("extra"));
    assert_eq!(pid(&mut session.client, "fix"), before, "it was not touched");
}

#[test]
fn a_changed_entry_is_replaced_and_its_calls_end_where_they_began() {
    let mut session = Session::with(&[]);
    let old = pid(&mut session.client, "fix");
    let running = json!({"code": "await fix.slow({ ms: 5000 })"});
    let running = session.client.ask("tools/call", json!({"name": "execute", "arguments": running}));
    let mut entry = fixture(&[]);
    entry["env"] = json!({"MARK": "2"});
    replace(&session.home, &servers(&json!({"fix": entry})));
    eventually("the new one answers", || {
        session.client.execute("(await fix.environment()).variables.MARK ?? null") == "2"
    });
    assert_ne!(pid(&mut session.client, "fix"), old);
    let (failed, text) = session.client.called(running);
    assert!(!failed, "{text}");
    let old = u32::try_from(old.as_u64().unwrap()).unwrap();
    eventually("the old one has ended", || !processes::is_alive(old));
}

#[test]
fn usage_changes_without_touching_the_connection() {
    let mut session = Session::with(&[]);
    let before = pid(&mut session.client, "fix");
    let mut entry = fixture(&[]);
    entry["tools"] = json!({"deny": ["a*", "nothing_like_it"]});
    replace(&session.home, &servers(&json!({"fix": entry})));
    eventually("the tool is gone", || {
        session.client.call("execute", json!({"code": "await fix.add({ a: 1, b: 1 })"})).0
    });
    let text = session.client.failing("await fix.add({ a: 1, b: 1 })");
    assert!(text.contains("fix has no tool `add`"), "{text}");
    assert_eq!(pid(&mut session.client, "fix"), before);
    let stderr = session.client.stderr();
    assert!(stderr.contains("nothing_like_it") && stderr.contains("matches no tool"), "{stderr}");

    let settings = json!({
        "mcpServers": {"fix": fixture(&[])}, "limits": {"calls": 1}, "runsAtOnce": 2,
        "policy": {"otherwise": "allow"},
    });
    replace(&session.home, &settings.to_string());
    eventually("the tool is back and further runs have one call", || {
        let (failed, text) = session.client.call(
            "execute",
            json!({"code": "await fix.add({ a: 1, b: 1 });\nawait fix.add({ a: 1, b: 1 })"}),
        );
        failed && text.contains("limits.calls")
    });
    assert_eq!(pid(&mut session.client, "fix"), before);
    let stderr = session.client.stderr();
    assert!(stderr.contains("`runsAtOnce` takes effect when Outboard is started again"), "{stderr}");
}

#[test]
fn what_cannot_be_used_changes_nothing_and_is_told() {
    let mut session = Session::with(&[]);
    let before = pid(&mut session.client, "fix");
    replace(&session.home, "{\"mcpServers\": {");
    eventually("the file is told of", || {
        session.client.stderr().contains("what the file said before goes on")
    });
    assert_eq!(pid(&mut session.client, "fix"), before);

    // A wrong entry leaves its upstream as it was; one that is new says what is wrong with it.
    let mut wrong = fixture(&[]);
    wrong["timeout"] = json!("5s");
    replace(&session.home, &servers(&json!({"fix": wrong, "odd": {"comand": "x"}, "more": fixture(&[])})));
    eventually("the good one is there", || {
        !session.client.call("execute", json!({"code": "await more.add({ a: 1, b: 1 })"})).0
    });
    assert_eq!(pid(&mut session.client, "fix"), before);
    let text = session.client.failing("await odd.x({})");
    assert!(text.contains("`comand` is not known"), "{text}");
    let stderr = session.client.stderr();
    for part in [
        "outboard.json: line 1: mcpServers.fix: `timeout` is \"5s\"; it must be",
        "the server goes on as it was",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
}

#[test]
fn a_project_has_effect_while_it_is_accepted() {
    let home = Home::new();
    home.configure(&json!({"mcpServers": {"fix": fixture(&[])}}));
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    let file = home.project().join(".mcp.json");
    let marker = home.project().join("started");
    std::fs::write(&file, servers(&json!({"proj": fixture(&["--log", marker.to_str().unwrap()])}))).unwrap();
    eventually("it is told of", || client.stderr().contains(".mcp.json has not been accepted"));
    assert!(!overview(&mut client).contains("proj") && !marker.exists());

    let shown = home.command(OUTBOARD, &["trust", "--show"]).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    let hash = shown.lines().find_map(|line| line.trim().strip_prefix("sha256 ")).unwrap().to_owned();
    assert!(home.command(OUTBOARD, &["trust", "--accept", &hash]).status().unwrap().success());
    eventually("it has effect", || {
        !client.call("execute", json!({"code": "await proj.add({ a: 1, b: 1 })"})).0
    });
    std::fs::write(&file, servers(&json!({"proj": fixture(&[]), "new": fixture(&[])}))).unwrap();
    eventually("it has none", || !overview(&mut client).contains("proj"));
    assert!(!overview(&mut client).contains("new"));
    assert!(client.stderr().contains("has changed since it was accepted"), "{}", client.stderr());
    assert_eq!(client.execute("(await fix.add({ a: 1, b: 1 })).sum"), "2");
}

#[test]
fn a_file_and_a_directory_that_come_later_are_found() {
    let home = Home::new();
    std::fs::remove_dir_all(home.state().parent().unwrap().join("config")).unwrap();
    let mut client = Client::connect(home.command(OUTBOARD, &["serve"]));
    assert!(overview(&mut client).contains("no upstream is configured"));
    std::fs::create_dir(home.state().parent().unwrap().join("config")).unwrap();
    replace(&home, &servers(&json!({"late": fixture(&[])})));
    eventually("it is there", || {
        !client.call("execute", json!({"code": "await late.add({ a: 1, b: 1 })"})).0
    });
    std::fs::remove_file(user_file(&home)).unwrap();
    eventually("it is gone", || overview(&mut client).contains("no upstream is configured"));
}

#[test]
fn calls_at_once_survive_every_change() {
    let mut session = Session::with(&[]);
    let code = "let done = 0;
        for (let round = 0; round < 40; round++) {
            await Promise.all(Array.from({ length: 20 }, () => fix.slow({ ms: 100 })));
            done += 20;
        }
        return done";
    let running = session.client.ask("tools/call", json!({"name": "execute", "arguments": {"code": code}}));
    for number in 0..3 {
        replace(
            &session.home,
            &servers(&json!({"fix": fixture(&[]), format!("more_{number}"): fixture(&[])})),
        );
        eventually("it is there", || overview(&mut session.client).contains(&format!("more_{number} (")));
    }
    assert_eq!(session.client.called(running), (false, "800".to_owned()));
}

#[test]
fn an_upstream_that_is_known_starts_when_it_is_used() {
    let mut eager = fixture(&[]);
    eager["eager"] = json!(true);
    let mut session = Session::of(&[("idle", fixture(&[])), ("eager", eager)], json!({}));
    assert_eq!(session.client.execute("(await idle.add({ a: 1, b: 1 })).sum"), "2");
    assert_eq!(session.client.execute("(await eager.add({ a: 1, b: 1 })).sum"), "2");
    eventually("both lists are kept", || {
        let Ok(files) = std::fs::read_dir(session.home.state().join("catalogue")) else { return false };
        files
            .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|kind| kind == "json"))
            .count()
            == 2
    });
    assert_eq!(session.client.close(), Some(0));
    let mut again = session.again();
    assert!(overview(&mut again).contains("idle (") && overview(&mut again).contains("eager ("));
    eventually("the eager one runs", || !processes::children_of(again.pid()).is_empty());
    assert_eq!(processes::children_of(again.pid()).len(), 1);
    let (_, text) = again.call("search", json!({"query": "idle.add"}));
    assert!(text.contains("idle.add("), "{text}");
    assert_eq!(processes::children_of(again.pid()).len(), 1, "a search starts nothing");
    assert_eq!(again.execute("(await idle.add({ a: 1, b: 2 })).sum"), "3");
    assert_eq!(processes::children_of(again.pid()).len(), 2);
}
