//! `cargo xtask tidy`: the invariants of the source tree that a program can check, each in a module of its own.
//! Talks to the file system and to `cargo metadata`. Changes nothing: it only says where what is wrong.

mod contained;
mod documents;
mod heads;
mod layers;
mod lexer;
mod manifests;
mod modules;
mod notes;
mod sizes;
mod source;
mod tokens;
mod tree;

use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::steps::say;
use crate::workspace::{self, Metadata};
use source::Source;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    /// The path from the workspace root.
    path: String,
    /// The line from 1; 0 when the whole file is meant.
    line: usize,
    /// The rule's name.
    rule: &'static str,
    /// What is wrong and what to do.
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, rule: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.into(), line, rule, message: message.into() }
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            0 => write!(f, "{}: {} [{}]", self.path, self.message, self.rule),
            line => write!(f, "{}:{line}: {} [{}]", self.path, self.message, self.rule),
        }
    }
}

/// A rule about one Rust file.
type SourceRule = fn(&Source<'_>) -> Vec<Finding>;

const SOURCE_RULES: &[SourceRule] = &[
    sizes::check,
    heads::check,
    modules::check,
    notes::check,
    tokens::prints,
    tokens::allows,
    tokens::unsafes,
    tokens::unwraps,
];

/// Prints what is wrong to stderr.
///
/// # Errors
/// When something is wrong, or the tree cannot be read.
pub(crate) fn run() -> Result<ExitCode> {
    check()?;
    say("tidy: nothing to say");
    Ok(ExitCode::SUCCESS)
}

/// The same for a step of a larger command.
///
/// # Errors
/// As [`run`].
pub(crate) fn check() -> Result<()> {
    let findings = findings()?;
    for finding in &findings {
        say(&finding.to_string());
    }
    ensure!(
        findings.is_empty(),
        "{} finding(s), each with its rule's name at the end of the line",
        findings.len()
    );
    Ok(())
}

fn findings() -> Result<Vec<Finding>> {
    let root = workspace::root();
    let files = tree::read(&root)?;
    let metadata = Metadata::load()?;
    let mut findings = Vec::new();

    let rust = || files.iter().filter(|file| file.path.ends_with(".rs"));
    let declared: std::collections::HashSet<_> =
        rust().flat_map(|file| Source::new(&file.path, &file.text, false).test_modules()).collect();
    for file in rust() {
        let stem = file.path.trim_end_matches(".rs");
        let test_only = declared.iter().any(|module| {
            stem.strip_prefix(module.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let source = Source::new(&file.path, &file.text, test_only);
        findings.extend(SOURCE_RULES.iter().flat_map(|rule| rule(&source)));
    }
    for file in &files {
        findings.extend(notes::check_plain(&file.path, &file.text));
        findings.extend(documents::check(&file.path, &file.text));
    }
    findings.extend(documents::check_changelog(
        files.iter().find(|file| file.path == "CHANGELOG.md").map(|file| file.text.as_str()),
    ));
    for package in &metadata.packages {
        findings.extend(layers::check(package));
        findings.extend(contained::check(package));
        let path = package.manifest_path.strip_prefix(&root).unwrap_or(&package.manifest_path);
        let path = path.to_string_lossy().replace('\\', "/");
        let text = files.iter().find(|file| file.path == path).map_or("", |file| file.text.as_str());
        findings.extend(manifests::check(&path, package, text));
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tidy_finds_nothing_in_this_workspace() {
        let findings = findings().unwrap();
        let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "\n{}\n", lines.join("\n"));
    }

    #[test]
    fn a_finding_says_where_what_and_which_rule() {
        assert_eq!(Finding::new("a.rs", 3, "print", "x").to_string(), "a.rs:3: x [print]");
        assert_eq!(Finding::new("a.rs", 0, "size", "x").to_string(), "a.rs: x [size]");
    }
}
