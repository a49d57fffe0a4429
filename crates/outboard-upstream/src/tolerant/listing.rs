//! `tools/list`: each tool and each of its fields is read on its own.
//! Asking for further pages is the connection's.

use std::{collections::HashSet, sync::Arc};

use outboard_runtime::{
    catalogue::{Annotations, Listing, ToolDefinition},
    ids::ToolName,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, value::RawValue};

use super::{Members, Warning, kind, member};

/// The longest usable name, in bytes.
const MAX_NAME: usize = 1024;

/// Reads one reply to `tools/list`. What is no object at all lists nothing.
///
/// ```
/// use outboard_upstream::tolerant::parse_listing;
/// let reply = serde_json::json!({"tools": [{"name": "good", "description": 7}, {"name": ""}]});
/// let (listing, warnings) = parse_listing(&reply);
/// assert_eq!(listing.tools[0].name.as_str(), "good");
/// assert_eq!((listing.tools.len(), warnings.len()), (1, 3));
/// ```
pub fn parse_listing(result: &Value) -> (Listing, Vec<Warning>) {
    let text = result.to_string();
    let mut tools = Tools::default();
    match read_page(&text, "tools") {
        Ok(page) => page.items.iter().for_each(|raw| tools.add(raw)),
        Err(reason) => tools.warnings.push(Warning::Cut { reason }),
    }
    (Listing { tools: tools.found, ..Listing::default() }, tools.warnings)
}

/// One page of a listing, its items unread.
pub(crate) struct Page<'a> {
    pub(crate) items: Vec<&'a RawValue>,
    /// The cursor as JSON. An empty one is the end: servers send it where they mean none.
    pub(crate) next: Option<&'a RawValue>,
}

/// Reads a page whose items are this member of it.
pub(crate) fn read_page<'a>(text: &'a str, items: &str) -> Result<Page<'a>, String> {
    let members: Members<'_> =
        serde_json::from_str(text).map_err(|error| format!("the answer is no object ({error})"))?;
    let found = member(&members, items).ok_or_else(|| format!("the answer has no `{items}`"))?;
    let found =
        serde_json::from_str(found.get()).map_err(|_| format!("`{items}` is {}", kind(found.get())))?;
    let next = member(&members, "nextCursor").filter(|raw| raw.get() != "\"\"");
    Ok(Page { items: found, next })
}

/// The tools found so far, over all pages.
#[derive(Default)]
pub(crate) struct Tools {
    pub(crate) found: Vec<Arc<ToolDefinition>>,
    pub(crate) warnings: Vec<Warning>,
    names: HashSet<ToolName>,
    seen: usize,
}

impl Tools {
    pub(crate) fn add(&mut self, raw: &RawValue) {
        self.seen += 1;
        let number = self.seen;
        let named = serde_json::from_str::<Members<'_>>(raw.get())
            .map_err(|_| format!("it is {}, not a readable object", kind(raw.get())))
            .and_then(|members| Ok((usable_name(&members)?, members)));
        match named {
            Err(reason) => self.warnings.push(Warning::Unnamed { number, reason }),
            Ok((name, _)) if self.names.contains(&name) => {
                self.warnings.push(Warning::Duplicate { tool: name.as_str().to_owned() });
            }
            Ok((name, members)) => {
                self.names.insert(name.clone());
                let tool = Fields { members, tool: name.as_str(), warnings: &mut self.warnings }.read(&name);
                self.found.push(Arc::new(tool));
            }
        }
    }
}

fn usable_name(members: &Members<'_>) -> Result<ToolName, String> {
    let raw = member(members, "name").ok_or("it has no name")?;
    let name: String =
        serde_json::from_str(raw.get()).map_err(|_| format!("its name is {}", kind(raw.get())))?;
    match name.len() {
        0 => Err("its name is empty".to_owned()),
        length if length > MAX_NAME => {
            Err(format!("its name has {length} bytes, at most {MAX_NAME} are usable"))
        }
        _ => Ok(ToolName::new(name)),
    }
}

struct Fields<'a, 'w> {
    members: Members<'a>,
    tool: &'w str,
    warnings: &'w mut Vec<Warning>,
}

impl Fields<'_, '_> {
    fn read(mut self, name: &ToolName) -> ToolDefinition {
        let input_schema = self.schema("inputSchema").map(Into::into);
        if member(&self.members, "inputSchema").is_none() {
            self.warn("inputSchema", "it is missing".to_owned());
        }
        let claims: Map<String, Value> = self.field("annotations", "an object").unwrap_or_default();
        let title_claim = claims.get("title").and_then(Value::as_str).map(str::to_owned);
        ToolDefinition {
            name: name.clone(),
            title: self.field("title", "a string").or(title_claim),
            description: self.field("description", "a string"),
            input_schema,
            output_schema: self.schema("outputSchema").map(Into::into),
            annotations: Annotations {
                read_only_hint: self.hint(&claims, "readOnlyHint"),
                destructive_hint: self.hint(&claims, "destructiveHint"),
                idempotent_hint: self.hint(&claims, "idempotentHint"),
                open_world_hint: self.hint(&claims, "openWorldHint"),
            },
        }
    }

