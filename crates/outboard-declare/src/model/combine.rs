//! Unions and intersections of types, simplified as far as that is cheap.
//! Both stay linear in what they are given, so that a hostile `allOf` of `anyOf`s cannot multiply.

use std::collections::{HashMap, HashSet};

use super::{Kind, Literal, Notes, Object, Others, Property, Type};

/// The union: flattened, without repetition, `null` last. One alternative beside `null` hands its notes up.
pub(crate) fn union(members: Vec<Type>) -> Type {
    let mut flat = Flat::default();
    for member in members {
        match member.kind {
            Kind::Union(inner) => inner.into_iter().for_each(|member| flat.add(member)),
            _ => flat.add(member),
        }
    }
    flat.finish()
}

#[derive(Default)]
struct Flat {
    members: Vec<Type>,
    literals: HashSet<Literal>,
    null: Option<Type>,
    any: Option<Type>,
}

impl Flat {
    fn add(&mut self, member: Type) {
        match &member.kind {
            Kind::Never => {}
            Kind::Any => self.any = Some(member),
            Kind::Null => self.null = Some(member),
            Kind::Literal(literal) => {
                if self.literals.insert(literal.clone()) {
                    self.members.push(member);
                }
            }
            kind => {
                if !self.members.iter().any(|known| known.kind == *kind) {
                    self.members.push(member);
                }
            }
        }
    }

    fn finish(mut self) -> Type {
        if let Some(any) = self.any {
            return any;
        }
        if self.null.is_some() && self.names_every_kind() {
            return Type::any();
        }
        self.join_booleans();
        // Generators write "a format or empty"; beside any string that says nothing.
        if self.members.iter().any(|member| member.kind == Kind::String) {
            self.members.retain(|member| member.kind != Kind::Literal(Literal::String(String::new())));
        }
        let alone = self.members.len() == 1;
        match (alone, self.null) {
            (true, None) => self.members.remove(0),
            (true, Some(null)) => {
                let notes = std::mem::take(&mut self.members[0].notes);
                self.members.push(null);
                Type { kind: Kind::Union(self.members), notes }
            }
            (false, null) => {
                self.members.extend(null);
                match self.members.len() {
                    0 => Type::new(Kind::Never),
                    1 => self.members.remove(0),
                    _ => Type::new(Kind::Union(self.members)),
                }
            }
        }
    }

    /// Whether the members, `null` aside, are all the kinds of JSON values there are, each without limits.
    fn names_every_kind(&self) -> bool {
        let has = |kind: &Kind| self.members.iter().any(|member| member.kind == *kind);
        [
            Kind::String,
            Kind::Number,
            Kind::Boolean,
            Kind::Object(Object::default()),
            Kind::Array(Box::default()),
        ]
        .iter()
        .all(has)
    }

    fn join_booleans(&mut self) {
        let is_boolean = |ty: &Type| matches!(ty.kind, Kind::Boolean | Kind::Literal(Literal::Boolean(_)));
        if self.members.iter().filter(|ty| is_boolean(ty)).count() < 2 {
            return;
        }
        let first = self.members.iter().position(is_boolean).expect("there are two");
        self.members.retain({
            let mut at = 0;
            move |ty| {
                at += 1;
                at == first + 1 || !is_boolean(ty)
            }
        });
        self.members[first].kind = Kind::Boolean;
    }
}

/// The intersection. `contradiction` is raised if nothing could be both; the first is given then, because a
/// declaration that admits no value helps nobody.
pub(crate) fn meet(first: Type, second: Type, contradiction: &mut bool) -> Type {
    let (a, mut notes) = (first.kind, first.notes);
    let (b, inner) = (second.kind, second.notes);
    notes = notes.over(inner);
    let kind = match (a, b) {
        (a, b) if a == b => a,
        (Kind::Any, other) | (other, Kind::Any) => other,
        (Kind::Never, other) | (other, Kind::Never) => {
            *contradiction = true;
            other
        }
        (Kind::Object(a), Kind::Object(b)) => Kind::Object(merge(a, b, contradiction)),
        (Kind::Object(object), other) | (other, Kind::Object(object))
            if object == Object::default() && holds_only_objects(&other) =>
        {
            other
        }
        (Kind::Array(a), Kind::Array(b)) => Kind::Array(Box::new(meet(*a, *b, contradiction))),
        (a, b) if is_open(&a) || is_open(&b) => join(a, b),
        (a, b) => narrow(a, &b).unwrap_or_else(|first| {
            *contradiction = true;
            first
        }),
    };
    Type { kind, notes }
}

/// What a property-less object adds nothing to.
fn holds_only_objects(kind: &Kind) -> bool {
    match kind {
        Kind::Object(_) | Kind::Reference(_) => true,
        Kind::Union(members) | Kind::Intersection(members) => {
            members.iter().all(|ty| holds_only_objects(&ty.kind))
        }
        _ => false,
    }
}

/// Kinds whose intersection is left to be written as one.
fn is_open(kind: &Kind) -> bool {
    match kind {
        Kind::Reference(_) | Kind::Intersection(_) | Kind::Tuple(_) => true,
        Kind::Union(members) => {
            members.iter().any(|ty| is_open(&ty.kind) || matches!(ty.kind, Kind::Object(_) | Kind::Array(_)))
        }
        _ => false,
    }
}

