//! The order of the layers: which crate of the project may use which.
//! Talks to what cargo says about each package. Looks at declared dependencies only, of every kind and platform.

use super::Finding;
use crate::workspace::Package;

/// Every crate with the crates of the project that it may use. `docs/architecture.md` draws the same.
const LAYERS: &[(&str, &[&str])] = &[
    ("outboard-declare", &[]),
    ("outboard-script", &[]),
    ("outboard-search", &[]),
    ("outboard-runtime", &["outboard-declare", "outboard-script", "outboard-search"]),
    ("outboard-jail", &[]),
    ("outboard-workspace", &["outboard-jail", "outboard-runtime"]),
    ("outboard-engines", &["outboard-runtime"]),
    ("outboard-upstream", &["outboard-runtime"]),
    ("outboard-typecheck", &["outboard-runtime"]),
    ("outboard-oauth", &[]),
    ("outboard-openapi", &["outboard-oauth", "outboard-runtime"]),
    ("outboard-face", &["outboard-runtime"]),
    ("outboard-store", &["outboard-runtime"]),
    ("outboard-socket", &["outboard-declare", "outboard-runtime"]),
    ("outboard-agent", &["outboard-runtime"]),
    ("outboard-demo", &["outboard-agent", "outboard-runtime", "outboard-upstream"]),
    (
        "outboard",
        &[
            "outboard-declare",
            "outboard-script",
            "outboard-runtime",
            "outboard-engines",
            "outboard-upstream",
            "outboard-typecheck",
            "outboard-oauth",
            "outboard-openapi",
            "outboard-face",
            "outboard-store",
            "outboard-socket",
            "outboard-agent",
            "outboard-jail",
            "outboard-workspace",
            "outboard-demo",
        ],
    ),
    ("outboard-bench", &["outboard-runtime", "outboard-script", "outboard-engines"]),
    (TESTKIT, &["outboard-declare", "outboard-script", "outboard-runtime"]),
    ("xtask", &[]),
];

/// The crate that only tests may use.
const TESTKIT: &str = "outboard-testkit";

/// Finds edges that point up or sideways, and crates that the table does not know.
pub(crate) fn check(package: &Package) -> Vec<Finding> {
    let path = format!("crates/{}/Cargo.toml", package.name).replace("crates/xtask", "xtask");
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
        let message = format!("`{}` is in no layer: add it to xtask/src/tidy/layers.rs", package.name);
        return vec![Finding::new(&path, 0, "layers", message)];
    };
    let ours = package.dependencies.iter().filter(|dependency| dependency.path.is_some());
    ours.filter_map(|dependency| {
        let name = dependency.name.as_str();
        let for_tests = dependency.kind.as_deref() == Some("dev");
        // A crate may name itself for its tests, to turn a feature of its own on.
        let of_tests = for_tests && (name == package.name || name == TESTKIT && package.name != "xtask");
        if of_tests || allowed.contains(&name) {
            return None;
        }
        let message = if name == TESTKIT {
            format!("`{name}` is for tests: make it a dev-dependency")
        } else {
            format!(
                "`{}` may not use `{name}`: edges point down only, and siblings never see each other",
                package.name
            )
        };
        Some(Finding::new(&path, 0, "layers", message))
    })
    .collect()
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::Dependency;

    pub(in crate::tidy) fn package(name: &str, dependencies: &[(&str, &str)]) -> Package {
        let dependencies = dependencies.iter().map(|(name, kind)| Dependency {
            name: (*name).into(),
            kind: (!kind.is_empty()).then(|| (*kind).into()),
            path: name.starts_with("outboard").then(|| PathBuf::from(name)),
        });
        Package {
            name: name.into(),
            license: Some("Apache-2.0".into()),
            manifest_path: PathBuf::from("Cargo.toml"),
            dependencies: dependencies.collect(),
        }
    }

    #[test]
    fn only_edges_that_point_down_pass() {
        for (name, dependency, kind, passes) in [
            ("outboard-runtime", "outboard-declare", "", true),
            ("outboard-face", "outboard-runtime", "", true),
            ("outboard-demo", "outboard-upstream", "", true),
            ("outboard-demo", "outboard-engines", "", false),
            ("outboard-face", "outboard-upstream", "", false),
            ("outboard-openapi", "outboard-upstream", "", false),
            ("outboard-face", "outboard-upstream", "dev", false),
            ("outboard-engines", "outboard-declare", "", false),
            ("outboard-runtime", "outboard-engines", "build", false),
            ("outboard-declare", "outboard-script", "", false),
            ("outboard", "outboard-face", "", true),
            ("outboard", "outboard-testkit", "", false),
            ("outboard", "outboard-testkit", "dev", true),
            ("outboard-runtime", "outboard-testkit", "dev", true),
            ("outboard-upstream", "outboard-upstream", "dev", true),
            ("outboard-upstream", "outboard-upstream", "", false),
            ("xtask", "outboard-declare", "", false),
            ("xtask", "outboard-testkit", "dev", false),
            ("outboard-novelty", "serde", "", false),
            ("outboard-script", "serde", "", true),
        ] {
            let findings = check(&package(name, &[(dependency, kind)]));
            assert_eq!(findings.is_empty(), passes, "{name} -> {dependency} {kind}: {findings:?}");
        }
    }

    #[test]
    fn the_table_names_each_crate_once_and_only_crates_it_knows() {
        let names: Vec<_> = LAYERS.iter().map(|(name, _)| *name).collect();
        let distinct: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(distinct.len(), names.len());
        assert!(LAYERS.iter().flat_map(|(_, allowed)| *allowed).all(|name| names.contains(name)));
    }
}
