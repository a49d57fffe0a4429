//! One schema after the other to types, within the bounds; definitions wait in a queue, so that references
//! cost no stack. Talks to `references` for targets and hands the whole to `layout`.

use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::references::{References, hint, reference};
use super::warning::{Oddity, Warning, quoted};
use super::{
    DEEPEST, MOST_ALTERNATIVES, MOST_SCHEMAS, MOST_TEXT, MOST_VALUES, Reading, breadth, facts, layout, share,
};
use crate::model::{
    Definition, DefinitionId, Kind, Literal, Object, Others, Property, Tuple, Type, meet, union,
};
use crate::text::cut;

/// Most warnings kept.
const MOST_WARNINGS: usize = 20;

/// Longest place named in a warning, in characters.
const LONGEST_PLACE: usize = 200;

pub(super) fn read(whole: &Value, part: &Value) -> Reading {
    let mut reader = Reader {
        references: References::index(whole),
        known: HashMap::new(),
        definitions: Vec::new(),
        waiting: VecDeque::new(),
        path: Vec::new(),
        schemas_left: MOST_SCHEMAS,
        text_left: MOST_TEXT,
        warnings: Vec::new(),
    };
    reader.definition(part, "");
    while let Some((id, schema, place)) = reader.waiting.pop_front() {
        reader.path = vec![place];
        reader.definitions[id.0].body = reader.fresh(schema, 0);
    }
    let (mut document, emptied) = layout::lay_out(std::mem::take(&mut reader.definitions));
    if document.root_body().kind == Kind::Never {
        reader.path.clear();
        reader.warn(Oddity::NothingFits);
    }
    if emptied {
        reader.path.clear();
        reader.warn(Oddity::EmptyCycle);
    }
    if breadth::bound(&mut document) {
        reader.path.clear();
        reader.too_large("combinations of alternatives");
    }
    Reading { document: share::share(&document), warnings: reader.warnings }
}

pub(super) struct Reader<'s> {
    references: References<'s>,
    known: HashMap<*const Value, DefinitionId>,
    definitions: Vec<Definition>,
    waiting: VecDeque<(DefinitionId, &'s Value, String)>,
    path: Vec<String>,
    schemas_left: usize,
    text_left: usize,
    warnings: Vec<Warning>,
}

impl<'s> Reader<'s> {
    /// The type of a schema found at `step` inside the one being read.
    pub(super) fn inside(&mut self, step: &str, schema: &'s Value, depth: usize) -> Type {
        self.path.push(step.chars().take(LONGEST_PLACE).collect());
        let ty = if self.references.leads_to(schema) {
            let id = self.definition(schema, &hint(&self.place()));
            Type::new(Kind::Reference(id))
        } else {
            self.fresh(schema, depth + 1)
        };
        self.path.pop();
        ty
    }

    fn fresh(&mut self, schema: &'s Value, depth: usize) -> Type {
        if depth > DEEPEST {
            return self.too_large("levels of nesting");
        }
        if self.schemas_left == 0 {
            return self.too_large("schemas");
        }
        self.schemas_left -= 1;
        match schema {
            Value::Bool(true) => Type::any(),
            Value::Bool(false) => Type::new(Kind::Never),
            Value::Object(keywords) => self.keywords(schema, keywords, depth),
            _ => {
                self.warn(Oddity::NotASchema);
                Type::any()
            }
        }
    }

    fn keywords(&mut self, schema: &'s Value, keywords: &'s Map<String, Value>, depth: usize) -> Type {
        let mut ty = self.own(keywords, depth);
        if let Some(target) = reference(schema) {
            let target = self.referred(target);
            ty = self.both(target, ty);
        }
        for (at, part) in self.list(keywords, "allOf").iter().enumerate() {
            let part = self.inside(&format!("allOf/{at}"), part, depth);
            ty = self.both(ty, part);
        }
        for keyword in ["anyOf", "oneOf"] {
            let alternatives = self.list(keywords, keyword);
            if !alternatives.is_empty() && !only_refines(&ty, alternatives) {
                let either = self.alternatives(keyword, alternatives, depth);
                ty = self.both(ty, either);
            }
        }
        for keyword in ["not", "if", "dependentSchemas"] {
            if keywords.contains_key(keyword) {
                self.warn(Oddity::NotDeclared { keyword });
            }
        }
        if keywords.get("nullable") == Some(&Value::Bool(true)) {
            ty = union(vec![ty, Type::new(Kind::Null)]);
        }
        let notes = facts::notes(keywords);
        let said = notes.description.iter().chain(&notes.facts).chain(&notes.default).map(String::len).sum();
        if self.takes(said) { ty.with_notes(notes) } else { ty }
    }

