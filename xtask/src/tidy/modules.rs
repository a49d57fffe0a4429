//! Names and places of modules: `foo.rs` beside `foo/`, and names that say what is inside.
//! Talks to nothing. Judges names by a short list; better names are for the reader to ask for.

use super::Finding;
use super::source::Source;

/// Names under which anything can be put, so everything ends up there.
const BANNED: &[&str] = &["utils", "util", "helpers", "helper", "common", "manager", "misc"];

/// Finds `mod.rs` and modules with names that say nothing.
pub(crate) fn check(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if source.path.ends_with("/mod.rs") {
        findings.push(Finding::new(
            source.path,
            0,
            "module",
            "no mod.rs: move it to the folder's name with .rs",
        ));
    }
    let empty_name = |name: &str| format!("a module called `{name}` says nothing: name it by what it holds");
    let segments = source.path.trim_end_matches(".rs").split('/');
    for name in segments.filter(|segment| BANNED.contains(segment)) {
        findings.push(Finding::new(source.path, 0, "module", empty_name(name)));
    }
    for (index, token) in source.code.iter().enumerate() {
        let name = source.text_at(index + 1);
        if token.text == "mod" && BANNED.contains(&name) && matches!(source.text_at(index + 2), ";" | "{") {
            findings.push(Finding::new(source.path, token.line, "module", empty_name(name)));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_names_and_mod_rs_are_found_wherever_they_stand() {
        for (path, text, count) in [
            ("crates/x/src/run.rs", "mod journal;", 0),
            ("crates/x/src/run/mod.rs", "", 1),
            ("crates/x/src/utils.rs", "", 1),
            ("crates/x/src/common/clock.rs", "", 1),
            ("crates/x/src/lib.rs", "mod helpers { }", 1),
            ("crates/x/src/lib.rs", "pub(crate) mod misc;", 1),
            ("crates/x/tests/it/manager.rs", "", 1),
            ("crates/x/src/lib.rs", "// mod utils;\nlet mod_utils = \"mod utils;\";", 0),
        ] {
            assert_eq!(check(&Source::new(path, text, false)).len(), count, "{path} {text}");
        }
    }
}
