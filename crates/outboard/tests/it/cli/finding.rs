//! `outboard search` and `outboard describe`.

use serde_json::json;

use super::Person;
use crate::harness::{Session, fixture};

#[test]
fn a_search_answers_as_a_models_does() {
    let mut session = Session::with(&[]);
    let person = Person::with(&[]);
    for (words, request) in [
        (&["adds", "two", "numbers"][..], json!({"query": "adds two numbers"})),
        (
            &["--limit", "1", "--detail", "name", "effect"],
            json!({"query": "effect", "limit": 1, "detail": "name"}),
        ),
        (&["fix.add", "--detail", "full"], json!({"query": "fix.add", "detail": "full"})),
        (&["nothing that there is"], json!({"query": "nothing that there is"})),
        (&[], json!({"query": ""})),
    ] {
        let (_, seen) = session.client.call("search", request);
        assert_eq!(person.says(&[&["search"], words].concat()).fine(), format!("{seen}\n"), "{words:?}");
    }
    person.says(&["search", "--detail", "all", "x"]).check(2, &["--detail"]);
}

#[test]
fn a_search_for_a_machine_is_one_object() {
    let person = Person::of(&[("fix", fixture(&[])), ("gone", json!({"command": "/no/such/program"}))]);
    let said = person.says(&["search", "--json", "--limit", "1", "adds two numbers"]);
    let found = said.json();
    assert_eq!(found["query"], "adds two numbers");
    assert_eq!(found["tools"][0]["name"], "fix.add");
    assert!(found["tools"][0]["signature"].as_str().unwrap().starts_with("fix.add(input"), "{found}");
    assert_eq!(found["tools"].as_array().unwrap().len(), 1);
    assert_eq!(
        found["namespaces"][0],
        json!({"namespace": "fix", "upstream": "fix", "tools": 15, "failed": null})
    );
    assert!(found["namespaces"][1]["failed"].as_str().unwrap().contains("is it installed"), "{found}");
}

#[test]
fn kept_lists_answer_without_starting_anything() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let person = Person::with(&["--slow-start", "300", "--log", log.to_str().unwrap()]);
    assert!(person.says(&["search", "adds two numbers"]).fine().contains("fix.add("));
    std::fs::remove_file(&log).unwrap();
    for arguments in [
        &["search", "adds two numbers"][..],
        &["describe", "fix.add"],
        &["describe", "fix"],
        &["search", "--json", "fix.add"],
    ] {
        assert!(person.says(arguments).fine().contains("fix.add"), "{arguments:?}");
    }
    assert!(!log.exists(), "the upstream was not started again");
}

#[test]
fn describe_tells_all_of_a_tool_or_the_tools_of_a_namespace() {
    let person = Person::of(&[
        ("data-tools", fixture(&["--instructions", "Ask first."])),
        ("none", json!({"command": "/no"})),
    ]);
    let said = person.says(&["describe", "data-tools.add"]);
    assert!(
        said.fine().contains("data_tools.add(input") && said.out.contains("Adds two numbers"),
        "{said:?}"
    );
    let tool = person.says(&["describe", "--json", "data_tools.add"]).json();
    assert_eq!(
        (&tool["name"], &tool["upstream"], &tool["tool"]),
        (&json!("data_tools.add"), &json!("data-tools"), &json!("add"))
    );
    assert_eq!(
        (&tool["inputSchema"]["type"], &tool["annotations"]["readOnlyHint"]),
        (&json!("object"), &json!(true))
    );
    let said = person.says(&["describe", "data_tools"]);
    assert!(said.fine().contains("data_tools.add(") && said.out.contains("data_tools.effects("), "{said:?}");
    let namespace = person.says(&["describe", "--json", "data-tools"]).json();
    assert_eq!(
        (&namespace["namespace"], &namespace["instructions"]),
        (&json!("data_tools"), &json!("Ask first."))
    );
    assert_eq!(namespace["tools"].as_array().unwrap().len(), 15);

    person.says(&["describe", "data_tools.ad"]).check(1, &["did you mean `data_tools.add`?"]);
    person.says(&["describe", "date_tools"]).check(1, &["did you mean `data_tools`?"]);
    person.says(&["describe", "none.x"]).check(1, &["none is not available", "hint: outboard doctor"]);
    person.says(&["describe", "none"]).check(1, &["none is not available"]);
    let said = person.says(&["describe", "none", "--json"]);
    said.check(1, &["none is not available"]);
    assert!(said.json()["error"]["message"].as_str().unwrap().contains("is it installed"), "{said:?}");
}
