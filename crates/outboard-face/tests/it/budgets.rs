//! What the tools and instructions cost, whatever the catalogue.

use std::sync::Arc;

use outboard_face::{FaceOptions, Offer};
use outboard_runtime::{
    catalogue::{Annotations, Catalogue, Listing, ToolDefinition, UpstreamState},
    ids::UpstreamName,
    present::count_tokens,
};

use crate::runtime::{catalogue, tool};

fn offer(catalogue: &Catalogue, declarations_budget: usize) -> Offer {
    Offer::new(&catalogue.snapshot(), FaceOptions { declarations_budget, ..FaceOptions::default() })
}

fn description(offer: &Offer) -> &str {
    offer.tools[1].description.as_deref().unwrap()
}

#[test]
fn the_tools_cost_400_tokens_at_most() {
    for (namespaces, tools) in [(0, 0), (1, 2), (3, 500), (40, 500), (500, 500), (10, 10_000), (10_000, 0)] {
        let catalogue = catalogue(namespaces, tools);
        let offer = offer(&catalogue, 0);
        assert!(offer.tokens() <= 400, "{namespaces}: {}", offer.tokens());
        assert!(!offer.complete);
        let instructions = &offer.instructions;
        assert!(instructions.chars().count() <= 2_048, "{}", instructions.chars().count());
        assert!(
            instructions.chars().take(220).collect::<String>().contains("`search` finds"),
            "{instructions}"
        );
        if namespaces > 0 {
            assert!(description(&offer).contains("server_0"), "{}", description(&offer));
        }
        if namespaces >= 500 {
            assert!(description(&offer).ends_with(" more") && instructions.ends_with(" more"));
            assert!(offer.tokens() > 350 && instructions.chars().count() > 2_000);
        }
    }
    let long = "n".repeat(5_000);
    let catalogue = Catalogue::new([UpstreamName::new(long)]);
    assert!(offer(&catalogue, 0).tokens() <= 400);
}

#[test]
fn a_small_catalogue_is_declared_whole_within_its_own_budget() {
    let small = catalogue(2, 6);
    let plain = offer(&small, 0);
    let whole = offer(&small, 1_500);
    assert!(whole.complete && description(&whole).contains("COMPLETE"), "{}", description(&whole));
    for tool in 0..6 {
        assert!(description(&whole).contains(&format!("tool_{tool}(")), "{}", description(&whole));
    }
    assert!(whole.tokens() <= 400 + 1_500);
    assert!(!plain.complete && !description(&plain).contains("COMPLETE"));
    let large = offer(&catalogue(2, 500), 1_500);
    assert!(!large.complete && large.tokens() <= 400);
    assert!(!offer(&small, 20).complete);
    // Escaping in JSON is part of what is billed; the declarations themselves keep to their budget.
    for tools in 1..100 {
        let offer = offer(&catalogue(1, tools), 1_500);
        let declared = description(&offer).split_once("needed:\n").map_or(0, |(_, text)| count_tokens(text));
        assert!(declared <= 1_500 && offer.complete == (declared > 0));
    }
}

#[test]
fn an_unknown_part_of_the_catalogue_is_never_called_complete() {
    let names = ["known", "unknown"].map(UpstreamName::new);
    let catalogue = Catalogue::new(names.clone());
    catalogue.publish(&names[0], Listing { tools: vec![tool("one")], ..Listing::default() });
    assert!(!offer(&catalogue, 1_500).complete);
    catalogue.set_state(&names[1], UpstreamState::Failed { reason: "not found".to_owned() });
    assert!(offer(&catalogue, 1_500).complete);
}

#[test]
fn the_offer_depends_on_the_catalogue_alone() {
    let names = ["b", "a", "c"].map(UpstreamName::new);
    let listing =
        |name: &UpstreamName| Listing { tools: vec![tool(&format!("{name}_tool"))], ..Listing::default() };
    let forward = Catalogue::new(names.clone());
    names.iter().for_each(|name| forward.publish(name, listing(name)));
    let backward = Catalogue::new(names.iter().rev().cloned());
    names.iter().rev().for_each(|name| backward.publish(name, listing(name)));
    for budget in [0, 1_500] {
        assert_eq!(offer(&forward, budget), offer(&backward, budget));
    }
}

#[test]
fn execute_may_do_what_the_worst_tool_may() {
    let reads =
        Annotations { read_only_hint: Some(true), open_world_hint: Some(false), ..Annotations::default() };
    let adds =
        Annotations { read_only_hint: Some(false), destructive_hint: Some(false), ..Annotations::default() };
    let unknown = Annotations::default();
    for (claims, expected) in [
        (vec![reads, reads], (true, false, true, false)),
        (vec![reads, adds], (false, false, false, true)),
        (vec![reads, adds, unknown], (false, true, false, true)),
        (vec![], (false, true, false, true)),
    ] {
        let name = UpstreamName::new("data");
        let catalogue = Catalogue::new([name.clone()]);
        let claiming =
            |claims: &Annotations| Arc::new(ToolDefinition { annotations: *claims, ..(*tool("t")).clone() });
        let tools = claims.iter().map(claiming);
        catalogue.publish(&name, Listing { tools: tools.collect(), ..Listing::default() });
        let offer = offer(&catalogue, 0);
        let hints = offer.tools[1].annotations.as_ref().unwrap();
        let given =
            (hints.read_only_hint, hints.destructive_hint, hints.idempotent_hint, hints.open_world_hint);
        let (reads, destroys, again, open) = expected;
        assert_eq!(given, (Some(reads), Some(destroys), Some(again), Some(open)), "{claims:?}");
    }
}
