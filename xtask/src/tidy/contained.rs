//! Heavy or telling dependencies, each kept to the crates whose job needs it.
//! Talks to what cargo says about each package. What the tree as a whole may hold is `deny.toml`'s to say.

use super::Finding;
use crate::workspace::Package;

/// A dependency, by name or by prefix with `*`, the crates that may declare it, and why no other.
const CONTAINED: &[(&str, &[&str], &str)] = &[
    ("wasmtime*", &["outboard-engines"], "the sandbox has one home"),
    ("rmcp*", &["outboard-face", "outboard-demo"], "the rest does not depend on one library's view of MCP"),
    ("oxc*", &["outboard-script"], "the syntax tree stays behind the script's own types"),
    ("ruff*", &["outboard-script"], "the syntax tree stays behind the script's own types"),
    (
        "reqwest",
        &["outboard-upstream", "outboard-openapi", "outboard-agent", "outboard-workspace"],
        "only upstreams, models and remote sandboxes are reached over the network",
    ),
    (
        "hyper*",
        &["outboard-upstream", "outboard-openapi", "outboard-agent", "outboard-face"],
        "only upstreams and models are reached over the network, and only clients are answered",
    ),
    ("jsonschema", &["outboard-runtime"], "schemas are checked in the broker, with its bounds"),
    ("cel*", &["outboard-runtime"], "conditions of rules are evaluated with the bounds of the policy"),
    (
        "clap*",
        &["outboard", "xtask", "outboard-testkit", "outboard-bench"],
        "only programs have a command line",
    ),
    ("anyhow", &["xtask"], "errors are types, defined beside the code that raises them"),
    ("seccompiler", &["outboard-jail"], "one list of system calls, in the launcher"),
    ("landlock", &["outboard-jail"], "the jail has one home"),
    ("nix", &["outboard-jail"], "namespaces and mounts are the launcher's"),
    ("libc", &["outboard-jail"], "system calls are the launcher's"),
    ("rusqlite", &["outboard-store"], "the rest knows journals and no SQL"),
    ("sqlx*", &[], "there is one SQL stack, rusqlite in outboard-store"),
];

/// Finds dependencies declared where they do not belong, for tests and build scripts too.
pub(crate) fn check(package: &Package) -> Vec<Finding> {
    let path = format!("crates/{}/Cargo.toml", package.name).replace("crates/xtask", "xtask");
    let misplaced = package.dependencies.iter().filter_map(|dependency| {
        let (_, homes, why) = CONTAINED.iter().find(|(pattern, ..)| matches(pattern, &dependency.name))?;
        if homes.contains(&package.name.as_str()) {
            return None;
        }
        let homes = if homes.is_empty() { "nowhere".into() } else { format!("only in {}", homes.join(", ")) };
        let message = format!("`{}` may be used {homes}: {why}", dependency.name);
        Some(Finding::new(&path, 0, "contained", message))
    });
    misplaced.collect()
}

/// A prefix ends at a word: `oxc*` is `oxc` and `oxc_parser`, not `oxcart`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => {
            name.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
        }
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::layers::tests::package;

    #[test]
    fn each_contained_dependency_passes_only_at_home() {
        for (name, dependency, passes) in [
            ("outboard-engines", "wasmtime", true),
            ("outboard", "wasmtime", false),
            ("outboard-runtime", "wasmtime-wasi", false),
            ("outboard-demo", "rmcp", true),
            ("outboard-upstream", "rmcp", false),
            ("outboard-script", "oxc_parser", true),
            ("outboard-runtime", "oxc_span", false),
            ("outboard-runtime", "oxcart", true),
            ("outboard-face", "reqwest", false),
            ("outboard-openapi", "reqwest", true),
            ("outboard-declare", "jsonschema", false),
            ("outboard-testkit", "clap", true),
            ("outboard-demo", "clap", false),
            ("outboard", "anyhow", false),
            ("xtask", "anyhow", true),
            ("outboard-runtime", "rusqlite", false),
            ("outboard-store", "rusqlite", true),
            ("outboard-store", "sqlx", false),
        ] {
            for kind in ["", "dev", "build"] {
                let findings = check(&package(name, &[(dependency, kind)]));
                assert_eq!(findings.is_empty(), passes, "{name} -> {dependency} {kind}: {findings:?}");
            }
        }
    }
}
