//! What the suite writes, and what is shown of it. A scenario passes if none of its checks fails; those that the suite does not
//! score for a revision are counted apart.

use std::{collections::BTreeSet, fmt::Write as _};

use anyhow::{Result, ensure};
use serde::Serialize;

/// What came of one revision's scenarios.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    pub(super) revision: String,
    /// Scenarios that the revision requires.
    pub(super) required: usize,
    pub(super) passing: usize,
    /// Those of them that fail.
    pub(super) failing: Vec<String>,
    /// Scenarios that were run and do not count.
    pub(super) unscored: usize,
}

impl Report {
    /// Reads what the suite wrote.
    ///
    /// # Errors
    /// When it has no summary.
    pub(super) fn read(revision: &str, written: &str) -> Result<Self> {
        let summary = written.split("=== SUMMARY ===").nth(1).unwrap_or_default();
        let (scored, unscored) = summary.split_once("Not scored for").unwrap_or((summary, ""));
        let unscored: BTreeSet<&str> = unscored.lines().filter_map(scenario).map(|(_, name)| name).collect();
        let all = scored.lines().filter_map(scenario);
        let required: Vec<(bool, &str)> = all.filter(|(_, name)| !unscored.contains(name)).collect();
        ensure!(!required.is_empty(), "it has no summary:\n{}", written.trim_end());
        let failing: Vec<String> =
            required.iter().filter(|(passes, _)| !passes).map(|(_, name)| (*name).to_owned()).collect();
        Ok(Self {
            revision: revision.to_owned(),
            required: required.len(),
            passing: required.len() - failing.len(),
            failing,
            unscored: unscored.len(),
        })
    }
}

/// Whether a scenario passes, and its name: `✓ ping: 2 passed, 0 failed` or `  ✗ tasks-lifecycle (extension)`.
fn scenario(line: &str) -> Option<(bool, &str)> {
    let line = line.trim_start();
    let (passes, rest) = match line.strip_prefix("✓ ") {
        Some(rest) => (true, rest),
        None => (false, line.strip_prefix("✗ ")?),
    };
    rest.split([':', ' ']).next().map(|name| (passes, name))
}

/// The reports for people.
pub(super) fn table(reports: &[Report]) -> String {
    let mut text = "MCP's conformance suite, against a server: what each revision requires\n\n".to_owned();
    for Report { revision, required, passing, failing, unscored } in reports {
        let _ = writeln!(
            text,
            "{revision}  {passing} of {required} scenarios pass ({unscored} more are not scored)"
        );
        for name in failing {
            let _ = writeln!(text, "            fails: {name}");
        }
    }
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn required_scenarios_are_counted_and_no_others() {
        let written = "noise\n✓ before: 1 passed, 0 failed\n=== SUMMARY ===\n✓ ping: 2 passed, 0 failed\n\
            ✗ logging-set-level: 1 passed, 1 failed\n✗ tasks-lifecycle: 1 passed, 8 failed\n\nTotal: 4 passed, 9 failed\n\n\
            Not scored for 2025-11-25: 1 scenario(s) run, 1 failing. These do not affect conformance.\n  ✗ tasks-lifecycle (extension)\n";
        let report = Report::read("2025-11-25", written).unwrap();
        let expected = Report {
            revision: "2025-11-25".to_owned(),
            required: 2,
            passing: 1,
            failing: vec!["logging-set-level".to_owned()],
            unscored: 1,
        };
        assert_eq!(report, expected);
        assert!(table(&[report]).contains("1 of 2 scenarios pass (1 more"));
        assert!(Report::read("x", "it crashed").is_err());
    }
}