    fn schema(&mut self, field: &'static str) -> Option<Value> {
        self.field::<Map<String, Value>>(field, "an object").map(Value::Object)
    }

    fn hint(&mut self, claims: &Map<String, Value>, hint: &'static str) -> Option<bool> {
        match claims.get(hint)? {
            Value::Bool(claimed) => Some(*claimed),
            Value::Null => None,
            _ => {
                self.warn(hint, "it is no boolean".to_owned());
                None
            }
        }
    }

    fn field<T: DeserializeOwned>(&mut self, field: &'static str, expected: &str) -> Option<T> {
        let raw = member(&self.members, field)?;
        match serde_json::from_str(raw.get()) {
            Ok(value) => Some(value),
            Err(error) => {
                self.warn(field, format!("expected {expected}, found {} ({error})", kind(raw.get())));
                None
            }
        }
    }

    fn warn(&mut self, field: &'static str, reason: String) {
        self.warnings.push(Warning::Field { tool: self.tool.to_owned(), field, reason });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_odd_field_costs_itself() {
        let good = json!({"type": "object"});
        // (the tool, which fields are left out)
        let cases = [
            (json!({"name": "t", "inputSchema": good}), vec![]),
            (json!({"name": "t", "inputSchema": good, "title": null, "annotations": null}), vec![]),
            (json!({"name": "t"}), vec!["inputSchema"]),
            (json!({"name": "t", "inputSchema": "x"}), vec!["inputSchema"]),
            (json!({"name": "t", "inputSchema": good, "description": ["x"]}), vec!["description"]),
            (json!({"name": "t", "inputSchema": good, "outputSchema": [1]}), vec!["outputSchema"]),
            (json!({"name": "t", "inputSchema": good, "annotations": 1}), vec!["annotations"]),
            (
                json!({"name": "t", "inputSchema": good, "annotations": {"readOnlyHint": "yes"}}),
                vec!["readOnlyHint"],
            ),
            (json!({"name": "t", "inputSchema": good, "unheard_of": {"a": 1}}), vec![]),
        ];
        for (tool, left_out) in cases {
            let (listing, warnings) = parse_listing(&json!({"tools": [tool]}));
            assert_eq!(listing.tools.len(), 1, "{tool}");
            let fields: Vec<_> = warnings
                .iter()
                .map(|warning| if let Warning::Field { field, .. } = warning { *field } else { "?" })
                .collect();
            assert_eq!(fields, left_out, "{tool}");
        }
    }

    #[test]
    fn a_tool_without_a_usable_name_costs_itself() {
        let long = "n".repeat(MAX_NAME + 1);
        for odd in [json!({}), json!({"name": 7}), json!({"name": ""}), json!("text"), json!({"name": long})]
        {
            let (listing, warnings) =
                parse_listing(&json!({"tools": [odd, {"name": "good", "inputSchema": {}}]}));
            assert_eq!(listing.tools.len(), 1, "{odd}");
            assert!(matches!(warnings[..], [Warning::Unnamed { number: 1, .. }]), "{odd}: {warnings:?}");
        }
    }

    #[test]
    fn the_first_of_two_tools_of_one_name_counts() {
        let tool = |words: &str| json!({"name": "t", "description": words, "inputSchema": {}});
        let (listing, warnings) = parse_listing(&json!({"tools": [tool("first"), tool("second")]}));
        assert_eq!(listing.tools[0].description.as_deref(), Some("first"));
        assert_eq!(warnings, [Warning::Duplicate { tool: "t".to_owned() }]);
    }

    #[test]
    fn a_schema_nested_beyond_reading_costs_itself() {
        let deep = format!("{}{}", "{\"not\":".repeat(500), "{}".to_owned() + &"}".repeat(500));
        let text =
            format!(r#"{{"tools":[{{"name":"t","inputSchema":{deep}}},{{"name":"u","inputSchema":{{}}}}]}}"#);
        let mut tools = Tools::default();
        read_page(&text, "tools").unwrap().items.iter().for_each(|raw| tools.add(raw));
        assert_eq!(tools.found.len(), 2);
        assert!(matches!(tools.warnings[..], [Warning::Field { field: "inputSchema", .. }]));
    }
}
