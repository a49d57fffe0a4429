//! The object keywords: properties, required, and whatever else may stand beside them.
//! Part of the reader; it does not combine objects (see the model).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::reader::Reader;
use super::warning::Oddity;
use crate::model::{Kind, Literal, Object, Others, Property, Type, union};

/// Most properties of one object, named in `properties`, `required` or `propertyNames`.
const MOST_PROPERTIES: usize = 1_000;

impl<'s> Reader<'s> {
    pub(super) fn object(&mut self, keywords: &'s Map<String, Value>, depth: usize) -> Kind {
        let required = self.required(keywords);
        let mut object = Object::default();
        match keywords.get("properties") {
            Some(Value::Object(properties)) => {
                for (name, schema) in properties.iter().take(MOST_PROPERTIES) {
                    if !self.takes(name.len()) {
                        break;
                    }
                    let ty = self.inside(&format!("properties/{name}"), schema, depth);
                    let required = required.contains(name.as_str());
                    object.properties.push(Property { name: name.clone(), ty, required });
                }
            }
            Some(_) => self.warn(Oddity::BadKeyword { keyword: "properties" }),
            None => {}
        }
        object.others = self.others(keywords, depth);
        self.enumerated(keywords, &mut object);
        self.required_only(keywords, &mut object);
        Kind::Object(object)
    }

    fn required(&mut self, keywords: &'s Map<String, Value>) -> HashSet<&'s str> {
        match keywords.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            // Draft-03 wrote a truth value inside the property; it says nothing about this object.
            Some(Value::Bool(_)) | None => HashSet::new(),
            Some(_) => {
                self.warn(Oddity::BadKeyword { keyword: "required" });
                HashSet::new()
            }
        }
    }

    fn others(&mut self, keywords: &'s Map<String, Value>, depth: usize) -> Others {
        let mut open = Vec::new();
        if let Some(Value::Object(patterns)) = keywords.get("patternProperties") {
            for (pattern, schema) in patterns {
                open.push(self.inside(&format!("patternProperties/{pattern}"), schema, depth));
            }
        }
        let closed = ["additionalProperties", "unevaluatedProperties"].into_iter().find_map(|keyword| {
            let schema = keywords.get(keyword)?;
            if *schema == Value::Bool(false) {
                return Some(Others::Closed);
            }
            Some(Others::Open(Box::new(self.inside(keyword, schema, depth))))
        });
        match closed {
            Some(Others::Open(ty)) => {
                open.push(*ty);
                Others::Open(Box::new(union(open)))
            }
            _ if !open.is_empty() => Others::Open(Box::new(union(open))),
            others => others.unwrap_or_default(),
        }
    }

    /// `propertyNames` with an `enum` names the properties of a map.
    fn enumerated(&mut self, keywords: &'s Map<String, Value>, object: &mut Object) {
        let names =
            keywords.get("propertyNames").and_then(|names| names.get("enum")).and_then(Value::as_array);
        let (Some(names), true) = (names, object.properties.is_empty()) else {
            return;
        };
        let ty = match std::mem::replace(&mut object.others, Others::Closed) {
            Others::Open(ty) => *ty,
            _ => Type::any(),
        };
        for name in names.iter().filter_map(Value::as_str).take(MOST_PROPERTIES / 10) {
            if !self.takes(name.len()) {
                break;
            }
            object.properties.push(Property { name: name.to_owned(), ty: small(&ty), required: false });
        }
    }

    /// Names that must be there but have no schema of their own.
    fn required_only(&mut self, keywords: &'s Map<String, Value>, object: &mut Object) {
        let Some(Value::Array(names)) = keywords.get("required") else {
            return;
        };
        let mut known: HashSet<String> =
            object.properties.iter().map(|property| property.name.clone()).collect();
        for name in names.iter().filter_map(Value::as_str).take(MOST_PROPERTIES) {
            if !known.contains(name) && self.takes(name.len()) {
                known.insert(name.to_owned());
                object.require(name);
            }
        }
    }
}

/// The type if repeating it for each name costs little, else any value.
fn small(ty: &Type) -> Type {
    match &ty.kind {
        Kind::Object(_) | Kind::Tuple(_) | Kind::Union(_) | Kind::Intersection(_) | Kind::Array(_) => {
            Type::any()
        }
        Kind::Literal(Literal::String(text)) if text.len() > 40 => Type::new(Kind::String),
        _ => ty.clone(),
    }
}
