//! Which tools of an upstream count, by patterns over their names. A tool that does not count is nowhere: the
//! catalogue leaves it out before anything else sees it. It judges names alone, never what a tool does.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};
use outboard_declare::names;

/// Bounds on patterns: a project's file is a stranger's.
const PATTERNS: usize = 1_000;
const PATTERN_BYTES: usize = 1_024;

/// Patterns over the names of one upstream's tools. The default lets everything through.
///
/// `*` is any text, `?` one character of ASCII, `[ab]` one of these, `{one,two}` one of those, `\` takes the next character as
/// it is; upper and lower case differ. A pattern is held against the upstream's own name of a tool and against the
/// identifier that scripts use. What is denied stays out, whatever is allowed.
///
/// It does not cover an upstream that lists the same tool under another name: against one that cannot be trusted with
/// its own names, say what is allowed instead of what is denied.
#[derive(Clone, Default)]
pub struct ToolFilter {
    allow: Option<Vec<Pattern>>,
    deny: Vec<Pattern>,
}

/// A text that is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadPattern {
    /// Its place among the patterns.
    pub place: usize,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Clone)]
struct Pattern {
    text: String,
    glob: GlobMatcher,
}

impl ToolFilter {
    /// The filter that lets everything through that is not in `deny`.
    pub fn denying(deny: &[String]) -> Result<Self, BadPattern> {
        Ok(Self { allow: None, deny: patterns(deny)? })
    }

    /// The same filter that lets only `allow` through; nothing, if that is empty.
    pub fn allowing(self, allow: &[String]) -> Result<Self, BadPattern> {
        Ok(Self { allow: Some(patterns(allow)?), ..self })
    }

    /// The patterns as they were given: what is allowed, unless that is everything, and what is denied.
    pub fn patterns(&self) -> (Option<Vec<&str>>, Vec<&str>) {
        fn texts(patterns: &[Pattern]) -> Vec<&str> {
            patterns.iter().map(|pattern| pattern.text.as_str()).collect()
        }
        (self.allow.as_deref().map(texts), texts(&self.deny))
    }

    /// Whether everything is let through.
    pub fn is_open(&self) -> bool {
        self.allow.is_none() && self.deny.is_empty()
    }

    /// Whether a tool of this name would be denied by its name, whether there is one or not.
    pub(super) fn denies(&self, name: &str) -> bool {
        name.len() <= PATTERN_BYTES && self.deny.iter().any(|pattern| pattern.denies(name, name))
    }

    /// Whether the tool of this original name and identifier counts.
    pub(super) fn lets(&self, original: &str, identifier: &str) -> bool {
        !self.deny.iter().any(|pattern| pattern.denies(original, identifier))
            && self.allow.as_ref().is_none_or(|all| all.iter().any(|one| one.allows(original, identifier)))
    }

    /// The patterns that match none of these tools: probably mistyped, so that they hide or allow something in silence.
    pub(super) fn idle<'a>(&self, tools: &(impl Iterator<Item = (&'a str, &'a str)> + Clone)) -> Vec<String> {
        let allows =
            |one: &&Pattern| !tools.clone().any(|(original, identifier)| one.allows(original, identifier));
        let denies =
            |one: &&Pattern| !tools.clone().any(|(original, identifier)| one.denies(original, identifier));
        let allow = self.allow.iter().flatten().filter(allows);
        allow.chain(self.deny.iter().filter(denies)).map(|pattern| pattern.text.clone()).collect()
    }
}

impl Pattern {
    fn allows(&self, original: &str, identifier: &str) -> bool {
        self.glob.is_match(original) || self.glob.is_match(identifier)
    }

