//! A tool's JSON Schema: at hand, or made by its upstream whenever somebody looks at it, so that an API of a thousand
//! operations is listed without holding a thousand schemas. What it says is not looked at here.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// The schema of what a tool takes or gives. Cloning shares it.
#[derive(Clone)]
pub struct Schema(Kind);

#[derive(Clone)]
enum Kind {
    Whole(Arc<Value>),
    Made(Arc<dyn MakeSchema>),
}

/// Makes a schema on demand. Promises the same schema for as long as it lives, and to be quick: milliseconds.
pub trait MakeSchema: Send + Sync + 'static {
    /// The schema. The maker decides how long it keeps it.
    fn make(&self) -> Arc<Value>;

    /// The names and descriptions of its properties, without making it.
    fn properties(&self) -> Vec<(String, String)>;

    /// Tells schemas apart without making them: makers of the same identity make the same.
    fn identity(&self) -> &str;
}

impl Schema {
    /// A schema that is made when it is looked at.
    pub fn made_by(maker: Arc<dyn MakeSchema>) -> Self {
        Self(Kind::Made(maker))
    }

    /// The schema. Not to be kept: it may be large and was perhaps made for this.
    pub fn value(&self) -> Arc<Value> {
        match &self.0 {
            Kind::Whole(value) => Arc::clone(value),
            Kind::Made(maker) => maker.make(),
        }
    }

    /// The schema, unless it would have to be made for this.
    pub fn at_hand(&self) -> Option<&Value> {
        match &self.0 {
            Kind::Whole(value) => Some(value),
            Kind::Made(_) => None,
        }
    }

    /// The names of its properties, each with what is said of it.
    pub fn properties(&self) -> Vec<(String, String)> {
        match &self.0 {
            Kind::Made(maker) => maker.properties(),
            Kind::Whole(value) => {
                let properties = value.get("properties").and_then(Value::as_object).into_iter().flatten();
                let said = |schema: &Value| {
                    schema.get("description").and_then(Value::as_str).unwrap_or_default().to_owned()
                };
                properties.map(|(name, schema)| (name.clone(), said(schema))).collect()
            }
        }
    }
}

impl From<Value> for Schema {
    fn from(value: Value) -> Self {
        Self(Kind::Whole(Arc::new(value)))
    }
}

impl PartialEq for Schema {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Made(one), Kind::Made(other)) => {
                Arc::ptr_eq(one, other) || one.identity() == other.identity()
            }
            _ => self.value() == other.value(),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Whole(value) => value.fmt(f),
            Kind::Made(maker) => write!(f, "made by {}", maker.identity()),
        }
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}
