//! Listings of real servers, read without a lost tool. The catalogues lie outside this repository; where
//! they are absent, the test says so and counts as skipped.

use std::{fs, path::Path};

use outboard_upstream::tolerant::parse_listing;
use serde_json::Value;

#[test]
fn every_real_catalogue_is_read_without_a_lost_tool() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/catalogs");
    let Ok(entries) = fs::read_dir(&folder) else {
        outboard_testkit::skip(&format!("no catalogues of real servers at {}", folder.display()));
        return;
    };
    let mut files = 0;
    let mut tools = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let is_listing = path.extension().is_some_and(|ext| ext == "json") && !path.ends_with("index.json");
        if !is_listing {
            continue;
        }
        let catalogue: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let (listing, warnings) = parse_listing(&catalogue);
        assert_eq!(warnings, [], "{}", path.display());
        let sent = catalogue["tools"].as_array().unwrap();
        assert_eq!(listing.tools.len(), sent.len(), "{}", path.display());
        for (tool, sent) in listing.tools.iter().zip(sent) {
            assert_eq!(tool.name.as_str(), sent["name"], "{}", path.display());
            assert_eq!(tool.input().as_deref(), sent.get("inputSchema"), "{}", path.display());
            assert_eq!(tool.description.as_deref(), sent["description"].as_str(), "{}", path.display());
        }
        files += 1;
        tools += sent.len();
    }
    assert!(files > 40 && tools > 1000, "{files} catalogues, {tools} tools");
}
