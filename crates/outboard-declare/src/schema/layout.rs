//! Which definitions keep a name: those that are recursive, and those that are large and used more than once.
//! All others are put where they are used. Walks definitions without recursion; depth and size stay bounded.

use crate::model::{
    Definition, DefinitionId, Document, Kind, Literal, Object, Others, Property, Tuple, Type, meet, union,
};

/// A definition up to this weight is repeated rather than named. One word of a declaration weighs about one.
const LIGHT: usize = 8;

/// Deepest nesting a definition may have to be put in place.
const DEEPEST_IN_PLACE: usize = 24;

/// Puts definitions in place; the first one is the root. Also says whether one was made of itself.
pub(super) fn lay_out(mut definitions: Vec<Definition>) -> (Document, bool) {
    let emptied = cut_empty_cycles(&mut definitions);
    let named = choose(&definitions);
    let mut placer = Placer {
        definitions: &definitions,
        named: &named,
        numbers: vec![None; definitions.len()],
        order: Vec::new(),
    };
    let root = placer.placed(&Type::new(Kind::Reference(DefinitionId(0))));
    let mut kept = Vec::new();
    while let Some(id) = placer.order.get(kept.len()).copied() {
        let definition = &definitions[id];
        kept.push(Definition { hint: definition.hint.clone(), body: placer.placed(&definition.body) });
    }
    (Document { root, definitions: kept }, emptied)
}

/// Types directly inside a type.
pub(super) fn parts(ty: &Type) -> Vec<&Type> {
    match &ty.kind {
        Kind::Array(item) => vec![item],
        Kind::Tuple(tuple) => tuple.items.iter().chain(tuple.rest.as_deref()).collect(),
        Kind::Object(object) => {
            let others = match &object.others {
                Others::Open(ty) => Some(&**ty),
                _ => None,
            };
            object.properties.iter().map(|property| &property.ty).chain(others).collect()
        }
        Kind::Union(members) | Kind::Intersection(members) => members.iter().collect(),
        _ => Vec::new(),
    }
}

/// The definitions that a type mentions, each as often as it does, in order.
fn mentions(ty: &Type, found: &mut Vec<usize>) {
    if let Kind::Reference(id) = ty.kind {
        found.push(id.0);
    }
    parts(ty).into_iter().for_each(|part| mentions(part, found));
}

/// The definitions that a type is, rather than contains.
fn is_made_of(ty: &Type, found: &mut Vec<usize>) {
    match &ty.kind {
        Kind::Reference(id) => found.push(id.0),
        Kind::Union(members) | Kind::Intersection(members) => {
            members.iter().for_each(|member| is_made_of(member, found));
        }
        _ => {}
    }
}

/// `A = A | string` is `string`, and no language could declare it otherwise: cuts such references.
fn cut_empty_cycles(definitions: &mut [Definition]) -> bool {
    let edges: Vec<Vec<usize>> =
        definitions.iter().map(|definition| edges(&definition.body, is_made_of)).collect();
    let back = walk(&edges, 0..definitions.len()).back;
    for (from, to) in &back {
        let body = std::mem::take(&mut definitions[*from].body);
        definitions[*from].body = without(body, *to);
    }
    !back.is_empty()
}

fn without(ty: Type, id: usize) -> Type {
    let keep = |members: Vec<Type>| -> Vec<Type> {
        members
            .into_iter()
            .filter(|member| member.kind != Kind::Reference(DefinitionId(id)))
            .map(|member| without(member, id))
            .collect()
    };
    let notes = ty.notes;
    let kind = match ty.kind {
        Kind::Reference(DefinitionId(own)) if own == id => Kind::Any,
        Kind::Union(members) => match keep(members) {
            members if members.is_empty() => Kind::Any,
            members => union(members).kind,
        },
        Kind::Intersection(members) => {
            keep(members).into_iter().fold(Type::any(), |a, b| meet(a, b, &mut false)).kind
        }
        kind => kind,
    };
    Type { kind, notes }
}

fn edges(body: &Type, find: fn(&Type, &mut Vec<usize>)) -> Vec<usize> {
    let mut found = Vec::new();
    find(body, &mut found);
    found
}

/// What a depth-first walk finds: the edges that close a cycle, and the nodes, innermost first.
struct Walk {
    back: Vec<(usize, usize)>,
    finished: Vec<usize>,
}

