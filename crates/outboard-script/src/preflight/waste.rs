//! Promises that are made and never awaited: held by a name whose every use is that of a value, or one of many of them.
//! It counts uses that the languages' walks have told apart, and knows no syntax.

use super::dialect::Dialect;
use super::names::Names;
use super::sketch::{Bound, Load, ScopeId, ScopeKind, Source, Use};
use std::collections::{HashMap, HashSet};

/// What makes promises that nobody awaits. `is_tool` tells the calls of tools, which take no promises.
pub(super) fn wasted(
    names: &mut Names<'_, '_>,
    dialect: &Dialect,
    is_tool: &dyn Fn(usize) -> bool,
) -> HashSet<Source> {
    let sketch = names.sketch();
    let mut held: HashMap<usize, Held> = sketch
        .bindings
        .iter()
        .enumerate()
        .filter(|(_, binding)| binding.writes == 1)
        .filter_map(|(at, binding)| Some((at, Held::of(binding.value.as_ref()?)?)))
        .collect();
    for ((scope, name), binding) in &sketch.named {
        // What a class holds is read through the class, and the script's value by the guest.
        let of_class = sketch.scope_of(*scope).kind == ScopeKind::Class;
        if of_class || *scope == ScopeId::SCRIPT && dialect.is_value(name) {
            held.remove(binding);
        }
    }
    if held.is_empty() || sketch.reads_any {
        return HashSet::new();
    }
    let held_names: HashSet<&str> = sketch
        .named
        .iter()
        .filter(|(_, binding)| held.contains_key(binding))
        .map(|((_, name), _)| *name)
        .collect();
    let mut uses: HashMap<usize, Vec<Use>> = HashMap::new();
    for Load { scope, name, use_ } in sketch.loads.iter().filter(|load| held_names.contains(load.name)) {
        match names.binding(*scope, name) {
            Some(binding) => uses.entry(binding).or_default().push(*use_),
            None if names.is_exhausted() => return HashSet::new(),
            None => {}
        }
    }
    let none = Vec::new();
    let of = |binding: usize| uses.get(&binding).unwrap_or(&none);
    let lost = |use_: &Use| match use_ {
        Use::Kept => false,
        Use::Given(call) => is_tool(*call),
        Use::Misused | Use::Opened | Use::Measured | Use::Through(_) => true,
    };
    // An element that is never looked at may still be passed on by what looks at the others.
    let element_lost = |binding: usize| !of(binding).is_empty() && of(binding).iter().all(lost);
    let all_lost = |use_: &Use| match use_ {
        Use::Measured => true,
        Use::Through(element) => element_lost(*element),
        Use::Kept | Use::Misused | Use::Opened | Use::Given(_) => false,
    };
    held.into_iter()
        .filter_map(|(binding, held)| match held {
            Held::One(source) => of(binding).iter().all(lost).then_some(source),
            Held::Many(source) => of(binding).iter().all(all_lost).then_some(source),
            Held::OneOfMany(source) => element_lost(binding).then_some(source?),
        })
        .collect()
}

/// What a name holds.
#[derive(Clone, Copy)]
enum Held {
    One(Source),
    Many(Source),
    OneOfMany(Option<Source>),
}

impl Held {
    fn of(value: &Bound<'_>) -> Option<Self> {
        match value {
            Bound::Call(call) => Some(Self::One(Source::Call(*call))),
            Bound::Each(source) => Some(Self::Many(*source)),
            Bound::Element(source) => Some(Self::OneOfMany(*source)),
            Bound::Path(_) | Bound::Other => None,
        }
    }
}
