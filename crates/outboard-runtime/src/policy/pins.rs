//! What a person accepted of an upstream's tools: a hash of what matters in each definition. The order in which an
//! upstream writes things down does not matter. It does not say what follows from a difference.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    catalogue::{Listing, Schema, ToolDefinition},
    ids::ToolName,
    policy::Standing,
};

/// Keywords of JSON Schema whose lists are sets: their order says nothing.
const SETS: [&str; 7] = ["required", "enum", "type", "anyOf", "oneOf", "allOf", "dependentRequired"];

/// SHA-256 of what matters in a tool's definition: its name, title, description, both schemas and what it claims.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pin([u8; 32]);

/// The tools of one upstream as a person accepted them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(BTreeMap<ToolName, Pin>);

/// How one tool differs from what was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It was not there.
    Added(ToolName),
    /// It is not there any more.
    Removed(ToolName),
    /// It is another by now.
    Changed {
        /// Which.
        tool: ToolName,
        /// What has changed of it: the part, what it was and what it is, as text.
        parts: Vec<(&'static str, String, String)>,
    },
}

impl Pin {
    /// The pin of a definition.
    pub fn of(tool: &ToolDefinition) -> Self {
        let mut text = String::new();
        for (part, value) in parts(tool) {
            text.push_str(part);
            text.push('=');
            text.push_str(&value);
            text.push('\n');
        }
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Serialize for Pin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Pin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut hash = [0; 32];
        for (at, byte) in hash.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).unwrap_or_default();
            *byte = u8::from_str_radix(digits, 16).map_err(D::Error::custom)?;
        }
        Ok(Self(hash))
    }
}

impl Pins {
    /// The pins of all tools of a listing.
    pub fn of(listing: &Listing) -> Self {
        Self(listing.tools.iter().map(|tool| (tool.name.clone(), Pin::of(tool))).collect())
    }

    /// How a tool stands against what was accepted.
    pub fn standing(&self, tool: &ToolDefinition) -> Standing {
        match self.0.get(&tool.name) {
            None => Standing::New,
            Some(pin) if *pin == Pin::of(tool) => Standing::Accepted,
            Some(_) => Standing::Changed,
        }
    }

    /// One hash over all of them, lower-case hexadecimal SHA-256: the same for the same definitions in any order.
    pub fn hash(&self) -> String {
        let text: String =
            self.0.iter().map(|(name, pin)| format!("{}={pin}\n", quoted(name.as_str()))).collect();
        Pin(Sha256::digest(text.as_bytes()).into()).to_string()
    }
}

impl Difference {
    /// What differs between two listings in something that matters, by name.
    pub fn between(before: &Listing, now: &Listing) -> Vec<Self> {
        let named = |listing: &Listing| -> BTreeMap<ToolName, usize> {
            listing.tools.iter().map(|tool| tool.name.clone()).zip(0..).collect()
        };
        let (olds, news) = (named(before), named(now));
        let mut all: Vec<&ToolName> = olds.keys().chain(news.keys()).collect();
        all.sort();
        all.dedup();
        let one = |name: &&ToolName| match (olds.get(*name), news.get(*name)) {
            (None, _) => Some(Self::Added((*name).clone())),
            (_, None) => Some(Self::Removed((*name).clone())),
            (Some(&old), Some(&new)) => changed(&before.tools[old], &now.tools[new]),
        };
        all.iter().filter_map(one).collect()
    }
}

fn changed(before: &ToolDefinition, now: &ToolDefinition) -> Option<Difference> {
    if Pin::of(before) == Pin::of(now) {
        return None;
    }
    let parts = parts(before).into_iter().zip(parts(now));
    let parts = parts
        .filter(|((_, old), (_, new))| old != new)
        .map(|((part, old), (_, new))| (part, old, new))
        .collect();
    Some(Difference::Changed { tool: now.name.clone(), parts })
}

