//! The catalogue at one moment: immutable, shared, with every name resolved to one tool.
//! It does not follow changes; [`super::Catalogue::watch`] does.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use outboard_script::{Advice, CatalogueView, Language, ToolView};

use super::{Member, ToolDefinition, UpstreamState, call_signature, indexed::Indexed, plural, suggest};
use crate::{
    broker,
    json::Json,
    operation::{Operation, ToolCall},
    policy::Facts,
    present,
};

/// Bytes of a full name at most.
const LONGEST_NAME: usize = 1_000;

/// A tool that a script named.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// Its upstream.
    pub member: &'a Member,
    /// Its definition.
    pub tool: &'a Arc<ToolDefinition>,
    /// Its identifier in scripts.
    pub identifier: &'a str,
}

impl Resolved<'_> {
    /// What is known of calling it so, beside what a run brings.
    pub fn facts<'f>(&'f self, operation: &'f Operation) -> Facts<'f> {
        Facts {
            identifier: self.identifier,
            claims: self.tool.annotations,
            standing: self.member.tool_standing(self.identifier),
            trusted: self.member.terms.trusted,
            labels: self.member.terms.labels,
            ..Facts::of(operation)
        }
    }

    /// The call of it with these arguments.
    pub fn call(&self, arguments: Json) -> Operation {
        Operation::CallTool(ToolCall {
            upstream: self.member.upstream.clone(),
            namespace: self.member.namespace.clone(),
            tool: self.tool.name.clone(),
            arguments,
        })
    }

    /// `namespace.tool`, as scripts write it.
    pub fn called(&self) -> String {
        format!("{}.{}", self.member.namespace, self.identifier)
    }
}

/// Why a name names no tool.
#[derive(Clone, Debug)]
pub enum Unresolved<'a> {
    /// No namespace has this name.
    Namespace(&'a Snapshot),
    /// The namespace has no such tool.
    Tool(&'a Member),
    /// The upstream has not listed its tools yet, or cannot be reached.
    Unknown(&'a Member),
}

/// The catalogue at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    members: Vec<Arc<Member>>,
    places: HashMap<String, usize>,
    // Made when it is first asked for: most snapshots at the start are searched by nobody.
    index: OnceLock<Arc<Indexed>>,
    // The nearest index before, to make this one from.
    before: Option<Arc<Indexed>>,
}

impl Snapshot {
    pub(super) fn of(members: impl Iterator<Item = Arc<Member>>, before: Option<Arc<Indexed>>) -> Self {
        let mut members: Vec<Arc<Member>> = members.collect();
        members.sort_by(|a, b| a.namespace.cmp(&b.namespace));
        let mut places: HashMap<String, usize> =
            members.iter().map(|member| member.upstream.as_str().to_owned()).zip(0..).collect();
        places.extend(members.iter().map(|member| member.namespace.as_str().to_owned()).zip(0..));
        Self { members, places, index: OnceLock::new(), before }
    }

    /// The upstreams, ordered by namespace.
    pub fn members(&self) -> &[Arc<Member>] {
        &self.members
    }

    /// The upstream of this namespace or configured name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        self.places.get(name).map(|&place| &*self.members[place])
    }

    /// How many tools are known.
    pub fn tool_count(&self) -> usize {
        self.members.iter().map(|member| member.identifiers.len()).sum()
    }

    /// Whether every upstream has listed its tools or failed.
    pub fn is_settled(&self) -> bool {
        self.members
            .iter()
            .all(|member| member.listing.is_some() || matches!(member.state, UpstreamState::Failed { .. }))
    }

    /// The tool that these names mean.
    pub fn resolve(&self, namespace: &str, tool: &str) -> Result<Resolved<'_>, Unresolved<'_>> {
        let member = self.member(namespace).ok_or(Unresolved::Namespace(self))?;
        match member.tool(tool) {
            Some((identifier, tool)) => Ok(Resolved { member, tool, identifier }),
            None if member.listing.is_none() => Err(Unresolved::Unknown(member)),
            None => Err(Unresolved::Tool(member)),
        }
    }

    /// The tool of a full name: `namespace.tool`, `namespace["original name"]` or `namespace/tool`.
    pub fn resolve_full(&self, name: &str) -> Option<Resolved<'_>> {
        // Each mark in it is tried: a long text is no name.
        if name.len() > LONGEST_NAME {
            return None;
        }
        name.match_indices(['.', '/', '[']).find_map(|(at, separator)| {
            let tool = name[at + 1..].trim();
            let tool = if separator == "[" {
                tool.trim_end_matches(']').trim_matches(['"', '\'', '`'])
            } else {
                tool
            };
            self.resolve(name[..at].trim(), tool.trim_end_matches("()")).ok()
        })
    }

    /// A hint for a name that is not defined in a script, if it is near to a namespace.
    pub(crate) fn hint_for_undefined(&self, name: &str) -> Option<String> {
        suggest::undefined(self, name)
    }

    pub(super) fn index(&self) -> &Indexed {
        self.index.get_or_init(|| Arc::new(Indexed::of(&self.members, self.before.as_deref())))
    }

    /// The index of this snapshot, or of the nearest one before it that has one.
    pub(super) fn latest_index(&self) -> Option<Arc<Indexed>> {
        self.index.get().or(self.before.as_ref()).cloned()
    }
}