    fn alternatives(&mut self, keyword: &str, alternatives: &'s [Value], depth: usize) -> Type {
        if alternatives.len() > MOST_ALTERNATIVES {
            return self.too_large("alternatives");
        }
        let members = alternatives.iter().enumerate();
        union(members.map(|(at, member)| self.inside(&format!("{keyword}/{at}"), member, depth)).collect())
    }

    fn referred(&mut self, reference: &'s str) -> Type {
        match self.references.resolve(reference) {
            Ok(target) => Type::new(Kind::Reference(self.definition(target, reference))),
            Err(oddity) => {
                self.warn(oddity);
                Type::any()
            }
        }
    }

    /// The definition of a schema; it is read later if this is the first that is heard of it.
    fn definition(&mut self, schema: &'s Value, place: &str) -> DefinitionId {
        let id = DefinitionId(self.definitions.len());
        let known = *self.known.entry(std::ptr::from_ref(schema)).or_insert(id);
        if known == id {
            let title = schema.get("title").and_then(Value::as_str).unwrap_or_default();
            let hint = Some(hint(place)).filter(|hint| !hint.is_empty());
            let hint = hint.unwrap_or_else(|| title.chars().take(100).collect());
            self.definitions.push(Definition { hint, body: Type::any() });
            self.waiting.push_back((id, schema, place.chars().take(LONGEST_PLACE).collect()));
        }
        known
    }

    /// What the schema says by itself, without its references and combinations.
    fn own(&mut self, keywords: &'s Map<String, Value>, depth: usize) -> Type {
        let declared = self.declared(keywords, depth);
        let values = if let Some(value) = keywords.get("const") {
            union(vec![self.literal(value, 0)])
        } else if let Some(values) = keywords.get("enum") {
            match values {
                Value::Array(values) if !values.is_empty() => self.values(values),
                _ => {
                    self.warn(Oddity::BadKeyword { keyword: "enum" });
                    return declared;
                }
            }
        } else {
            return declared;
        };
        match declared.kind {
            // The values say more about a list or record than its type does, unless they could not be written.
            Kind::Any => values,
            Kind::Object(_) | Kind::Array(_)
                if alternatives(&values).all(|one| nests_like(&declared, one)) =>
            {
                values
            }
            _ => self.both(declared, values),
        }
    }

    fn values(&mut self, values: &'s [Value]) -> Type {
        let mut members: Vec<Type> =
            values.iter().take(MOST_VALUES).map(|value| self.literal(value, 0)).collect();
        if values.len() > MOST_VALUES {
            self.too_large("values of an enum");
            for kind in values[MOST_VALUES..].iter().map(kind_of) {
                if !members.iter().skip(MOST_VALUES).any(|known| known.kind == kind) {
                    members.push(Type::new(kind));
                }
            }
        }
        union(members)
    }

    /// The type of one value. Of lists and records only small ones are written out.
    fn literal(&mut self, value: &'s Value, depth: usize) -> Type {
        Type::new(match value {
            Value::Array(items) if !items.is_empty() && is_small(items.len(), depth) => Kind::Tuple(Tuple {
                required: items.len(),
                items: items.iter().map(|item| self.literal(item, depth + 1)).collect(),
                rest: None,
            }),
            Value::Object(members) if !members.is_empty() && is_small(members.len(), depth) => {
                let mut record = Object { others: Others::Closed, ..Object::default() };
                for (name, value) in members {
                    if self.takes(name.len()) {
                        let ty = self.literal(value, depth + 1);
                        record.properties.push(Property { name: name.clone(), ty, required: true });
                    }
                }
                Kind::Object(record)
            }
            Value::String(text) if self.takes(text.len()) => Kind::Literal(Literal::String(text.clone())),
            Value::Number(number) => Kind::Literal(Literal::Number(number.to_string())),
            Value::Bool(truth) => Kind::Literal(Literal::Boolean(*truth)),
            other => kind_of(other),
        })
    }

    fn declared(&mut self, keywords: &'s Map<String, Value>, depth: usize) -> Type {
        let has = |names: &[&str]| names.iter().any(|name| keywords.contains_key(*name));
        match keywords.get("type") {
            Some(Value::String(name)) => self.named(name, keywords, depth),
            Some(Value::Array(names)) if names.len() <= MOST_ALTERNATIVES => {
                let distinct = names.iter().enumerate().filter(|(at, name)| !names[..*at].contains(name));
                let members = distinct.map(|(_, name)| match name {
                    Value::String(name) => self.named(name, keywords, depth),
                    inline => self.inside("type", inline, depth),
                });
                union(members.collect())
            }
            other => {
                if other.is_some() {
                    self.warn(Oddity::BadKeyword { keyword: "type" });
                }
                if has(&[
                    "properties",
                    "required",
                    "additionalProperties",
                    "patternProperties",
                    "propertyNames",
                ]) {
                    self.named("object", keywords, depth)
                } else if has(&["items", "prefixItems", "additionalItems"]) {
                    self.named("array", keywords, depth)
                } else {
                    Type::any()
                }
            }
        }
    }

