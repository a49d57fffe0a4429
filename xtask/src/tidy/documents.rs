//! What people read about the project holds on their machines too, and the changelog is kept.
//! Talks to nothing. Looks at documents, manifests and the CI script; does not follow links.

use super::Finding;

/// Starts of paths that exist on one machine only.
const MACHINE_PATHS: &[&str] = &["/root/", "/home/", "/Users/"];
/// Paths inside the sandbox that documents may show.
const GUEST_PATHS: &[&str] = &["/home/agent"];
/// Hosts that a package client knows by itself and a reader need not.
const REGISTRY_HOSTS: &[&str] = &[
    "crates.io/",
    "index.crates.io",
    "static.crates.io",
    "pypi.org",
    "pythonhosted.org",
    "npmjs.org",
    "npmjs.com",
    "deb.debian.org",
];

/// Finds machine paths and registry hosts in a file that people read.
pub(crate) fn check(path: &str, text: &str) -> Vec<Finding> {
    let manifest = path.ends_with(".toml") && path != "deny.toml";
    if !path.ends_with(".md") && !path.starts_with(".ci/") && !manifest {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        if let Some(found) = machine_path(line) {
            let message = format!(
                "`{found}` exists on one machine only: write a path relative to the clone or the home"
            );
            findings.push(Finding::new(path, number, "document", message));
        }
        if let Some(host) = REGISTRY_HOSTS.iter().find(|host| line.contains(*host)) {
            let message = format!("`{host}` is for the package client to know: name the package only");
            findings.push(Finding::new(path, number, "document", message));
        }
    }
    findings
}

fn machine_path(line: &str) -> Option<&'static str> {
    MACHINE_PATHS.iter().copied().find(|start| {
        line.match_indices(start).any(|(at, _)| {
            // `a/home/b` and `https://host/home/` are no absolute paths.
            let absolute = !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}$*".contains(c));
            absolute && !GUEST_PATHS.iter().any(|guest| line[at..].starts_with(guest))
        })
    })
}

/// Finds a changelog that is missing or has no place for what comes next.
pub(crate) fn check_changelog(text: Option<&str>) -> Vec<Finding> {
    let message = match text {
        None => "missing: keep one after Keep a Changelog",
        Some(text) if !text.lines().any(|line| line.trim_end() == "## [Unreleased]") => {
            "has no `## [Unreleased]` section"
        }
        Some(_) => return Vec::new(),
    };
    vec![Finding::new("CHANGELOG.md", 0, "changelog", message)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_paths_and_registry_hosts_are_found_in_what_people_read() {
        for (path, text, count) in [
            ("README.md", "look at /root/.cache", 1),
            ("README.md", "`/home/someone/x`", 1),
            ("README.md", "`/home/agent/notes.md` in the workspace", 0),
            ("README.md", "/home/agent and /home/else", 1),
            ("README.md", "crates/home/x and ~/.cache", 0),
            ("README.md", "https://example.org/home/", 0),
            ("docs/a.md", "from https://registry.npmjs.org/x", 1),
            (".ci/run", "cd /home/someone/clone", 1),
            (".ci/run", "cd \"$HOME/clone\"", 0),
            ("crates/x/Cargo.toml", "path = \"/root/x\"", 1),
            ("deny.toml", "allow-registry = [\"https://github.com/rust-lang/crates.io-index\"]", 0),
            ("crates/x/src/a.rs", "\"/root/\"", 0),
        ] {
            assert_eq!(check(path, text).len(), count, "{path}: {text}: {:?}", check(path, text));
        }
    }

    #[test]
    fn the_changelog_has_a_place_for_what_comes_next() {
        for (text, count) in [
            (Some("# Changelog\n\n## [Unreleased]\n"), 0),
            (Some("# Changelog\n\n## [1.0.0]\n"), 1),
            (Some("talks about ## [Unreleased] only"), 1),
            (None, 1),
        ] {
            assert_eq!(check_changelog(text).len(), count, "{text:?}");
        }
    }
}
