//! `outboard doctor`.

use std::{fs, os::unix::fs::PermissionsExt as _};

use outboard_testkit::client::Home;
use serde_json::{Value, json};

use super::Person;
use crate::harness::fixture;

/// A person whose directories nobody else can change.
fn tidy(person: Person) -> Person {
    for directory in [person.home.state(), person.home.state().parent().unwrap().join("config")] {
        mode(&directory, 0o700);
    }
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
        "ready, a first script took ",
        "15 tools",
        "ready in",
        "nothing needs mending",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    let report = person.says(&["doctor", "--json"]);
    report.check(0, &[]);
    let report = report.json();
    assert_eq!((&report["problems"], &report["sandbox"]["typescript"]["ready"]), (&json!([]), &json!(true)));
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
    for command in ["doctor", "list", "search"] {
        person.says(&[command]).check(2, &["error: could not use", "outboard.json"]);
    }
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
    assert!(said.fine().contains("does not start Outboard, loads 1 server that Outboard serves"), "{said:?}");
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
