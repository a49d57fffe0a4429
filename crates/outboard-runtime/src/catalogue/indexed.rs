//! The search index of a snapshot, made from an earlier snapshot's by what changed since.
//! It holds what the members show and nothing else. Ranking is outboard-search's.

use std::{collections::HashMap, sync::Arc};

use outboard_search::{Document, Index, Key};

use super::{Member, Schema, ToolDefinition};

/// An index, with the members that it was made of.
#[derive(Debug, Default)]
pub(super) struct Indexed {
    index: Index,
    members: Vec<Arc<Member>>,
}

impl Indexed {
    /// The index of these members; `before` is looked through for what need not be read again.
    pub(super) fn of(members: &[Arc<Member>], before: Option<&Self>) -> Self {
        let mut index = before.map(|before| before.index.clone()).unwrap_or_default();
        let old = before.map_or(&[][..], |before| &before.members);
        for member in old {
            if !members.iter().any(|other| other.namespace == member.namespace) {
                change(&mut index, Some(member), None);
            }
        }
        for member in members {
            let known = old.iter().find(|other| other.namespace == member.namespace);
            if !known.is_some_and(|known| shows_the_same(known, member)) {
                change(&mut index, known, Some(member));
            }
        }
        Self { index, members: members.to_vec() }
    }

    pub(super) fn index(&self) -> &Index {
        &self.index
    }
}

/// Without comparing tools: most changes are of another upstream, or of a state only.
fn shows_the_same(one: &Member, other: &Member) -> bool {
    let listings = match (&one.listing, &other.listing) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (None, None) => true,
        _ => false,
    };
    listings && Arc::ptr_eq(&one.identifiers, &other.identifiers)
}

fn change(index: &mut Index, from: Option<&Arc<Member>>, to: Option<&Arc<Member>>) {
    let Some(namespace) = from.or(to).map(|member| member.namespace.as_str()) else { return };
    let mut gone: HashMap<&str, &Arc<ToolDefinition>> =
        from.into_iter().flat_map(|member| member.tools()).collect();
    for (identifier, tool) in to.into_iter().flat_map(|member| member.tools()) {
        let same = gone.remove(identifier).is_some_and(|known| Arc::ptr_eq(known, tool) || known == tool);
        if !same {
            let parameters = tool.input_schema.as_ref().map(Schema::properties).unwrap_or_default();
            index.put(Key::new(namespace, identifier), &document(tool, &parameters));
        }
    }
    for identifier in gone.keys() {
        index.remove(&Key::new(namespace, identifier));
    }
}

fn document<'a>(tool: &'a ToolDefinition, parameters: &'a [(String, String)]) -> Document<'a> {
    Document {
        title: tool.title.as_deref(),
        description: tool.description.as_deref(),
        parameters: parameters.iter().map(|(name, said)| (name.as_str(), said.as_str())).collect(),
    }
}