fn join(a: Kind, b: Kind) -> Kind {
    let mut members = match a {
        Kind::Intersection(members) => members,
        a => vec![Type::new(a)],
    };
    let more = match b {
        Kind::Intersection(members) => members,
        b => vec![Type::new(b)],
    };
    for ty in more {
        if !members.iter().any(|known| known.kind == ty.kind) {
            members.push(ty);
        }
    }
    if members.len() == 1 { members.remove(0).kind } else { Kind::Intersection(members) }
}

/// Meets primitives, literals and unions of them. Gives the first back if nothing is in both.
fn narrow(a: Kind, b: &Kind) -> Result<Kind, Kind> {
    let filtered = |members: &[Type], other: &Kind| {
        union(members.iter().filter(|member| admits(other, &member.kind)).cloned().collect()).kind
    };
    let kind = match (&a, b) {
        (Kind::Union(members), other) => match filtered(members, other) {
            // `number | null` and `integer`: the members are the wider ones.
            Kind::Never if members.iter().any(|member| admits(&member.kind, other)) => other.clone(),
            kind => kind,
        },
        (other, Kind::Union(members)) => {
            if members.iter().any(|member| admits(&member.kind, other)) {
                other.clone()
            } else {
                filtered(members, other)
            }
        }
        (a, b) if admits(b, a) => a.clone(),
        (a, b) if admits(a, b) => b.clone(),
        _ => Kind::Never,
    };
    if kind == Kind::Never { Err(a) } else { Ok(kind) }
}

/// Whether every value of `narrow` is one of `wide`; unions inside unions do not occur.
fn admits(wide: &Kind, narrow: &Kind) -> bool {
    match (wide, narrow) {
        (Kind::Union(members), narrow) => members.iter().any(|member| admits(&member.kind, narrow)),
        (Kind::Number, Kind::Integer | Kind::Literal(Literal::Number(_)))
        | (Kind::String, Kind::Literal(Literal::String(_)))
        | (Kind::Boolean, Kind::Literal(Literal::Boolean(_))) => true,
        (Kind::Integer, Kind::Literal(Literal::Number(number))) => !number.contains(['.', 'e', 'E']),
        (wide, narrow) => wide == narrow,
    }
}

fn merge(mut a: Object, b: Object, contradiction: &mut bool) -> Object {
    let places: HashMap<String, usize> =
        b.properties.iter().enumerate().map(|(at, property)| (property.name.clone(), at)).collect();
    let mut added: Vec<Option<Property>> = b.properties.into_iter().map(Some).collect();
    for known in &mut a.properties {
        if let Some(property) = places.get(&known.name).and_then(|at| added[*at].take()) {
            known.required |= property.required;
            known.ty = meet(std::mem::take(&mut known.ty), property.ty, contradiction);
        }
    }
    let mut properties = a.properties;
    properties.extend(added.into_iter().flatten());
    let others = match (a.others, b.others) {
        (Others::Unspecified, others) | (others, Others::Unspecified) => others,
        (Others::Closed, _) | (_, Others::Closed) => Others::Closed,
        (Others::Open(a), Others::Open(b)) => Others::Open(Box::new(meet(*a, *b, contradiction))),
    };
    Object { properties, others }
}

impl Object {
    /// A required property of any type: what `required` says of a name that `properties` does not know.
    pub(crate) fn require(&mut self, name: &str) {
        let ty = Type::new(Kind::Any);
        self.properties.push(Property { name: name.to_owned(), ty, required: true });
    }
}

impl Type {
    /// The same type with something more to say.
    pub(crate) fn with_notes(mut self, notes: Notes) -> Self {
        self.notes = notes.over(self.notes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Literal, Type};
    use super::{meet, union};

    fn text(value: &str) -> Type {
        Type::new(Kind::Literal(Literal::String(value.to_owned())))
    }

    #[test]
    fn unions_are_flat_without_repetition_and_end_with_null() {
        let kind = |kind| Type::new(kind);
        let nested = union(vec![kind(Kind::Null), kind(Kind::String)]);
        assert_eq!(nested.kind, Kind::Union(vec![kind(Kind::String), kind(Kind::Null)]));
        assert_eq!(
            union(vec![nested, kind(Kind::Number), kind(Kind::String), kind(Kind::Never)]).kind,
            Kind::Union(vec![kind(Kind::String), kind(Kind::Number), kind(Kind::Null)])
        );
        assert_eq!(union(vec![]).kind, Kind::Never);
        assert_eq!(union(vec![text("a"), text("a")]).kind, text("a").kind);
        let truth = |value| kind(Kind::Literal(Literal::Boolean(value)));
        assert_eq!(union(vec![truth(true), truth(false)]).kind, Kind::Boolean);
    }

    #[test]
    fn intersections_narrow_and_report_contradictions() {
        let either = || union(vec![text("a"), text("b"), Type::new(Kind::Null)]);
        let cases = [
            (Type::new(Kind::Number), Type::new(Kind::Integer), Kind::Integer, false),
            (either(), Type::new(Kind::String), union(vec![text("a"), text("b")]).kind, false),
            (Type::new(Kind::String), either(), union(vec![text("a"), text("b")]).kind, false),
            (either(), text("a"), text("a").kind, false),
            (Type::any(), text("a"), text("a").kind, false),
            (Type::new(Kind::String), Type::new(Kind::Number), Kind::String, true),
            (either(), text("c"), either().kind, true),
        ];
        for (first, second, expected, contradicts) in cases {
            let mut contradiction = false;
            let met = meet(first.clone(), second.clone(), &mut contradiction);
            assert_eq!((met.kind, contradiction), (expected, contradicts), "{first:?} and {second:?}");
        }
    }
}
