//! `outboard doctor`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use outboard_testkit::client::Home;
use serde_json::{Value, json};

use super::Person;
use crate::harness::fixture;

/// A person whose directories nobody else can change, with a client that starts Outboard.
fn tidy(person: Person) -> Person {
    let root = person.home.state().parent().unwrap().to_owned();
    for directory in [person.home.state(), root.join("config")] {
        mode(&directory, 0o700);
    }
    let servers = json!({"outboard": {"command": "outboard", "args": ["serve"]}});
    fs::write(root.join(".claude.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
    person
}

fn mode(directory: &std::path::Path, mode: u32) {
    fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn all_is_well() {
    let person = tidy(Person::with(&[]));
    let said = person.says(&["doctor"]);
    let out = said.fine();
    for part in [
        "outboard ",
        "config/outboard.json  1 upstream\n",
        "0700",
        "  typescript  ready, a first script took ",
        "  python      ready, a first script took ",
        "15 tools",
        "ready in",
        "nothing needs mending",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let report = person.says(&["doctor", "--json"]);
    report.check(0, &[]);
    let report = report.json();
    assert_eq!(report["problems"], json!([]));
    for language in ["typescript", "python"] {
        let tried = &report["sandbox"][language];
        assert_eq!((&tried["ready"], tried["tookMs"].is_number()), (&json!(true), true), "{report}");
    }
    assert_eq!(
        (&report["upstreams"][0]["name"], &report["upstreams"][0]["state"]),
        (&json!("fix"), &json!("ready"))
    );
    assert_eq!(report["directories"][1]["mode"], "0700");
}

#[test]
fn what_is_wrong_is_told_with_the_reason_and_what_to_do() {
    let mut secret = fixture(&[]);
    secret["env"] = json!({"TOKEN": "${NOT_SET}"});
    let person = tidy(Person::of(&[
        ("good", fixture(&[])),
        ("broken", fixture(&["--exit-at-start", "3", "--stderr", "one\nno licence \u{1b}[31mfound\n"])),
        ("never", fixture(&["--never-start"])),
        ("absent", json!({"command": "no-such-program-anywhere", "args": ["--key", "${SECRET_NAME:-x}"]})),
        ("typo", json!({"comand": "x"})),
        ("secret", secret),
    ]));
    let said = person.says(&["doctor", "--wait", "3"]);
    said.check(1, &["error: 5 things need mending"]);
    for part in [
        "| one\n",
        "| no licence \\u{1b}[31mfound\n",
        "hint: start it by hand to see what it says: ",
        "hint: wait longer with --wait",
        "hint: install no-such-program-anywhere",
        "hint: correct the entry in ",
        "hint: set the variable where the client that starts Outboard finds it",
        "good ",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    assert!(!said.out.contains('\u{1b}'), "{said:?}");
    let said = person.says(&["doctor", "--wait", "3", "--json"]);
    assert_eq!(said.code, Some(1));
    let problems: Vec<Value> = said.json()["problems"].as_array().unwrap().clone();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert!(problems.iter().all(|problem| problem["what"].is_string() && problem["fix"].is_string()));
}

#[test]
fn directories_that_others_can_change_need_mending() {
    let person = tidy(Person::with(&[]));
    mode(&person.home.state(), 0o777);
    let said = person.says(&["doctor"]);
    said.check(1, &["1 thing needs mending: ", "can be changed by other users"]);
    assert!(said.out.contains("hint: chmod go-w"), "{said:?}");
}

#[test]
fn a_projects_unaccepted_file_is_told_of_and_nothing_of_it_is_started() {
    let person = tidy(Person::with(&[]));
    let log = person.home.project().join("log");
    let entry = fixture(&["--log", log.to_str().unwrap()]);
    person.file(".mcp.json", &json!({"mcpServers": {"proj": entry}}).to_string());
    let said = person.says(&["doctor"]);
    assert!(
        said.fine().contains(".mcp.json")
            && said.out.contains("has not been accepted and has no effect: outboard trust"),
        "{said:?}"
    );
    assert!(!log.exists());
    assert_eq!(person.says(&["doctor", "--json"]).json()["files"][1]["upstreams"], 0);
}

#[test]
fn a_configuration_that_cannot_be_read_is_the_first_thing_to_mend() {
    let home = Home::new();
    home.configure(&Value::Null);
    let person = Person { home };
    for command in ["list", "search"] {
        person.says(&[command]).check(2, &["error: could not use", "outboard.json", "hint: "]);
    }
    let said = person.says(&["doctor"]);
    said.check(1, &["could not use", "outboard.json: it must hold a JSON object"]);
    assert!(said.out.contains("ready, a first script took "), "it looks at everything else: {said:?}");
}

#[test]
fn one_wrong_setting_does_not_end_the_report() {
    let person = tidy(Person::with(&[]));
    let root = person.home.state().parent().unwrap().to_owned();
    let file = root.join("config/outboard.json");
    let mut all: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    all["limits"] = json!({"cpuSeconds": -1, "call": 1});
    all["mcpServers"]["fix"]["timeout"] = json!(30_000);
    fs::write(&file, all.to_string()).unwrap();
    let said = person.says(&["doctor"]);
    said.check(1, &["3 things need mending"]);
    for part in [
        "`limits.cpuSeconds` is -1; it must be a number from 0.001 to 604800, of seconds\n",
        "hint: leave it out for the default, 30\n",
        "`limits.call` is not a setting\n",
        "`timeout` is in seconds here: a call may take 8.3 hours\n",
        "15 tools",
    ] {
        assert!(said.out.contains(part), "{part}: {}", said.out);
    }
    let report = person.says(&["doctor", "--json"]).json();
    assert_eq!(report["problems"].as_array().map(Vec::len), Some(3), "{report}");
    assert_eq!(report["upstreams"][0]["state"], "ready");
}

#[test]
fn what_leaves_outboard_without_effect_needs_mending() {
    let mut hidden = fixture(&[]);
    hidden["tools"] = json!({"allow": ["no_such_*"]});
    let person = tidy(Person::of(&[("fix", hidden)]));
    let root = person.home.state().parent().unwrap().to_owned();
    person.file("outboard.json", &json!({"mcpServers": {"proj": fixture(&[])}}).to_string());
    let shown = person.says(&["trust", "--show"]).out;
    let hash = shown.lines().find_map(|line| line.trim().strip_prefix("sha256 ")).unwrap().to_owned();
    assert_eq!(person.says(&["trust", "--accept", &hash]).code, Some(0));
    person.file("outboard.json", &json!({"mcpServers": {"other": fixture(&[])}}).to_string());
    fs::write(root.join(".claude.json"), "{}").unwrap();
    fs::create_dir(root.join(".cursor")).unwrap();
    fs::write(root.join(".cursor/mcp.json"), "{\n\"mcpServers\" {}}").unwrap();
    let said = person.says(&["doctor"]);
    said.check(1, &["4 things need mending"]);
    for part in [
        "has changed since it was accepted and has no effect\n    hint: see what it would start now, and accept it: outboard trust\n",
        "`tools` of `fix` leaves none of its 15 tools",
        "mcp.json: line 2 column 14: ",
        "no client starts Outboard, as far as can be seen here\n    hint: put it into one: outboard install claude-code\n",
    ] {
        assert!(said.out.contains(part) || said.err.contains(part), "{part}: {said:?}");
    }
    assert!(said.out.contains("hint: correct `tools.allow` and `tools.deny` in "), "{said:?}");
}

#[test]
fn a_newcomer_is_told_where_to_begin() {
    let person = Person { home: Home::new() };
    mode(&person.home.state(), 0o700);
    mode(&person.home.state().parent().unwrap().join("config"), 0o700);
    let said = person.says(&["doctor"]);
    said.check(1, &["2 things need mending:\n  no upstream is configured\n  no client starts Outboard"]);
    for hint in
        ["hint: outboard import takes over the servers", "hint: put it into one: outboard install CLIENT"]
    {
        assert!(said.out.contains(hint), "{hint}: {said:?}");
    }
    person.says(&["list"]).check(0, &["hint: outboard import takes over the servers"]);
}

#[test]
fn a_projects_file_that_starts_outboard_is_a_client() {
    let person = tidy(Person::with(&[]));
    fs::remove_file(person.home.state().parent().unwrap().join(".claude.json")).unwrap();
    let servers = json!({"outboard": {"command": "outboard", "args": ["serve"]}});
    person.file(".mcp.json", &json!({ "mcpServers": servers }).to_string());
    person.says(&["doctor"]).check(0, &[]);
}

#[test]
fn a_client_that_loads_what_outboard_serves_is_told_to_leave_it_out() {
    let person = tidy(Person::with(&[]));
    let home = person.home.state().parent().unwrap().to_owned();
    let mut again = fixture(&[]);
    again["env"] = json!({"OTHER": "value"});
    let write = |servers: Value| {
        fs::write(home.join(".claude.json"), json!({ "mcpServers": servers }).to_string()).unwrap();
    };
    write(json!({"mine": again}));
    let said = person.says(&["doctor"]);
    said.check(1, &["1 thing needs mending: no client starts Outboard"]);
    assert!(said.out.contains("does not start Outboard, loads 1 server that Outboard serves"), "{said:?}");
    write(json!({"mine": again, "outboard": {"command": "outboard", "args": ["serve"]}}));
    let said = person.says(&["doctor"]);
    said.check(1, &["Claude Code still loads `mine`, which Outboard serves as `fix`"]);
    assert!(said.out.contains("hint: take it out there: claude mcp remove"), "{said:?}");
    let report = person.says(&["doctor", "--json"]).json();
    assert_eq!(
        report["clients"][0]["alsoServed"],
        json!([{"server": "mine", "upstream": "fix"}]),
        "{report}"
    );
}
