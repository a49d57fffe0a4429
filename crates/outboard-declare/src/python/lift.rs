//! Gives every record of a document a definition of its own, because Python has no types for records without names.
//! Equal records become one. It writes nothing and chooses no final names: it passes hints on.

use std::collections::HashMap;

use crate::model::{
    Definition, DefinitionId, Document, Kind, Literal, Notes, Object, Others, Property, Tuple, Type, meet,
    union,
};

/// Most records that one is written as that is several things at once.
const MOST_WAYS: usize = 16;

/// The document with every record below the root lifted into a definition, and the root too unless it is `kept`.
/// Records nested deeper than `deepest` become maps. Without `documented`, nothing is said about any type.
pub(super) fn lift(document: &Document, kept: bool, deepest: usize, documented: bool) -> Document {
    let placeholder =
        |definition: &Definition| Definition { hint: definition.hint.clone(), body: Type::any() };
    let mut lift = Lift {
        document,
        definitions: document.definitions.iter().map(placeholder).collect(),
        known: HashMap::new(),
        deepest,
        documented,
    };
    for (at, definition) in document.definitions.iter().enumerate() {
        lift.definitions[at].body = lift.top(&definition.body, &definition.hint);
    }
    let root = if kept { lift.top(&document.root, "") } else { lift.ty(&document.root, "", 0) };
    Document { root, definitions: lift.definitions }
}

struct Lift<'d> {
    document: &'d Document,
    definitions: Vec<Definition>,
    known: HashMap<Type, DefinitionId>,
    deepest: usize,
    documented: bool,
}

impl Lift<'_> {
    /// A type that has a name, or needs none: what is inside is lifted.
    fn top(&mut self, ty: &Type, hint: &str) -> Type {
        match &ty.kind {
            Kind::Object(object) => {
                Type { kind: Kind::Object(self.inside(object, hint, 0)), notes: self.notes(ty) }
            }
            _ => self.ty(ty, hint, 0),
        }
    }

    fn notes(&self, ty: &Type) -> Notes {
        if self.documented { ty.notes.clone() } else { Notes::default() }
    }

    fn ty(&mut self, ty: &Type, hint: &str, depth: usize) -> Type {
        if let Kind::Intersection(members) = &ty.kind
            && let Some(spread) = self.spread(members)
        {
            return self.ty(&spread.with_notes(ty.notes.clone()), hint, depth);
        }
        let mut each = |members: &[Type]| members.iter().map(|member| self.ty(member, hint, depth)).collect();
        let kind = match &ty.kind {
            Kind::Array(item) => Kind::Array(Box::new(self.ty(item, &singular(hint), depth))),
            Kind::Union(members) => Kind::Union(each(members)),
            Kind::Intersection(members) => Kind::Intersection(each(members)),
            Kind::Tuple(tuple) => Kind::Tuple(Tuple {
                items: each(&tuple.items),
                required: tuple.required,
                rest: tuple.rest.as_ref().map(|rest| Box::new(self.ty(rest, hint, depth))),
            }),
            Kind::Object(object) if object.properties.is_empty() => {
                Kind::Object(self.inside(object, hint, depth))
            }
            Kind::Object(_) if depth >= self.deepest => {
                Kind::Object(Object { properties: Vec::new(), others: Others::Open(Box::new(Type::any())) })
            }
            Kind::Object(object) => {
                let hint = told_apart(object, hint);
                let object = self.inside(object, &hint, depth);
                self.define(hint, Type::new(Kind::Object(object)))
            }
            plain => plain.clone(),
        };
        Type { kind, notes: self.notes(ty) }
    }

    /// Records that are several things at once, as one record for each way of being them: Python has no other way to say
    /// it. `None` if something else is among them, or there are too many ways.
    fn spread(&self, members: &[Type]) -> Option<Type> {
        let mut ways = vec![Type::new(Kind::Object(Object::default()))];
        for member in members {
            let records = self.records(member)?;
            if ways.len() * records.len() > MOST_WAYS {
                return None;
            }
            let both = |way: &Type| -> Vec<Type> {
                records.iter().map(|record| meet(way.clone(), record.clone(), &mut false)).collect()
            };
            ways = ways.iter().flat_map(both).collect();
        }
        Some(union(ways))
    }

    /// The records that a type is one of, if it is nothing else.
    fn records(&self, ty: &Type) -> Option<Vec<Type>> {
        match &ty.kind {
            Kind::Object(_) => Some(vec![ty.clone()]),
            Kind::Union(members) => members.iter().map(|member| self.record(member)).collect(),
            Kind::Reference(id) => match &self.document.definition(*id).body.kind {
                Kind::Union(members) => members.iter().map(|member| self.record(member)).collect(),
                _ => self.record(ty).map(|record| vec![record]),
            },
            _ => None,
        }
    }

    fn record(&self, ty: &Type) -> Option<Type> {
        let body = match ty.kind {
            Kind::Reference(id) => &self.document.definition(id).body,
            _ => ty,
        };
        matches!(body.kind, Kind::Object(_)).then(|| body.clone())
    }

    fn inside(&mut self, object: &Object, hint: &str, depth: usize) -> Object {
        let properties = object.properties.iter().map(|property| Property {
            name: property.name.clone(),
            ty: self.ty(&property.ty, &property.name, depth + 1),
            required: property.required,
        });
        let properties = properties.collect();
        let others = match &object.others {
            Others::Open(ty) => Others::Open(Box::new(self.ty(ty, &singular(hint), depth + 1))),
            others => others.clone(),
        };
        Object { properties, others }
    }

    fn define(&mut self, hint: String, body: Type) -> Kind {
        let next = DefinitionId(self.definitions.len());
        let id = *self.known.entry(body.clone()).or_insert(next);
        if id == next {
            self.definitions.push(Definition { hint, body });
        }
        Kind::Reference(id)
    }
}

/// A record that is one of several is named by what tells it from the others: `text_block` for `type: "text"`.
fn told_apart(object: &Object, hint: &str) -> String {
    let tells = object.properties.iter().find_map(|property| match &property.ty.kind {
        Kind::Literal(Literal::String(value)) if property.required => Some(value),
        _ => None,
    });
    tells.map_or_else(|| hint.to_owned(), |value| format!("{value}_{hint}"))
}

/// `entries` as `entry`: what a list of them holds.
fn singular(hint: &str) -> String {
    match (hint.strip_suffix("ies"), hint.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) if !stem.ends_with('s') && stem.len() > 2 => stem.to_owned(),
        _ => hint.to_owned(),
    }
}
