//! What upstreams list, however oddly, and how changes arrive.
//! The shapes of single tools are tested beside the parser.

use serde_json::json;

use crate::rig::Rig;

fn names(listing: &outboard_runtime::catalogue::Listing) -> Vec<&str> {
    listing.tools.iter().map(|tool| tool.name.as_str()).collect()
}

#[tokio::test]
async fn an_odd_list_loses_nothing_but_its_odd_parts() {
    let plain = Rig::stdio(&[]);
    let honest = plain.listing().await;
    plain.end().await;
    // (switches, tools beyond the honest ones)
    let cases: [(&[&str], usize); 7] = [
        (&["--bad-tool"], 1),
        (&["--nameless-tool"], 0),
        (&["--duplicate-tools"], 0),
        (&["--pages", "4"], 0),
        (&["--repeat-cursor"], 0),
        (&["--pages", "3", "--nameless-tool", "--bad-tool", "--duplicate-tools"], 1),
        (&["--tools", "2000", "--pages", "100"], 2000),
    ];
    for (switches, more) in cases {
        let rig = Rig::stdio(switches);
        let listing = rig.listing().await;
        assert_eq!(listing.tools.len(), honest.tools.len() + more, "{switches:?}");
        assert_eq!(listing.tools[..honest.tools.len()], honest.tools[..], "{switches:?}");
        rig.end().await;
    }
}

#[tokio::test]
async fn an_endless_list_is_cut() {
    for switches in [["--tools", "25000", "--pages", "1"], ["--tools", "15000", "--pages", "5000"]] {
        let rig = Rig::stdio(&switches);
        let listing = rig.listing().await;
        let expected = if switches[3] == "1" { 20_000 } else { 4_000 };
        assert_eq!(listing.tools.len(), expected, "{switches:?}");
        rig.end().await;
    }
}

#[tokio::test]
async fn instructions_and_claims_are_kept() {
    let rig = Rig::stdio(&["--instructions", "Be gentle."]);
    let listing = rig.listing().await;
    assert_eq!(listing.instructions.as_deref(), Some("Be gentle."));
    let add = listing.tools.iter().find(|tool| tool.name.as_str() == "add").unwrap();
    assert_eq!(add.title.as_deref(), Some("Add"));
    assert_eq!(add.annotations.read_only_hint, Some(true));
    assert_eq!(add.output().unwrap()["required"], json!(["sum"]));
    rig.end().await;
}

#[tokio::test]
async fn prompts_and_templates_are_listed_where_there_are_any() {
    for switches in [&["--suite"][..], &["--suite", "--modern-only"]] {
        let rig = Rig::stdio(switches);
        let beside = rig.listing().await.beside.clone();
        let prompts: Vec<&str> = beside.prompts.iter().map(|prompt| prompt.name.as_str()).collect();
        assert_eq!(prompts[..2], ["test_simple_prompt", "test_prompt_with_arguments"], "{switches:?}");
        assert_eq!(beside.prompts[1].definition.to_value()["arguments"][0]["name"], "arg1");
        assert_eq!(beside.templates[0].name, "test://template/{id}/data");
        assert!(beside.resources && beside.subscribe && beside.completions);
        rig.end().await;
    }
    let rig = Rig::stdio(&[]);
    assert!(rig.listing().await.beside.is_empty());
    rig.end().await;
}

#[tokio::test]
async fn a_changed_list_is_published() {
    let rig = Rig::stdio(&["--list-changed"]);
    assert!(!names(&*rig.listing().await).contains(&"late"));
    rig.value("add", json!({})).await;
    rig.listing_where(|listing| names(listing).contains(&"late")).await;
    rig.end().await;
}
