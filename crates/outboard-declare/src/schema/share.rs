//! Equal records that a schema spells out more than once become one definition.
//! Works on a finished document, after `layout`; what differs in any inner description is left alone.

use std::borrow::Cow;
use std::collections::HashMap;

use super::layout::parts;
use crate::model::{Definition, DefinitionId, Document, Kind, Object, Others, Property, Tuple, Type};

/// A record up to this weight is repeated rather than named. One word of a declaration weighs about one.
const LIGHT: usize = 12;

pub(super) fn share(document: &Document) -> Document {
    let mut seen = HashMap::new();
    let bodies = document.definitions.iter().map(|definition| &definition.body);
    std::iter::once(&document.root).chain(bodies).for_each(|ty| count(ty, &mut seen));
    seen.retain(|object, times| *times > 1 && weight(&Type::new(Kind::Object((*object).clone()))) > LIGHT);
    if seen.is_empty() {
        return document.clone();
    }
    let mut sharer = Sharer { shared: seen, ids: HashMap::new(), definitions: document.definitions.clone() };
    let root = sharer.shared_in(&document.root, "");
    for (at, definition) in document.definitions.iter().enumerate() {
        sharer.definitions[at].body = sharer.shared_in(&definition.body, &definition.hint);
    }
    Document { root, definitions: sharer.definitions }
}

/// Counts records; one that was seen before is not entered again, so that its parts count only once.
fn count<'d>(ty: &'d Type, seen: &mut HashMap<&'d Object, usize>) {
    if let Kind::Object(object) = &ty.kind {
        let times = seen.entry(object).or_default();
        *times += 1;
        if *times > 1 {
            return;
        }
    }
    parts(ty).into_iter().for_each(|part| count(part, seen));
}

fn weight(ty: &Type) -> usize {
    let own = match &ty.kind {
        Kind::Object(object) => 1 + object.properties.len(),
        _ => 1,
    };
    own + parts(ty).into_iter().map(weight).sum::<usize>()
}

struct Sharer<'d> {
    shared: HashMap<&'d Object, usize>,
    ids: HashMap<&'d Object, DefinitionId>,
    definitions: Vec<Definition>,
}

impl<'d> Sharer<'d> {
    /// The type with shared records replaced; `hint` is what the place is called.
    fn shared_in(&mut self, ty: &'d Type, hint: &str) -> Type {
        let kind = match &ty.kind {
            Kind::Array(item) => Kind::Array(Box::new(self.shared_in(item, &singular(hint)))),
            Kind::Tuple(tuple) => Kind::Tuple(Tuple {
                items: tuple.items.iter().map(|item| self.shared_in(item, hint)).collect(),
                required: tuple.required,
                rest: tuple.rest.as_ref().map(|rest| Box::new(self.shared_in(rest, hint))),
            }),
            Kind::Object(object) if self.shared.contains_key(object) => {
                Kind::Reference(self.definition(object, hint))
            }
            Kind::Object(object) => Kind::Object(self.object(object)),
            Kind::Union(members) => {
                Kind::Union(members.iter().map(|member| self.shared_in(member, hint)).collect())
            }
            Kind::Intersection(members) => {
                Kind::Intersection(members.iter().map(|member| self.shared_in(member, hint)).collect())
            }
            kind => kind.clone(),
        };
        Type { kind, notes: ty.notes.clone() }
    }

    fn object(&mut self, object: &'d Object) -> Object {
        let properties = object.properties.iter().map(|property| Property {
            name: property.name.clone(),
            ty: self.shared_in(&property.ty, &property.name),
            required: property.required,
        });
        let properties = properties.collect();
        let others = match &object.others {
            Others::Open(ty) => Others::Open(Box::new(self.shared_in(ty, "value"))),
            others => others.clone(),
        };
        Object { properties, others }
    }

    fn definition(&mut self, object: &'d Object, hint: &str) -> DefinitionId {
        if let Some(id) = self.ids.get(object) {
            return *id;
        }
        let id = DefinitionId(self.definitions.len());
        self.ids.insert(object, id);
        self.definitions.push(Definition { hint: hint.chars().take(100).collect(), body: Type::any() });
        self.definitions[id.0].body = Type::new(Kind::Object(self.object(object)));
        id
    }
}

/// What a list of this name holds; a hint, so anything less plain stays as it is.
fn singular(name: &str) -> Cow<'_, str> {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y").into();
    }
    match name.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']) && !name.ends_with("ses") => {
            stem.into()
        }
        _ => name.into(),
    }
}
