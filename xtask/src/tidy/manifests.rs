//! What every crate's manifest must say: the project's licence and lints, taken from the workspace.
//! Talks to what cargo says about each package and to the manifest's text. Checks no dependency.

use super::Finding;
use crate::workspace::Package;

const LICENCE: &str = "Apache-2.0";
/// Lines that a manifest takes from the workspace, with what is lost otherwise.
const INHERITED: &[(&str, &str, &str)] = &[
    ("", "license.workspace = true", "the licence is stated once"),
    ("[lints]", "workspace = true", "the lints hold for every crate"),
];

/// Checks the package whose manifest is `text`.
pub(crate) fn check(path: &str, package: &Package, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    if package.license.as_deref() != Some(LICENCE) {
        let stated = package.license.as_deref().unwrap_or("nothing");
        findings.push(Finding::new(
            path,
            0,
            "manifest",
            format!("the licence must be {LICENCE}, it says {stated}"),
        ));
    }
    for (table, line, why) in INHERITED {
        let place = if table.is_empty() { "[package]" } else { table };
        let mut current = "";
        let found = text.lines().map(str::trim).any(|each| {
            if each.starts_with('[') {
                current = each;
            }
            current == place && each == *line
        });
        if !found {
            findings.push(Finding::new(path, 0, "manifest", format!("{place} needs `{line}`: {why}")));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::layers::tests::package;

    #[test]
    fn licence_and_lints_come_from_the_workspace() {
        let whole = "[package]\nlicense.workspace = true\n[lints]\nworkspace = true\n";
        for (text, licence, count) in [
            (whole, Some("Apache-2.0"), 0),
            (whole, Some("MIT"), 1),
            (whole, None, 1),
            ("[package]\nlicense = \"Apache-2.0\"\n[lints]\nworkspace = true\n", Some("Apache-2.0"), 1),
            ("[package]\nlicense.workspace = true\n[other]\nworkspace = true\n", Some("Apache-2.0"), 1),
            ("", Some("Apache-2.0"), 2),
        ] {
            let mut package = package("outboard-face", &[]);
            package.license = licence.map(Into::into);
            let findings = check("Cargo.toml", &package, text);
            assert_eq!(findings.len(), count, "{text}: {findings:?}");
        }
    }
}
