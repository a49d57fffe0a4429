//! Catalogues of real servers: every tool is there, under a name that leads back to it.

use std::{collections::HashSet, path::Path};

use outboard_runtime::{catalogue::Catalogue, ids::UpstreamName};
use outboard_upstream::tolerant::parse_listing;
use serde_json::Value;

#[test]
fn every_catalogue_of_real_servers_loads_without_a_lost_tool() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/catalogs");
    let Ok(files) = std::fs::read_dir(&folder) else {
        outboard_testkit::skip(&format!("no catalogues of real servers at {}", folder.display()));
        return;
    };
    let listings: Vec<(UpstreamName, Value)> = files
        .map(|file| file.unwrap().path())
        .filter(|path| {
            path.extension().is_some_and(|e| e == "json") && path.file_stem().is_some_and(|s| s != "index")
        })
        .map(|path| {
            let name = UpstreamName::new(path.file_stem().unwrap().to_string_lossy());
            (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect();
    assert!(listings.len() >= 51, "{}", listings.len());
    let catalogue = Catalogue::new(listings.iter().map(|(name, _)| name.clone()));
    let mut tools = 0;
    for (name, reply) in &listings {
        let listed = reply["tools"].as_array().unwrap().len();
        let (listing, _) = parse_listing(reply);
        assert_eq!(listing.tools.len(), listed, "{name}");
        tools += listed;
        catalogue.publish(name, listing);
    }
    let snapshot = catalogue.snapshot();
    assert_eq!(snapshot.tool_count(), tools);
    let mut called = HashSet::new();
    for member in snapshot.members() {
        for (identifier, tool) in member.tools() {
            for name in [identifier, tool.name.as_str()] {
                let found = snapshot.resolve(member.namespace.as_str(), name).unwrap();
                assert_eq!(found.tool.name, tool.name, "{}.{name}", member.namespace);
            }
            assert!(called.insert(format!("{}.{identifier}", member.namespace)));
        }
    }
    println!("{tools} tools of {} servers", listings.len());
}
