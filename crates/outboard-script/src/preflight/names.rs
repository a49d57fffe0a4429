//! What a name means in a script: something that the script binds, or something that is there before it.
//!
//! A name is followed to what it was bound to only if it is bound once. The work is bounded: past it, nothing is known.

use super::sketch::{Bound, Name, Path, ScopeId, ScopeKind, Sketch};
use std::collections::HashSet;

/// Names bound to names that are followed.
const LINKS: usize = 8;
/// Scopes looked at in all.
const STEPS: u32 = 1_000_000;

/// A name that the script does not bind, with what is read from it.
#[derive(Clone, Debug)]
pub(super) struct Meaning<'a> {
    pub(super) root: Name<'a>,
    pub(super) members: Vec<Name<'a>>,
    /// Whether it is a member of the global object, which reads as nothing where it is not defined.
    pub(super) of_global: bool,
}

pub(super) struct Names<'s, 'a> {
    sketch: &'s Sketch<'a>,
    /// Names beyond the script that it assigns to.
    replaced: HashSet<&'a str>,
    left: u32,
}

impl<'s, 'a> Names<'s, 'a> {
    pub(super) fn of(sketch: &'s mut Sketch<'a>) -> Self {
        let mut left = STEPS;
        let mut replaced = std::mem::take(&mut sketch.published);
        for (scope, name) in std::mem::take(&mut sketch.assigned) {
            match lookup(sketch, scope, name, &mut left) {
                Some(binding) => {
                    let binding = &mut sketch.bindings[binding];
                    binding.writes += 1;
                    binding.value = Some(Bound::Other);
                }
                None => {
                    replaced.insert(name);
                }
            }
        }
        Self { sketch, replaced, left }
    }

    pub(super) fn sketch(&self) -> &'s Sketch<'a> {
        self.sketch
    }

    /// Whether the work was too much, so that what was not found may be there.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left == 0
    }

    /// The binding of a name where it is read.
    pub(super) fn binding(&mut self, scope: ScopeId, name: &str) -> Option<usize> {
        lookup(self.sketch, scope, name, &mut self.left)
    }

    /// What a path means, if it leads past the script.
    pub(super) fn meaning(&mut self, path: &Path<'a>) -> Option<Meaning<'a>> {
        let (mut root, mut scope) = (path.root, path.scope);
        let mut members = path.members.clone();
        for _ in 0..LINKS {
            let binding = scope.and_then(|scope| self.binding(scope, root.text));
            let Some(binding) = binding else {
                if self.left == 0 || self.replaced.contains(root.text) {
                    return None;
                }
                let of_global = root.text == "globalThis" && !members.is_empty();
                if of_global {
                    root = members.remove(0);
                    if self.replaced.contains(root.text) {
                        return None;
                    }
                }
                return Some(Meaning { root, members, of_global });
            };
            let binding = &self.sketch.bindings[binding];
            let Some(Bound::Path(path)) = binding.value.as_ref().filter(|_| binding.writes == 1) else {
                return None;
            };
            let mut longer = path.members.clone();
            longer.append(&mut members);
            (root, scope, members) = (path.root, path.scope, longer);
        }
        None
    }
}

fn lookup(sketch: &Sketch<'_>, scope: ScopeId, name: &str, left: &mut u32) -> Option<usize> {
    let mut at = Some(scope);
    let mut from_function = false;
    while let Some(scope) = at {
        *left = left.checked_sub(1)?;
        let Some(outer) = sketch.outer.get(&(scope, name)).filter(|outer| **outer != scope) else {
            let is = sketch.scope_of(scope);
            let seen = is.kind != ScopeKind::Class || !from_function;
            if let Some(&binding) = sketch.named.get(&(scope, name)).filter(|_| seen) {
                return Some(binding);
            }
            from_function |= is.kind == ScopeKind::Function;
            at = is.parent;
            continue;
        };
        at = Some(*outer);
    }
    None
}
