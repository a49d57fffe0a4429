//! What a rule's condition can name, made from the facts when it is first asked for. Arguments are hostile: how much
//! of them there is is counted, so that a condition can refuse to work on too much.

use std::{collections::HashMap, sync::OnceLock};

use cel::{
    Value,
    common::{
        types::CelString,
        value::{CowVal, Val},
    },
    context::VariableResolver,
    objects::{Key, Map},
};

use crate::{json::Json, policy::Facts};

/// The names that there are.
pub(super) const NAMES: [&str; 14] = [
    "kind",
    "upstream",
    "ns",
    "tool",
    "name",
    "uri",
    "annotations",
    "arguments",
    "principal",
    "counts",
    "accepted",
    "trusted",
    "labels",
    "taint",
];

/// Those that say of an operation what it is called: the same for all operations of one name.
pub(super) const OF_NAME: [&str; 5] = ["kind", "upstream", "ns", "tool", "name"];

/// The variables of one decision.
pub(super) struct Variables<'a> {
    facts: &'a Facts<'a>,
    made: [OnceLock<Box<dyn Val>>; NAMES.len()],
    arguments: OnceLock<serde_json::Value>,
    extent: OnceLock<Size>,
}

/// How much there is of the arguments.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) values: u64,
}

impl<'a> Variables<'a> {
    pub(super) fn of(facts: &'a Facts<'a>) -> Self {
        Self { facts, made: Default::default(), arguments: OnceLock::new(), extent: OnceLock::new() }
    }

    /// How much there is of all that the other end can make large.
    pub(super) fn size(&self) -> Size {
        *self.extent.get_or_init(|| {
            let arguments = self.facts.operation.arguments().map_or("", |json| json.as_str());
            let uri = self.facts.operation.uri().unwrap_or_default();
            // Each value but the first has a comma or a bracket before it.
            let values = arguments.bytes().filter(|byte| b",[{".contains(byte)).count() as u64 + 1;
            Size { bytes: (arguments.len() + uri.len()) as u64, values }
        })
    }

    /// The arguments as they are; null where there are none.
    pub(super) fn arguments(&self) -> &serde_json::Value {
        let json = || self.facts.operation.arguments().map_or(serde_json::Value::Null, Json::to_value);
        self.arguments.get_or_init(json)
    }

    fn make(&self, name: &str) -> Value {
        let facts = self.facts;
        match name {
            "annotations" => {
                let claims = facts.believed();
                object([
                    ("readOnlyHint", claims.read_only_hint.into()),
                    ("destructiveHint", claims.destructive_hint.into()),
                    ("idempotentHint", claims.idempotent_hint.into()),
                    ("openWorldHint", claims.open_world_hint.into()),
                ])
            }
            "arguments" => of_json(self.arguments()),
            "uri" => facts.operation.uri().into(),
            "principal" => facts.principal.into(),
            "counts" => object([
                ("run", Value::UInt(facts.counts.run.into())),
                ("tool", Value::UInt(facts.counts.tool.into())),
                ("hour", Value::UInt(facts.counts.hour.into())),
            ]),
            "accepted" => Value::Bool(facts.vouched()),
            "trusted" => Value::Bool(facts.trusted),
            "labels" => object([
                ("private", Value::Bool(facts.labels.taint().private)),
                ("untrusted", Value::Bool(facts.labels.taint().untrusted)),
                ("external", Value::Bool(facts.is_external())),
            ]),
            "taint" => object([
                ("private", Value::Bool(facts.taint.private)),
                ("untrusted", Value::Bool(facts.taint.untrusted)),
            ]),
            _ => Value::Null,
        }
    }
}

impl VariableResolver for Variables<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        let operation = self.facts.operation;
        let text = |text: &'b str| Some(CowVal::owned(CelString::from(text)));
        match variable {
            "kind" => text(operation.kind().as_str()),
            "upstream" => text(operation.upstream().as_str()),
            // `namespace` is a word that CEL keeps for itself.
            "ns" => text(operation.namespace().as_str()),
            "tool" => text(self.facts.identifier),
            "name" => text(operation.name()),
            other => {
                let place = NAMES.iter().position(|name| *name == other)?;
                let made = self.made[place].get_or_init(|| boxed(self.make(other)));
                Some(CowVal::Borrowed(made.as_ref()))
            }
        }
    }
}

fn boxed(value: Value) -> Box<dyn Val> {
    Box::<dyn Val>::try_from(value).unwrap_or_else(|_| Box::new(cel::common::types::CelNull))
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members: HashMap<Key, Value> =
        members.into_iter().map(|(name, value)| (Key::from(name), value)).collect();
    Value::Map(Map { map: members.into() })
}

fn of_json(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(*value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(whole)) => Value::UInt(whole),
            (None, None) => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Array(items) => Value::List(items.iter().map(of_json).collect::<Vec<_>>().into()),
        serde_json::Value::Object(members) => {
            let members: HashMap<Key, Value> =
                members.iter().map(|(name, value)| (Key::from(name.as_str()), of_json(value))).collect();
            Value::Map(Map { map: members.into() })
        }
    }
}
