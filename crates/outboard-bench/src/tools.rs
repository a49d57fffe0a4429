//! 10,000 tools of 40 upstreams, made up from words: as many properties, and texts as long, as those of real servers.
//! Computed from their number alone, so that every machine measures the same catalogue.

use serde_json::{Map, Value, json};

/// The upstreams' names.
pub(crate) const UPSTREAMS: [&str; 40] = [
    "github",
    "gitlab",
    "jira",
    "linear",
    "slack",
    "teams",
    "notion",
    "confluence",
    "gmail",
    "calendar",
    "drive",
    "dropbox",
    "box",
    "salesforce",
    "hubspot",
    "zendesk",
    "intercom",
    "stripe",
    "paypal",
    "shopify",
    "postgres",
    "mysql",
    "mongodb",
    "redis",
    "elastic",
    "snowflake",
    "bigquery",
    "datadog",
    "grafana",
    "sentry",
    "pagerduty",
    "aws",
    "azure",
    "gcloud",
    "kubernetes",
    "terraform",
    "docker",
    "figma",
    "asana",
    "trello",
];
/// Tools of each.
pub(crate) const EACH: usize = 250;
/// Tools in all.
pub(crate) const TOOLS: usize = UPSTREAMS.len() * EACH;

/// What is searched for.
pub(crate) const QUERIES: [&str; 12] = [
    "create issue",
    "list open pull requests",
    "send a message to a channel",
    "delete customer",
    "invoice",
    "search documents by author",
    "update record status",
    "github_list_branch",
    "export dashboard as pdf",
    "who is on call",
    "rotate secret",
    "upload a file to a folder and share it with the team",
];

const VERBS: [&str; 10] =
    ["create", "list", "get", "update", "delete", "search", "export", "share", "archive", "assign"];
const NOUNS: [&str; 25] = [
    "issue",
    "pull_request",
    "message",
    "channel",
    "document",
    "page",
    "customer",
    "invoice",
    "order",
    "record",
    "dashboard",
    "alert",
    "secret",
    "file",
    "folder",
    "branch",
    "commit",
    "comment",
    "user",
    "team",
    "project",
    "event",
    "ticket",
    "report",
    "schedule",
];
const PROPERTIES: [(&str, &str); 12] = [
    ("id", "The identifier of the object, as other tools return it."),
    ("query", "Free text to look for; quotes keep words together."),
    ("limit", "How many results to return at most, from 1 to 100."),
    ("cursor", "Where the last answer ended, to go on from there."),
    ("status", "Only objects in this state."),
    ("author", "The user who made the object, by name or email."),
    ("title", "A short title in plain text."),
    ("body", "The content in Markdown; links and mentions are kept."),
    ("labels", "Labels by name; unknown ones are created."),
    ("created_after", "Only objects made after this moment, RFC 3339."),
    ("include_archived", "Whether archived objects count as well."),
    ("target", "Where the result goes to, by identifier or path."),
];

/// The upstreams' listings as Outboard keeps them, in the order of [`UPSTREAMS`].
pub(crate) fn listings() -> Vec<String> {
    let listing = |(number, upstream): (usize, &&str)| {
        let tools: Vec<Value> = (0..EACH).map(|tool| definition(number, upstream, tool)).collect();
        json!({ "tools": tools }).to_string()
    };
    UPSTREAMS.iter().enumerate().map(listing).collect()
}

fn definition(number: usize, upstream: &str, tool: usize) -> Value {
    let (verb, noun) = (VERBS[tool / NOUNS.len()], NOUNS[tool % NOUNS.len()]);
    let words = noun.replace('_', " ");
    let other = NOUNS[(tool * 7 + number) % NOUNS.len()].replace('_', " ");
    let description = format!(
        "{verb} a {words} in {upstream}. Use this when a {words} belongs to a {other} that is known already; for \
         several at once, ask for the {other} first. Returns the {words} with its identifier, state and links. \
         Needs the permission {upstream}:{noun}:{verb}."
    );
    json!({
        "name": format!("{upstream}_{verb}_{noun}"),
        "description": description,
        "inputSchema": input(number + tool),
        "annotations": { "readOnlyHint": matches!(verb, "list" | "get" | "search") },
    })
}

fn input(seed: usize) -> Value {
    let mut properties = Map::new();
    for step in 0..3 + seed % 6 {
        let (name, description) = PROPERTIES[(seed + step * 5) % PROPERTIES.len()];
        let mut schema = match name {
            "limit" => json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 }),
            "labels" => json!({ "type": "array", "items": { "type": "string", "maxLength": 100 } }),
            "include_archived" => json!({ "type": "boolean", "default": false }),
            "status" => json!({ "type": "string", "enum": ["open", "closed", "draft", "blocked", "done"] }),
            "target" => json!({ "anyOf": [{ "type": "string" }, { "type": "object", "properties": {
                "path": { "type": "string" }, "workspace": { "type": "string" } }, "required": ["path"] }] }),
            _ => json!({ "type": "string" }),
        };
        schema["description"] = description.into();
        properties.insert(name.to_owned(), schema);
    }
    let required: Vec<&String> = properties.keys().take(2).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

#[cfg(test)]
mod tests {
    use outboard_runtime::catalogue::Listing;

    use super::*;

    #[test]
    fn the_catalogue_is_as_large_as_real_ones() {
        let listings = listings();
        let tools = |text: &String| serde_json::from_str::<Listing>(text).unwrap().tools.len();
        assert_eq!(listings.iter().map(tools).sum::<usize>(), TOOLS);
        let bytes = listings.iter().map(String::len).sum::<usize>() / TOOLS;
        assert!((1_000..2_000).contains(&bytes), "{bytes} bytes a tool");
    }
}
