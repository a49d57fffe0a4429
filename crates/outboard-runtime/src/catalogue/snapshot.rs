//! The catalogue at one moment: immutable, shared, with every name resolved to one tool.
//! It does not follow changes; [`super::Catalogue::watch`] does.

use std::{collections::BTreeMap, sync::Arc};

use super::{Entry, Listing, ToolDefinition, UpstreamState};
use crate::ids::{Namespace, UpstreamName};

/// One upstream within a snapshot.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its configured name.
    pub upstream: UpstreamName,
    /// The identifier that scripts use.
    pub namespace: Namespace,
    /// How it stands.
    pub state: UpstreamState,
    /// What it lists, from its cache or from itself; `None` if nothing is known yet.
    pub listing: Option<Arc<Listing>>,
    /// Script identifier of each tool of the listing, in the same order.
    pub identifiers: Vec<String>,
}

/// A tool that a script named.
#[derive(Clone, Debug)]
pub struct Resolved<'a> {
    /// Its upstream.
    pub member: &'a Member,
    /// Its definition.
    pub tool: &'a ToolDefinition,
    /// Its identifier in scripts.
    pub identifier: &'a str,
}

/// Why a name names no tool.
#[derive(Clone, Debug)]
pub enum Unresolved<'a> {
    /// No namespace has this name; the nearest ones.
    Namespace(Vec<&'a str>),
    /// The namespace has no such tool; the nearest ones.
    Tool(&'a Member, Vec<&'a str>),
    /// The upstream has not listed its tools yet, or cannot be reached.
    Unknown(&'a Member),
}

/// The catalogue at one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    members: Vec<Member>,
}

impl Snapshot {
    pub(super) fn build(_entries: &BTreeMap<UpstreamName, Entry>) -> Self {
        Self::default()
    }

    /// The upstreams, ordered by namespace.
    pub fn members(&self) -> &[Member] {
        &self.members
    }
}
