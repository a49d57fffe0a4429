//! `outboard list`.

use serde_json::json;

use super::Person;
use crate::harness::fixture;

#[test]
fn a_line_for_each_upstream_and_one_for_what_is_saved() {
    let person = Person::of(&[
        ("fix", fixture(&["--tools", "1000"])),
        ("data-tools", fixture(&[])),
        ("silent", fixture(&["--never-start"])),
        ("broken", fixture(&["--exit-at-start", "3", "--stderr", "no licence \u{1b}[31mfound"])),
        ("typo", json!({"comand": "x"})),
    ]);
    let said = person.says(&["list", "--wait", "3"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let line =
        |name: &str| lines.iter().find(|line| line[0] == name).unwrap_or_else(|| panic!("{name}: {said:?}"));
    assert_eq!(lines[0], ["upstream", "via", "tools", "tokens", "state"]);
    assert_eq!(line("fix")[1..3], ["stdio", "1,015"]);
    assert_eq!(line("fix")[4..6], ["ready", "in"]);
    assert_eq!(line("data-tools")[1..5], ["(as", "data_tools)", "stdio", "15"]);
    assert_eq!(line("silent")[1..], ["stdio", "-", "-", "starting…"]);
    assert_eq!(line("broken")[4..8], ["failed:", "could", "not", "open"]);
    assert_eq!(line("typo")[1..5], ["-", "-", "-", "failed:"]);
    assert!(
        said.out.contains("1,030 tools, ")
            && said.out.contains(" tokens kept out of every request (outboard's own: ")
    );
    assert!(!said.out.contains('\u{1b}') && !said.out.contains("licence"), "one line for each: {said:?}");

    let list = person.says(&["list", "--json", "--wait", "3"]).json();
    let of =
        |name: &str| list["upstreams"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    assert_eq!(
        (&of("fix")["tools"], &of("fix")["state"], &of("fix")["via"]),
        (&json!(1_015), &json!("ready"), &json!("stdio"))
    );
    assert_eq!((&of("silent")["tokens"], &of("silent")["state"]), (&json!(null), &json!("starting")));
    assert!(of("broken")["reason"].as_str().unwrap().contains("no licence"));
    let tokens: u64 =
        list["upstreams"].as_array().unwrap().iter().filter_map(|row| row["tokens"].as_u64()).sum();
    assert_eq!((list["tokens"].as_u64(), list["tools"].as_u64()), (Some(tokens), Some(1_030)));
    assert!(tokens > 10_000 && list["ownTokens"].as_u64().is_some_and(|own| own <= 400), "{list}");
}

#[test]
fn without_upstreams_it_says_how_to_get_some() {
    let person = Person::of(&[]);
    let said = person.says(&["list"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "no upstream is configured\n"));
    said.check(0, &["hint: outboard import takes over the servers", "outboard add adds one"]);
    assert_eq!(person.says(&["list", "--json"]).json()["upstreams"], json!([]));
}
