//! `outboard call`.

use std::process::Stdio;

use outboard_testkit::{client::eventually, processes};
use serde_json::json;

use super::{Person, Said};
use crate::harness::fixture;

#[test]
fn a_value_is_pretty_for_people_and_exact_for_machines() {
    let person = Person::with(&[]);
    for (arguments, expected) in [
        (&["call", "fix.add", r#"{"a": 1, "b": 2}"#][..], "{\n  \"sum\": 3.0\n}\n"),
        (&["call", "--json", "fix.add", r#"{"a": 1, "b": 2}"#], "{\"sum\":3.0}\n"),
        (&["call", "fix.echo", r#"{"value": "two\nlines", "form": "text"}"#], "two\nlines\n"),
        (&["call", "--json", "fix.echo", r#"{"value": "two\nlines", "form": "text"}"#], "\"two\\nlines\"\n"),
        (&["call", "fix.wrapped", r#"{"value": null}"#], "null\n"),
    ] {
        assert_eq!(person.says(arguments).fine(), expected, "{arguments:?}");
    }
    let said = person.says(&["call", "fix.image"]);
    assert!(said.fine().contains("8 characters of base64"), "{said:?}");
    let said = person.says(&["call", "fix.image", "--json"]);
    assert_eq!(said.json()[1]["data"], "aGVsbG8=");
}

#[test]
fn arguments_come_from_the_line_a_file_or_standard_input() {
    let person = Person::with(&[]);
    let file = person.file("arguments.json", "\u{feff}{\"a\": 2, \"b\": 2}\n");
    let at = format!("@{}", file.display());
    assert_eq!(person.says(&["call", "--json", "fix.add", &at]).fine(), "{\"sum\":4.0}\n");
    let said = person.given("{\"a\": 3,\n\"b\": 3}\n", &["call", "--json", "fix.add", "-"]);
    assert_eq!(said.fine(), "{\"sum\":6.0}\n");
    for (arguments, says) in [
        ("{", "must be one JSON object"),
        ("{} {}", "must be one JSON object"),
        ("[1]", "this is JSON, but no object"),
        ("a=1", "must be one JSON object"),
        ("@missing.json", "could not read missing.json"),
    ] {
        let said = person.says(&["call", "fix.add", arguments]);
        said.check(2, &["error: ", says]);
        assert_eq!(said.out, "");
    }
}

#[test]
fn original_names_are_taken_too_and_only_their_upstream_is_started() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log").display().to_string();
    let person = Person::of(&[
        ("data-tools", fixture(&[])),
        ("data", fixture(&["--never-start", "--ignore-eof", "--log", &log])),
    ]);
    for name in ["data_tools.add", "data-tools.add", "data-tools/add", "data-tools[\"add\"]"] {
        let said = person.says(&["call", "--json", name, r#"{"a": 1, "b": 1}"#]);
        assert_eq!(said.fine(), "{\"sum\":2.0}\n", "{name}");
    }
    assert!(!std::fs::exists(&log).unwrap(), "the other upstream was not wanted");
}

#[test]
fn names_that_mean_nothing_are_answered_with_their_neighbours() {
    let person = Person::with(&[]);
    for (name, says) in [
        ("fix.ad", "fix has no tool `ad`; did you mean `fix.add`?"),
        ("fxi.add", "there is no namespace `fxi`; did you mean `fix`?"),
        ("nothing.like.it", "there is no namespace `nothing`; there are: fix"),
        ("fix", "fix has no tool"),
        ("", "there is no namespace"),
        ("\u{1b}(B.x", "there is no namespace `(B`"),
    ] {
        let said = person.says(&["call", name]);
        said.check(1, &[says, "hint: "]);
        assert!(said.out.is_empty() && !said.err.contains('\u{1b}'), "{said:?}");
    }
    // By now its tools are kept, so that a name without its namespace is found as well.
    person.says(&["call", "add"]).check(1, &["`add` has no namespace before it", "did you mean fix.add?"]);
}

#[test]
fn a_call_that_fails_says_why_and_what_to_do() {
    let person = Person::of(&[
        ("fix", fixture(&[])),
        ("broken", fixture(&["--exit-at-start", "3", "--stderr", "no licence \u{1b}[31mfound"])),
        ("absent", json!({"command": "/no/such/program"})),
    ]);
    for (arguments, code, says) in [
        (
            &["fix.fail", r#"{"message": "no such channel"}"#][..],
            "tool_error",
            &["error: fix.fail: no such channel (tool error)"][..],
        ),
        (
            &["fix.add", r#"{"a": "one"}"#],
            "invalid_arguments",
            &["(invalid arguments)", "hint: outboard describe fix.add shows what it takes"],
        ),
        (&["fix.die"], "upstream_lost", &["(upstream lost)", "hint: it had been sent: check what it did"]),
        (
            &["fix.protocol_error", r#"{"code": -32602, "message": "bad"}"#],
            "upstream_refused",
            &["bad (code -32602)"],
        ),
    ] {
        let arguments = [&["call"], arguments].concat();
        let said = person.says(&arguments);
        said.check(1, says);
        assert_eq!(said.out, "");
        let said = person.says(&[&arguments[..], &["--json"]].concat());
        said.check(1, says);
        assert_eq!(said.json()["error"]["code"], code, "{said:?}");
    }
    let said = person.says(&["call", "broken.add"]);
    said.check(1, &["broken is not available", "no licence \\u{1b}[31mfound", "hint: outboard doctor"]);
    person.says(&["call", "absent.add"]).check(1, &["absent is not available", "is it installed"]);
}

#[test]
fn an_interrupted_call_is_told_of_as_unknown() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let person = Person::with(&["--log", log.to_str().unwrap()]);
    let mut command = person.command(&["call", "fix.silent"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the call is in flight", || {
        std::fs::read_to_string(&log).is_ok_and(|log| log.contains("silent"))
    });
    let upstreams = processes::children_of(child.id());
    processes::signal(child.id(), "INT");
    let said = Said::from(child.wait_with_output().unwrap());
    said.check(130, &["interrupted", "the call had been sent"]);
    assert!(upstreams.iter().all(|pid| !processes::is_alive(*pid)));
}