fn walk(edges: &[Vec<usize>], roots: std::ops::Range<usize>) -> Walk {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; edges.len()];
    let mut found = Walk { back: Vec::new(), finished: Vec::new() };
    for root in roots {
        if states[root] != State::New {
            continue;
        }
        states[root] = State::Open;
        let mut open = vec![(root, 0)];
        while let Some((node, next)) = open.last_mut() {
            let Some(to) = edges[*node].get(*next).copied() else {
                states[*node] = State::Done;
                found.finished.push(*node);
                open.pop();
                continue;
            };
            *next += 1;
            match states[to] {
                State::New => {
                    states[to] = State::Open;
                    open.push((to, 0));
                }
                State::Open => found.back.push((*node, to)),
                State::Done => {}
            }
        }
    }
    found
}

fn choose(definitions: &[Definition]) -> Vec<bool> {
    let edges: Vec<Vec<usize>> =
        definitions.iter().map(|definition| edges(&definition.body, mentions)).collect();
    let found = walk(&edges, 0..1);
    let mut uses = vec![0usize; definitions.len()];
    uses[0] = 1;
    for node in &found.finished {
        edges[*node].iter().for_each(|to| uses[*to] += 1);
    }
    let mut named = vec![false; definitions.len()];
    found.back.iter().for_each(|(_, to)| named[*to] = true);
    let mut sizes = vec![Size::default(); definitions.len()];
    for node in found.finished {
        let size = measure(&definitions[node].body, &sizes, &named);
        named[node] |= (uses[node] > 1 && size.weight > LIGHT) || size.height > DEEPEST_IN_PLACE;
        sizes[node] = size;
    }
    named
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    weight: usize,
    height: usize,
}

/// How large a type is once the definitions that have no name stand in their places.
fn measure(ty: &Type, sizes: &[Size], named: &[bool]) -> Size {
    if let Kind::Reference(id) = ty.kind {
        // Each reference is a level of its own, or a long chain of aliases would cost stack.
        let Size { weight, height } = if named[id.0] { Size { weight: 1, height: 0 } } else { sizes[id.0] };
        return Size { weight, height: height + 1 };
    }
    let own = match &ty.kind {
        Kind::Object(object) => 1 + object.properties.len(),
        Kind::Literal(Literal::String(text)) => 1 + text.len() / 8,
        _ => 1,
    };
    parts(ty).into_iter().map(|part| measure(part, sizes, named)).fold(
        Size { weight: own, height: 1 },
        |sum, part| Size {
            weight: sum.weight.saturating_add(part.weight),
            height: sum.height.max(part.height + 1),
        },
    )
}

struct Placer<'d> {
    definitions: &'d [Definition],
    named: &'d [bool],
    numbers: Vec<Option<usize>>,
    order: Vec<usize>,
}

impl Placer<'_> {
    fn placed(&mut self, ty: &Type) -> Type {
        let definitions = self.definitions;
        let notes = ty.notes.clone();
        let kind = match &ty.kind {
            Kind::Reference(id) if self.named[id.0] => Kind::Reference(self.number(id.0)),
            Kind::Reference(id) => return self.placed(&definitions[id.0].body).with_notes(notes),
            Kind::Array(item) => Kind::Array(Box::new(self.placed(item))),
            Kind::Tuple(tuple) => Kind::Tuple(Tuple {
                items: tuple.items.iter().map(|item| self.placed(item)).collect(),
                required: tuple.required,
                rest: tuple.rest.as_ref().map(|rest| Box::new(self.placed(rest))),
            }),
            Kind::Object(object) => Kind::Object(self.placed_object(object)),
            Kind::Union(members) => {
                return union(members.iter().map(|member| self.placed(member)).collect()).with_notes(notes);
            }
            Kind::Intersection(members) => {
                let members: Vec<Type> = members.iter().map(|member| self.placed(member)).collect();
                let met = members.into_iter().reduce(|a, b| meet(a, b, &mut false)).unwrap_or_default();
                return met.with_notes(notes);
            }
            kind => kind.clone(),
        };
        Type { kind, notes }
    }

    fn placed_object(&mut self, object: &Object) -> Object {
        let properties = object.properties.iter().map(|property| Property {
            name: property.name.clone(),
            ty: self.placed(&property.ty),
            required: property.required,
        });
        let properties = properties.collect();
        let others = match &object.others {
            Others::Open(ty) => Others::Open(Box::new(self.placed(ty))),
            others => others.clone(),
        };
        Object { properties, others }
    }

    fn number(&mut self, id: usize) -> DefinitionId {
        let next = self.order.len();
        let number = *self.numbers[id].get_or_insert(next);
        if number == next {
            self.order.push(id);
        }
        DefinitionId(number)
    }
}
