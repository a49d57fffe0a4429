//! What a schema says about a type beyond its values, in one line for a comment.
//! The same in every language but for how a comment is escaped; it writes no types.

use crate::model::{Kind, Notes, Type};

/// How a language makes its remarks.
#[derive(Clone, Copy)]
pub(crate) struct Remarks {
    /// Makes upstream text fit for the place.
    pub(crate) escape: fn(&str) -> String,
    /// Whether it has to be said that a number is whole.
    pub(crate) integers: bool,
    /// How it is said that something should no longer be used.
    pub(crate) deprecated: &'static str,
}

impl Remarks {
    /// All that is said about a type: of a list also what is said about its items.
    pub(crate) fn of(self, ty: &Type) -> Option<String> {
        let integer = (self.integers && holds_integers(&ty.kind)).then_some("integer");
        match (self.said(&ty.notes, integer), self.each(&ty.kind)) {
            (Some(own), Some(each)) => Some(format!("{own}; {each}")),
            (own, each) => own.or(each),
        }
    }

    /// What is said about one of several alternatives.
    pub(crate) fn of_alternative(self, ty: &Type) -> Option<String> {
        self.said(&ty.notes, None)
    }

    /// What is said about the items of a list, which may be `null` instead.
    fn each(self, kind: &Kind) -> Option<String> {
        match kind {
            Kind::Array(item) => self.of(item).map(|said| format!("each: {said}")),
            Kind::Union(members) if members.len() == 2 && members[1].kind == Kind::Null => {
                self.each(&members[0].kind)
            }
            _ => None,
        }
    }

    fn said(self, notes: &Notes, integer: Option<&str>) -> Option<String> {
        let escape = self.escape;
        let mut facts: Vec<String> = integer.iter().map(ToString::to_string).collect();
        facts.extend(notes.facts.iter().map(|fact| escape(fact)));
        let default = notes.default.as_deref().filter(|default| !says_default(notes, default));
        facts.extend(default.map(|default| format!("default {}", escape(default))));
        let description = notes.description.as_deref().map(escape).filter(|text| !text.is_empty());
        let facts = facts.join(", ");
        let mut said = match (description, facts.is_empty()) {
            (Some(description), true) => description,
            (Some(description), false) => format!("{} ({facts})", description.trim_end_matches('.')),
            (None, _) => facts,
        };
        if notes.deprecated {
            let gap = if said.is_empty() { "" } else { " " };
            said.insert_str(0, &format!("{}{gap}", self.deprecated));
        }
        (!said.is_empty()).then_some(said)
    }
}

/// Whether the description names the default by itself, as many do.
fn says_default(notes: &Notes, default: &str) -> bool {
    let Some(description) = &notes.description else { return false };
    let value = default.trim_matches('"');
    let names = |rest: &str| {
        let mut words = rest.split(|c: char| c.is_whitespace() || ",;()[]'\"`*".contains(c));
        !value.is_empty() && words.any(|word| word.trim_matches(['.', ':', '=']).eq_ignore_ascii_case(value))
    };
    let lower = description.to_ascii_lowercase();
    lower.match_indices("default").any(|(at, _)| {
        let near = lower.get(at + "default".len()..).unwrap_or_default();
        names(near.split_once(". ").map_or(near, |(near, _)| near))
    })
}

fn holds_integers(kind: &Kind) -> bool {
    match kind {
        Kind::Integer => true,
        Kind::Union(members) => {
            let has = |kind: Kind| members.iter().any(|member| member.kind == kind);
            has(Kind::Integer) && !has(Kind::Number)
        }
        _ => false,
    }
}
