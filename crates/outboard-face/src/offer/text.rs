//! The words of the offer. Each costs tokens in every request of every conversation.
//! It does not count them; [`super`] does.

use std::time::Duration;

use outboard_runtime::present::counted;
use serde_json::{Value, json};

pub(super) const SEARCH: &str = "Find tools by task or keyword. Returns purpose and typed signatures, to be \
called in `execute`. Search once for the whole task; an empty query lists the namespaces.";

const EXECUTE: &str = "Run a TypeScript or Python script in which every tool is an async function: \
`await namespace.tool({ … })`, in Python `tool(a=…)`. Only what it returns and logs \
comes back, so do the whole task in one script: page, filter, join and aggregate there, run independent calls together, and `return` a \
small result. Failed calls throw ToolError. No network or files. \
In the script: tools.search(query), tools.describe(name), results.get(handle) for long results.";

/// Told where there are such things.
pub(super) const BESIDE: &str =
    "\nAlso there: resources.list(namespace), resources.read(uri), prompts.get(name, args).";

pub(super) const BASH: &str = "Run a command in this session's workspace: Linux with bash, Python and files that last, \
without a network. `cat README.md` there first: it says how to call the same tools from Python. Returns the exit code and what was written.";

const ESSENTIAL: &str = "Outboard: many tools behind two. `execute` runs a TypeScript or Python script that calls them: \
`await namespace.tool({ … })`; only its value comes back. `search` finds tools and signatures.";

const ADVICE: &str = "Prefer one script that does the whole task to one call per turn, and return only what the \
answer needs.";

pub(super) fn search_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "query": { "type": "string" },
            "limit": { "type": "integer", "description": "default 8" },
            "detail": { "type": "string", "enum": ["name", "signature", "full"] },
            "language": language(),
        },
        "required": ["query"],
    })
}

pub(super) fn execute_schema(result_budget: usize) -> Value {
    json!({
        "type": "object",
        "properties": {
            "code": { "type": "string", "description": "top-level await; ends with the value" },
            "language": language(),
            "max_tokens": { "type": "integer", "description": format!("of the result, default {result_budget}") },
            "resume": { "type": "string", "description": "a run still running" },
        },
    })
}

pub(super) fn bash_schema(most: Duration) -> Value {
    let most = format!("seconds, at most and by default {}", most.as_secs_f64());
    json!({
        "type": "object",
        "properties": {
            "command": { "type": "string" },
            "timeout": { "type": "number", "description": most },
        },
        "required": ["command"],
    })
}

fn language() -> Value {
    json!({ "type": "string", "enum": ["typescript", "python"] })
}

/// The description of `execute`, with the line on namespaces if there is one.
pub(super) fn execute(namespaces: &str) -> String {
    if namespaces.is_empty() { EXECUTE.to_owned() } else { format!("{EXECUTE}\n{namespaces}") }
}

pub(super) fn with_declarations(execute: &str, declarations: &str) -> String {
    format!("{execute}\nCOMPLETE list of tools, no search needed:\n{declarations}")
}

/// `Namespaces: a, b and 12 more` with the first `shown` of `names`.
pub(super) fn namespaces(names: &[&str], shown: usize) -> String {
    let shown = shown.min(names.len());
    let left = names.len() - shown;
    match (shown, left) {
        (0, 0) => "No tools are configured.".to_owned(),
        (0, left) => counted(left, "namespace") + ".",
        (_, 0) => format!("Namespaces: {}", names[..shown].join(", ")),
        (_, left) => format!("Namespaces: {} and {left} more", names[..shown].join(", ")),
    }
}

/// The instructions in at most `most` characters.
pub(super) fn instructions(names: &[&str], most: usize) -> String {
    let start = format!("{ESSENTIAL}\n{ADVICE}\n");
    let room = most.saturating_sub(start.chars().count());
    let counts: Vec<usize> = (1..=names.len().min(most)).collect();
    let shown = counts.partition_point(|shown| namespaces(names, *shown).chars().count() <= room);
    format!("{start}{}", namespaces(names, shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_essential_comes_first() {
        assert!(ESSENTIAL.chars().count() <= 220, "{}", ESSENTIAL.chars().count());
    }

    #[test]
    fn namespaces_are_named_or_counted() {
        let names = ["a", "b", "c"];
        for (shown, expected) in [
            (0, "3 namespaces."),
            (1, "Namespaces: a and 2 more"),
            (3, "Namespaces: a, b, c"),
            (9, "Namespaces: a, b, c"),
        ] {
            assert_eq!(namespaces(&names, shown), expected);
        }
        assert_eq!(namespaces(&[], 0), "No tools are configured.");
    }
}
