//! One upstream within a snapshot: its tools and the names under which scripts reach them.
//! Immutable; a change makes a new one.

use std::{collections::HashMap, sync::Arc};

use outboard_declare::names::Names;

use super::{Listing, ToolDefinition, UpstreamState};
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
    pub identifiers: Arc<[String]>,
    places: Arc<HashMap<String, usize>>,
}

impl Member {
    pub(super) fn new(upstream: UpstreamName, namespace: Namespace) -> Self {
        Self {
            upstream,
            namespace,
            state: UpstreamState::Starting,
            listing: None,
            identifiers: Arc::default(),
            places: Arc::default(),
        }
    }

    pub(super) fn standing(&self, state: UpstreamState) -> Self {
        Self { state, ..self.clone() }
    }

    pub(super) fn listing(&self, listing: &Arc<Listing>) -> Self {
        let originals: Vec<&str> = listing.tools.iter().map(|tool| tool.name.as_str()).collect();
        let names = Names::assign(&originals, &[]);
        let identifiers: Arc<[String]> = originals
            .iter()
            .map(|original| names.identifier(original).unwrap_or(original).to_owned())
            .collect();
        let mut places: HashMap<String, usize> = identifiers.iter().cloned().zip(0..).collect();
        // An upstream's own name of a tool always means that tool.
        places.extend(originals.iter().map(|original| (*original).to_owned()).zip(0..));
        Self { listing: Some(Arc::clone(listing)), identifiers, places: Arc::new(places), ..self.clone() }
    }

    /// Its tools, each with its script identifier.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Arc<ToolDefinition>)> {
        let tools = self.listing.as_deref().map_or(&[][..], |listing| &listing.tools);
        self.identifiers.iter().map(String::as_str).zip(tools)
    }

    /// The tool of this identifier or original name.
    pub fn tool(&self, name: &str) -> Option<(&str, &Arc<ToolDefinition>)> {
        let place = *self.places.get(name)?;
        Some((&self.identifiers[place], self.listing.as_ref()?.tools.get(place)?))
    }
}
