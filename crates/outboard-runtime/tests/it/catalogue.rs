//! The set of upstreams: names over the whole of it, who may speak for whom, and tools that are nowhere.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use outboard_runtime::catalogue::{
    Annotations, Catalogue, Listing, Occupant, Placing, SearchRequest, Terms, ToolDefinition, ToolFilter,
    UpstreamState,
};

fn listing(names: &[&str]) -> Listing {
    let tool = |name: &&str| {
        Arc::new(ToolDefinition {
            name: (*name).into(),
            title: None,
            description: Some("Works on issues.".to_owned()),
            input_schema: None,
            output_schema: None,
            annotations: Annotations::default(),
        })
    };
    Listing { tools: names.iter().map(tool).collect(), ..Listing::default() }
}

fn same(name: &str) -> Placing {
    Placing::new(name.into())
}

fn another(name: &str) -> Placing {
    Placing { occupant: Occupant::New { kept: None, state: UpstreamState::Starting }, ..same(name) }
}

fn namespaces(catalogue: &Catalogue) -> BTreeMap<String, String> {
    let text = |member: &Arc<_>| {
        let member: &outboard_runtime::catalogue::Member = member;
        (member.upstream.to_string(), member.namespace.to_string())
    };
    catalogue.snapshot().members().iter().map(text).collect()
}

fn named(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(upstream, namespace)| ((*upstream).to_owned(), (*namespace).to_owned())).collect()
}

#[test]
fn namespaces_stay_while_others_come_and_go() {
    let catalogue = Catalogue::new(["data-tools".into(), "wiki".into()]);
    catalogue.arrange([same("data-tools"), same("data_tools"), same("wiki")]);
    let both = namespaces(&catalogue);
    assert_eq!((both["data-tools"].as_str(), both["wiki"].as_str()), ("data_tools", "wiki"));
    let later = both["data_tools"].clone();
    assert!(later.starts_with("data_tools_"), "{later}");
    // What is gone frees its name for what comes.
    catalogue.arrange([same("data_tools"), same("data.tools")]);
    assert_eq!(namespaces(&catalogue), named(&[("data_tools", &later), ("data.tools", "data_tools")]));
}

#[test]
fn only_the_one_that_has_the_seat_is_heard() {
    let catalogue = Catalogue::new(["a".into(), "b".into()]);
    let before = catalogue.seat(&"a".into());
    before.publish(listing(&["old"]));
    catalogue.arrange([same("a"), same("b")]);
    before.set_state(UpstreamState::Ready { took: Duration::ZERO });
    assert!(catalogue.snapshot().resolve("a", "old").is_ok(), "an unchanged upstream keeps its tools");
    let seats = catalogue.arrange([another("a"), same("b")]);
    before.publish(listing(&["old"]));
    before.set_state(UpstreamState::Failed { reason: "it ended".to_owned() });
    let snapshot = catalogue.snapshot();
    let member = snapshot.member("a").unwrap();
    assert_eq!((&member.state, &member.listing), (&UpstreamState::Starting, &None));
    seats.iter().find(|seat| seat.upstream().as_str() == "a").unwrap().publish(listing(&["new"]));
    assert!(catalogue.snapshot().resolve("a", "new").is_ok());
    catalogue.arrange([same("b")]);
    before.publish(listing(&["old"]));
    assert!(catalogue.snapshot().member("a").is_none());
}

#[test]
fn hidden_tools_are_nowhere_and_come_back() {
    let catalogue = Catalogue::new(["hub".into()]);
    catalogue.publish(&"hub".into(), listing(&["create-issue", "delete-issue", "delete_all", "list"]));
    let names = catalogue.snapshot().members()[0].identifiers.to_vec();
    let filter = ToolFilter::denying(&["delete*".to_owned()]).unwrap();
    let terms = Terms { tools: filter, ..Terms::default() };
    catalogue.arrange([Placing { terms, ..same("hub") }]);
    let snapshot = catalogue.snapshot();
    assert_eq!(snapshot.tool_count(), 2);
    let member = &snapshot.members()[0];
    assert_eq!(*member.identifiers, ["create_issue".to_owned(), "list".to_owned()]);
    let mut seen = snapshot.declarations(10_000).unwrap();
    for query in ["", "delete", "issue", "hub.delete_all", "hub.delete-issue", "hub[\"delete-issue\"]"] {
        seen += &snapshot.answer(&SearchRequest { query: query.to_owned(), ..SearchRequest::default() });
    }
    for tool in ["delete_issue", "delete-issue", "delete_all", "delete_isue", "deleteIssue"] {
        let unknown = snapshot.resolve("hub", tool).unwrap_err().explain("hub", tool);
        assert!(unknown.starts_with(&format!("hub has no tool `{tool}`")), "{unknown}");
        seen += &unknown.replacen(tool, "", 1);
    }
    assert!(!seen.contains("delete"), "{seen}");
    assert_eq!(member.whole.as_ref().unwrap().tools.len(), 4, "it is kept whole");

    // A later list goes through the same filter.
    catalogue.publish(&"hub".into(), listing(&["create-issue", "delete-more"]));
    assert_eq!(*catalogue.snapshot().members()[0].identifiers, ["create_issue".to_owned()]);
    catalogue.publish(&"hub".into(), listing(&["create-issue", "delete-issue", "delete_all", "list"]));
    catalogue.arrange([same("hub")]);
    assert_eq!(catalogue.snapshot().members()[0].identifiers.to_vec(), names);
}

#[test]
fn patterns_without_a_tool_are_known() {
    let catalogue = Catalogue::new(["hub".into()]);
    let filter = ToolFilter::denying(&["delete*".to_owned(), "creat_issue".to_owned()]).unwrap();
    let terms = Terms { tools: filter, ..Terms::default() };
    catalogue.arrange([Placing { terms, ..same("hub") }]);
    assert_eq!(catalogue.snapshot().members()[0].idle_patterns.to_vec(), [""; 0]);
    catalogue.publish(&"hub".into(), listing(&["create-issue", "delete-issue"]));
    assert_eq!(catalogue.snapshot().members()[0].idle_patterns.to_vec(), ["creat_issue"]);
}