impl CatalogueView for Snapshot {
    fn has_namespace(&self, name: &str) -> bool {
        self.member(name).is_some_and(|member| member.namespace.as_str() == name)
    }

    fn tool(&self, namespace: &str, tool: &str) -> ToolView {
        match self.resolve(namespace, tool) {
            Ok(resolved) => resolved.member.shape(tool).map_or(ToolView::Unclear, ToolView::Found),
            Err(Unresolved::Tool(_)) => ToolView::Missing,
            Err(Unresolved::Namespace(_) | Unresolved::Unknown(_)) => ToolView::Unclear,
        }
    }

    fn explain_missing(&self, namespace: &str, tool: &str, language: Language) -> Advice {
        let message = match self.resolve(namespace, tool) {
            Err(unresolved) => unresolved.explain(namespace, tool),
            Ok(resolved) => format!("{} is there", resolved.called()),
        };
        let near =
            self.member(namespace).and_then(|member| suggest::near_tools(member, tool).first().copied());
        let signature = near.map(|near| self.signature(namespace, near, language));
        Advice { message, hint: signature.map(|signature| format!("expected {signature}")) }
    }

    fn explain_undefined(&self, name: &str, language: Language) -> Option<Advice> {
        if let Some(hint) = present::undefined_name(language, name) {
            return Some(Advice { message: format!("`{name}` is not defined"), hint: Some(hint) });
        }
        Some(Advice { message: suggest::namespace(self, name), hint: None })
    }

    fn signature(&self, namespace: &str, tool: &str, language: Language) -> String {
        self.resolve(namespace, tool).map_or_else(
            |_| String::new(),
            |found| call_signature(language, found.member.namespace.as_str(), found.identifier, found.tool),
        )
    }

    fn takes_many(&self, namespace: &str, tool: &str) -> Option<String> {
        let found = self.resolve(namespace, tool).ok()?;
        plural::takes_many(found.member, found.identifier).map(str::to_owned)
    }

    fn refuses_misfits(&self, namespace: &str, tool: &str) -> bool {
        self.resolve(namespace, tool).is_ok_and(|found| broker::judges_arguments_of(found.tool))
    }
}

impl Unresolved<'_> {
    /// The message for whoever wrote the names.
    pub fn explain(&self, namespace: &str, tool: &str) -> String {
        match self {
            Self::Namespace(snapshot) => suggest::namespace(snapshot, namespace),
            Self::Tool(member) => suggest::tool(member, tool),
            Self::Unknown(member) => format!("{} has not listed its tools yet", member.namespace),
        }
    }
}