    fn named(&mut self, name: &str, keywords: &'s Map<String, Value>, depth: usize) -> Type {
        let (kind, read_as) = match name {
            "object" => return Type::new(self.object(keywords, depth)),
            "array" => return Type::new(self.array(keywords, depth)),
            "string" => return Type::new(Kind::String),
            "integer" => return Type::new(Kind::Integer),
            "number" => return Type::new(Kind::Number),
            "boolean" => return Type::new(Kind::Boolean),
            "null" => return Type::new(Kind::Null),
            // Names of other languages, as hand-written schemas have them.
            "dict" | "map" => (self.object(keywords, depth), "an object"),
            "list" => (self.array(keywords, depth), "an array"),
            "str" | "text" => (Kind::String, "a string"),
            "int" => (Kind::Integer, "an integer"),
            "float" | "double" => (Kind::Number, "a number"),
            "bool" => (Kind::Boolean, "a boolean"),
            "None" | "none" => (Kind::Null, "null"),
            _ => (Kind::Any, "any value"),
        };
        self.warn(Oddity::UnknownType { name: quoted(name), read_as });
        Type::new(kind)
    }

    /// The schemas under a keyword that holds a list of them.
    pub(super) fn list(&mut self, keywords: &'s Map<String, Value>, keyword: &'static str) -> &'s [Value] {
        match keywords.get(keyword) {
            Some(Value::Array(schemas)) => schemas,
            Some(_) => {
                self.warn(Oddity::BadKeyword { keyword });
                &[]
            }
            None => &[],
        }
    }

    fn both(&mut self, first: Type, second: Type) -> Type {
        let mut contradiction = false;
        let met = meet(first, second, &mut contradiction);
        if contradiction {
            self.warn(Oddity::Contradiction);
        }
        met
    }

    /// Takes so many bytes of text from the document's share, or says that there are none left.
    pub(super) fn takes(&mut self, bytes: usize) -> bool {
        if bytes > self.text_left {
            self.text_left = 0;
            self.too_large("bytes of text");
            return false;
        }
        self.text_left -= bytes;
        true
    }

    fn too_large(&mut self, what: &'static str) -> Type {
        let oddity = Oddity::TooLarge { what };
        if !self.warnings.iter().any(|warning| warning.oddity == oddity) {
            self.warn(oddity);
        }
        Type::any()
    }

    pub(super) fn warn(&mut self, oddity: Oddity) {
        if self.warnings.len() < MOST_WARNINGS {
            let at = cut(&quoted_path(&self.place()), LONGEST_PLACE);
            self.warnings.push(Warning { at, oddity });
        }
    }

    fn place(&self) -> String {
        self.path.join("/")
    }
}

fn quoted_path(path: &str) -> String {
    crate::text::fold(&path.chars().take(2 * LONGEST_PLACE).collect::<String>())
}

fn alternatives(ty: &Type) -> impl Iterator<Item = &Type> {
    match &ty.kind {
        Kind::Union(members) => members.iter(),
        _ => std::slice::from_ref(ty).iter(),
    }
}

/// Whether both are lists, or both are records.
fn nests_like(ty: &Type, other: &Type) -> bool {
    match &ty.kind {
        Kind::Object(_) => matches!(other.kind, Kind::Object(_)),
        _ => matches!(other.kind, Kind::Array(_) | Kind::Tuple(_)),
    }
}

/// Whether a list or record that is a value is written out: members and nesting.
fn is_small(members: usize, depth: usize) -> bool {
    members <= 8 && depth < 3
}

fn kind_of(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Boolean,
        Value::Number(number) if number.is_f64() => Kind::Number,
        Value::Number(_) => Kind::Integer,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array(Box::new(Type::any())),
        Value::Object(_) => Kind::Object(Object::default()),
    }
}

/// Whether the alternatives only say which properties of an object must come together: true of many real
/// schemas, and not worth a union.
fn only_refines(ty: &Type, alternatives: &[Value]) -> bool {
    const REFINING: [&str; 5] = ["required", "not", "title", "description", "type"];
    matches!(ty.kind, Kind::Object(_))
        && alternatives.iter().all(|alternative| {
            let typed_alike = alternative.get("type").is_none_or(|ty| ty == "object");
            let keywords = alternative.as_object();
            typed_alike
                && keywords.is_some_and(|keywords| keywords.keys().all(|k| REFINING.contains(&k.as_str())))
        })
}
