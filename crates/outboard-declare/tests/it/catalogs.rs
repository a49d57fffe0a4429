//! Every tool of a directory of real catalogues, replies to `tools/list` as servers sent them.
//! The directory is not part of the repository; without it the test says that it was skipped.

use std::collections::HashSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use outboard_declare::names::{Names, is_identifier};
use outboard_declare::schema::Warning;
use outboard_declare::typescript::{Detail, ToolShape, declare_namespace, declare_tool};
use serde_json::Value;

use super::assert_well_formed;

/// What is odd about real schemas, by tool and place: an `enum` of nothing.
const KNOWN: [(&str, &str); 1] = [("netlify-coding-rules", "input/properties/creationType")];

/// Beside the clone, unless the variable says where.
const CATALOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/catalogs");
const VARIABLE: &str = "OUTBOARD_CATALOGUES";

#[test]
fn every_tool_of_every_catalogue_is_declared() {
    let folder = std::env::var_os(VARIABLE).map_or_else(|| PathBuf::from(CATALOGS), PathBuf::from);
    let Ok(entries) = folder.read_dir() else {
        writeln!(std::io::stderr(), "SKIPPED: no catalogues of real servers at {}", folder.display())
            .unwrap();
        return;
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the directory can be read").path()).collect();
    paths.retain(|path| {
        path.extension().is_some_and(|ending| ending == "json") && !path.ends_with("index.json")
    });
    paths.sort();
    let tools: usize = paths.iter().map(|path| check_catalog(path)).sum();
    eprintln!("declared {tools} tools of {} catalogues", paths.len());
    assert!(tools > 0, "{} holds no tools", folder.display());
}

fn check_catalog(path: &Path) -> usize {
    let reply: Value = serde_json::from_slice(&std::fs::read(path).expect("a catalogue can be read"))
        .expect("a catalogue is JSON");
    let tools = reply["tools"].as_array().expect("a reply lists tools");
    let originals: Vec<&str> = tools.iter().map(name_of).collect();
    let names = Names::assign(&originals, &[]);
    let identifiers: HashSet<&str> = names.iter().map(|(_, identifier)| identifier).collect();
    assert_eq!(
        identifiers.len(),
        originals.iter().collect::<HashSet<_>>().len(),
        "names collide in {}",
        path.display()
    );

    let mut shapes = Vec::new();
    for tool in tools {
        let original = name_of(tool);
        let identifier = names.identifier(original).expect("every tool has a name");
        assert_eq!(names.original(identifier), Some(original));
        assert!(is_identifier(identifier), "{identifier:?}");
        let shape = ToolShape {
            namespace: "ns",
            identifier,
            description: tool["description"].as_str(),
            input: tool.get("inputSchema"),
            output: tool.get("outputSchema"),
            observed: false,
        };
        for detail in [Detail::Name, Detail::Signature, Detail::Full] {
            let declaration = declare_tool(&shape, detail);
            assert_well_formed(&declaration.text);
            assert!(declaration.text.contains(&format!("ns.{identifier}")), "{}", declaration.text);
            let known = |warning: &&Warning| KNOWN.contains(&(original, warning.at.as_str()));
            let odd: Vec<&Warning> = declaration.warnings.iter().filter(|odd| !known(odd)).collect();
            assert!(odd.is_empty(), "{odd:?}: {original} of {}", path.display());
        }
        shapes.push(shape);
    }
    for detail in [Detail::Name, Detail::Signature, Detail::Full] {
        assert_well_formed(&declare_namespace("ns", &shapes, detail).text);
    }
    tools.len()
}

fn name_of(tool: &Value) -> &str {
    tool["name"].as_str().expect("a tool has a name")
}