    fn denies(&self, original: &str, identifier: &str) -> bool {
        // Of two tools that meet in one identifier one has an ending. Who denies the identifier means both.
        self.allows(original, identifier) || self.glob.is_match(names::identifier(original))
    }
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, BadPattern> {
    if texts.len() > PATTERNS {
        let reason = format!("there are more than {PATTERNS} patterns");
        return Err(BadPattern { place: PATTERNS, reason });
    }
    let pattern = |(place, text): (usize, &String)| {
        let bad = |reason: String| BadPattern { place, reason };
        if text.is_empty() || text.len() > PATTERN_BYTES {
            return Err(bad(format!("a pattern has from 1 to {PATTERN_BYTES} bytes")));
        }
        // Names are no paths: `*` also stands for a `/` in them.
        let glob = GlobBuilder::new(text).literal_separator(false).backslash_escape(true).build();
        let glob = glob.map_err(|error| bad(error.kind().to_string()))?;
        Ok(Pattern { text: text.clone(), glob: glob.compile_matcher() })
    };
    texts.iter().enumerate().map(pattern).collect()
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl PartialEq for ToolFilter {
    fn eq(&self, other: &Self) -> bool {
        (&self.allow, &self.deny) == (&other.allow, &other.deny)
    }
}

impl Eq for ToolFilter {}

impl fmt::Debug for ToolFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts = |patterns: &[Pattern]| patterns.iter().map(|p| p.text.clone()).collect::<Vec<_>>();
        f.debug_struct("ToolFilter")
            .field("allow", &self.allow.as_deref().map(texts))
            .field("deny", &texts(&self.deny))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(allow: Option<&[&str]>, deny: &[&str]) -> ToolFilter {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let filter = ToolFilter::denying(&owned(deny)).unwrap();
        match allow {
            Some(allow) => filter.allowing(&owned(allow)).unwrap(),
            None => filter,
        }
    }

    #[test]
    fn names_and_identifiers_are_matched_and_what_is_denied_stays_out() {
        // (allow, deny, original, identifier, whether it counts)
        for (allow, deny, original, identifier, counts) in [
            (None, &[][..], "any", "any", true),
            (Some(&[][..]), &[], "any", "any", false),
            (Some(&["get_*"]), &[], "get_page", "get_page", true),
            (Some(&["get_*"]), &[], "set_page", "set_page", false),
            (Some(&["get-page"]), &[], "get-page", "get_page", true),
            (Some(&["get_page"]), &[], "get-page", "get_page", true),
            (Some(&["*"]), &["delete*"], "delete/all", "delete_all", false),
            (Some(&["delete_all"]), &["delete_all"], "delete_all", "delete_all", false),
            (None, &["delete_*"], "repo/delete", "repo_delete", true),
            (None, &["*delete*"], "repo/delete.now", "repo_delete_now", false),
            (None, &["{create,delete}_?"], "delete_x", "delete_x", false),
            (None, &["[ab]c"], "bc", "bc", false),
            (None, &[r"a\*c"], "a*c", "a_c", false),
            (None, &[r"a\*c"], "abc", "abc", true),
            (None, &["Delete"], "delete", "delete", true),
            // The ending of a name that another tool displaced does not save it.
            (None, &["delete_repo"], "delete-repo", "delete_repo_k3f9", false),
            (Some(&["delete_repo"]), &[], "delete-repo", "delete_repo_k3f9", false),
            (None, &["*"], "..", "__", false),
            (None, &["?"], "é", "é", true),
            (None, &["*"], "é", "é", false),
        ] {
            let lets = filter(allow, deny).lets(original, identifier);
            assert_eq!(lets, counts, "allow {allow:?} deny {deny:?}: {original}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_told_with_its_place() {
        let many = vec!["a".to_owned(); PATTERNS + 1];
        for (texts, place, says) in [
            (&["ok".to_owned(), "[".to_owned()][..], 1, "unclosed character class"),
            (&["{a".to_owned()], 0, "unclosed alternate"),
            (&[String::new()], 0, "from 1 to"),
            (&["a".repeat(PATTERN_BYTES + 1)], 0, "from 1 to"),
            (&many, PATTERNS, "more than"),
        ] {
            let bad = ToolFilter::denying(texts).unwrap_err();
            assert!(bad.place == place && bad.reason.contains(says), "{bad:?}");
        }
    }

    #[test]
    fn patterns_without_a_tool_are_found() {
        let filter = filter(Some(&["get_*", "gte_page", "list"]), &["create-issue", "creat_issue"]);
        let tools = [("get_page", "get_page"), ("create-issue", "create_issue"), ("list", "list")];
        assert_eq!(filter.idle(&tools.into_iter()), ["gte_page", "creat_issue"]);
    }
}