/// What matters in a definition, each part as text on one line.
fn parts(tool: &ToolDefinition) -> [(&'static str, String); 6] {
    let text = |text: &Option<String>| text.as_deref().map(quoted).unwrap_or_default();
    let schema = |schema: &Option<Schema>| {
        schema.as_ref().map(|schema| canonical(&schema.value())).unwrap_or_default()
    };
    let claims = tool.annotations;
    let claim = |name: &str, hint: Option<bool>| hint.map(|hint| format!("{name}: {hint}"));
    let claims = [
        claim("readOnlyHint", claims.read_only_hint),
        claim("destructiveHint", claims.destructive_hint),
        claim("idempotentHint", claims.idempotent_hint),
        claim("openWorldHint", claims.open_world_hint),
    ];
    [
        ("name", quoted(tool.name.as_str())),
        ("title", text(&tool.title)),
        ("description", text(&tool.description)),
        ("annotations", claims.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        ("inputSchema", schema(&tool.input_schema)),
        ("outputSchema", schema(&tool.output_schema)),
    ]
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A schema as text that is the same however its members and sets are ordered.
fn canonical(value: &Value) -> String {
    let mut out = String::new();
    write_canonical(&mut out, value, false);
    out
}

fn write_canonical(out: &mut String, value: &Value, is_set: bool) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(&String, &Value)> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (at, (key, value)) in members.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                out.push_str(&quoted(key));
                out.push(':');
                write_canonical(out, value, SETS.contains(&key.as_str()));
            }
            out.push('}');
        }
        Value::Array(items) => {
            let mut items: Vec<String> = items.iter().map(canonical).collect();
            if is_set {
                items.sort();
            }
            out.push('[');
            out.push_str(&items.join(","));
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::catalogue::Annotations;

    fn tool(name: &str, schema: Value) -> ToolDefinition {
        ToolDefinition {
            name: name.into(),
            title: None,
            description: Some("Does it.".to_owned()),
            input_schema: Some(schema.into()),
            output_schema: None,
            annotations: Annotations { read_only_hint: Some(true), ..Annotations::default() },
        }
    }

    fn listing(tools: &[ToolDefinition]) -> Listing {
        Listing { tools: tools.iter().cloned().map(Arc::new).collect(), ..Listing::default() }
    }

    #[test]
    fn order_does_not_matter_and_everything_else_does() {
        let schema =
            json!({"type": "object", "required": ["a", "b"], "properties": {"a": {"enum": [1, 2]}, "b": {}}});
        let pinned = tool("t", schema);
        let other = |change: &dyn Fn(&mut ToolDefinition)| {
            let mut tool = pinned.clone();
            change(&mut tool);
            Pin::of(&tool) == Pin::of(&pinned)
        };
        let reordered =
            json!({"properties": {"b": {}, "a": {"enum": [2, 1]}}, "required": ["b", "a"], "type": "object"});
        assert!(other(&|tool| tool.input_schema = Some(reordered.clone().into())));
        let changes: [&dyn Fn(&mut ToolDefinition); 7] = [
            &|tool| tool.name = "T".into(),
            &|tool| tool.title = Some(String::new()),
            &|tool| tool.description = Some("Does it. ".to_owned()),
            &|tool| tool.annotations.read_only_hint = None,
            &|tool| tool.annotations.open_world_hint = Some(false),
            &|tool| {
                let mut schema = (*tool.input().unwrap()).clone();
                schema["properties"]["c"] = json!({});
                tool.input_schema = Some(schema.into());
            },
            &|tool| tool.output_schema = Some(json!({}).into()),
        ];
        for (at, change) in changes.into_iter().enumerate() {
            assert!(!other(change), "change {at}");
        }
        // Lists whose order says something are no sets.
        let tuple = |items: Value| Pin::of(&tool("t", json!({ "prefixItems": items })));
        assert_ne!(tuple(json!([{"type": "string"}, {}])), tuple(json!([{}, {"type": "string"}])));
    }

    #[test]
    fn tools_stand_as_they_were_accepted() {
        let (one, other) = (tool("one", json!({})), tool("other", json!({})));
        let pins = Pins::of(&listing(&[one.clone(), other.clone()]));
        assert_eq!(pins.standing(&one), Standing::Accepted);
        assert_eq!(pins.standing(&tool("one", json!({"type": "object"}))), Standing::Changed);
        assert_eq!(pins.standing(&tool("third", json!({}))), Standing::New);
        assert_eq!(pins.hash(), Pins::of(&listing(&[other, one])).hash());
    }

    #[test]
    fn differences_are_told_by_their_parts() {
        let before = listing(&[tool("gone", json!({})), tool("same", json!({})), tool("t", json!({}))]);
        let mut changed = tool("t", json!({}));
        changed.description = Some("Does more.".to_owned());
        let now = listing(&[changed, tool("same", json!({})), tool("new", json!({}))]);
        assert_eq!(
            Difference::between(&before, &now),
            [
                Difference::Removed("gone".into()),
                Difference::Added("new".into()),
                Difference::Changed {
                    tool: "t".into(),
                    parts: vec![("description", "\"Does it.\"".to_owned(), "\"Does more.\"".to_owned())]
                },
            ]
        );
    }
}
