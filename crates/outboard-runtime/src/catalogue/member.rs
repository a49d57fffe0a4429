//! One upstream within a snapshot: its tools and the names under which scripts reach them.
//! Immutable; a change makes a new one.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use outboard_declare::names::Names;
use outboard_script::Shape;
use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Beside, Listing, Resolved, Terms, ToolDefinition, UpstreamState, shape::shape};
use crate::{
    ids::{Namespace, UpstreamName},
    policy::Standing,
    ports::observer::Observing,
};

/// One upstream within a snapshot.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its configured name.
    pub upstream: UpstreamName,
    /// The identifier that scripts use.
    pub namespace: Namespace,
    /// How it stands.
    pub state: UpstreamState,
    /// What it lists, from its cache or from itself, without what its filter leaves out; `None` if nothing is known yet.
    pub listing: Option<Arc<Listing>>,
    /// Script identifier of each tool of the listing, in the same order.
    pub identifiers: Arc<[String]>,
    /// What it lists, with what its filter leaves out: to be kept for a later start and never to be shown.
    pub whole: Option<Arc<Listing>>,
    /// The terms on which it is used.
    pub terms: Arc<Terms>,
    /// How often it has said that its list of resources has changed.
    pub resource_changes: u64,
    /// Patterns of its filter that match none of its tools.
    pub idle_patterns: Arc<[String]>,
    /// Which [`Seat`](super::Seat) it has: another number is another upstream, even under the same name.
    pub seat: u64,
    /// Who knows what results of its tools look like, if anyone does.
    observing: Observing,
    /// Places for calls in flight, if their number is limited.
    pub(crate) places: Option<Arc<Semaphore>>,
    named: Arc<HashMap<String, usize>>,
    // Of each tool of the listing, made when a script first calls it.
    shapes: Arc<[OnceLock<Arc<Shape>>]>,
    // Of each tool of the listing, worked out when the tool is first called.
    standings: Arc<[OnceLock<Standing>]>,
}

impl Member {
    pub(super) fn new(upstream: UpstreamName, namespace: Namespace, seat: u64, observing: Observing) -> Self {
        Self {
            upstream,
            namespace,
            state: UpstreamState::Starting,
            listing: None,
            identifiers: Arc::default(),
            whole: None,
            terms: Arc::default(),
            resource_changes: 0,
            idle_patterns: Arc::default(),
            seat,
            observing,
            places: None,
            named: Arc::default(),
            shapes: Arc::default(),
            standings: Arc::default(),
        }
    }

    pub(super) fn standing(&self, state: UpstreamState) -> Self {
        Self { state, ..self.clone() }
    }

    pub(super) fn with_other_resources(&self) -> Self {
        Self { resource_changes: self.resource_changes + 1, ..self.clone() }
    }

    /// The same upstream on these terms.
    pub fn on(&self, terms: &Terms) -> Self {
        if *self.terms == *terms {
            return self.clone();
        }
        let places = match terms.concurrency {
            same if same == self.terms.concurrency => self.places.clone(),
            number => number.map(|number| Arc::new(Semaphore::new(number.get() as usize))),
        };
        let changed = Self { terms: Arc::new(terms.clone()), places, ..self.clone() };
        match &self.whole {
            Some(whole) => changed.listing(whole),
            None => changed,
        }
    }

    pub(super) fn listing(&self, whole: &Arc<Listing>) -> Self {
        let originals: Vec<&str> = whole.tools.iter().map(|tool| tool.name.as_str()).collect();
        // Names come before the filter, so that to hide one tool never renames another.
        let names = Names::assign(&originals, &[]);
        let all: Vec<&str> =
            originals.iter().map(|original| names.identifier(original).unwrap_or(original)).collect();
        let filter = &self.terms.tools;
        let idle = filter.idle(&originals.iter().copied().zip(all.iter().copied()));
        let kept: Vec<usize> =
            (0..all.len()).filter(|&at| filter.is_open() || filter.lets(originals[at], all[at])).collect();
        let listing = match kept.len() == all.len() {
            true => Arc::clone(whole),
            false => Arc::new(Listing {
                instructions: whole.instructions.clone(),
                tools: kept.iter().map(|&at| Arc::clone(&whole.tools[at])).collect(),
                beside: whole.beside.clone(),
            }),
        };
        let identifiers: Arc<[String]> = kept.iter().map(|&at| all[at].to_owned()).collect();
        let mut named: HashMap<String, usize> = identifiers.iter().cloned().zip(0..).collect();
        // An upstream's own name of a tool always means that tool.
        named.extend(kept.iter().map(|&at| originals[at].to_owned()).zip(0..));
        Self {
            listing: Some(listing),
            identifiers,
            whole: Some(Arc::clone(whole)),
            idle_patterns: idle.into(),
            named: Arc::new(named),
            shapes: kept.iter().map(|_| OnceLock::new()).collect(),
            standings: kept.iter().map(|_| OnceLock::new()).collect(),
            ..self.clone()
        }
    }

    /// Logs the patterns that match nothing, unless that was so before.
    pub(super) fn tell_idle_patterns(&self, before: Option<&Self>) {
        if before.is_some_and(|before| before.idle_patterns == self.idle_patterns) {
            return;
        }
        for pattern in &*self.idle_patterns {
            tracing::warn!(upstream = %self.upstream, pattern, "a pattern of `tools` matches no tool of the upstream");
        }
    }

    /// Its tools, each with its script identifier.
    pub fn tools(&self) -> impl Iterator<Item = (&str, &Arc<ToolDefinition>)> {
        let tools = self.listing.as_deref().map_or(&[][..], |listing| &listing.tools);
        self.identifiers.iter().map(String::as_str).zip(tools)
    }

    /// What it has beside tools, if that is known.
    pub fn beside(&self) -> Option<&Beside> {
        self.listing.as_ref().map(|listing| &listing.beside)
    }

    /// Its tools, each as its name would be resolved.
    pub fn resolved(&self) -> impl Iterator<Item = Resolved<'_>> {
        self.tools().map(|(identifier, tool)| Resolved { member: self, tool, identifier })
    }

    /// What the tool of this identifier or original name takes.
    pub(super) fn shape(&self, name: &str) -> Option<Arc<Shape>> {
        let place = *self.named.get(name)?;
        let tool = self.listing.as_ref()?.tools.get(place)?;
        let made = self.shapes.get(place)?.get_or_init(|| Arc::new(shape(tool.input().as_deref())));
        Some(Arc::clone(made))
    }

    /// How the tool of this identifier or original name stands against what a person accepted.
    pub fn tool_standing(&self, name: &str) -> Standing {
        let Some(accepted) = &self.terms.accepted else { return Standing::NotAccepted };
        let standing = || {
            let place = *self.named.get(name)?;
            let tool = self.listing.as_ref()?.tools.get(place)?;
            Some(*self.standings.get(place)?.get_or_init(|| accepted.standing(tool)))
        };
        standing().unwrap_or(Standing::New)
    }

    /// What results of this tool have looked like, as a JSON Schema: if it declares nothing of them, enough of them were
    /// seen, and the upstream's data is not private.
    pub fn observed(&self, tool: &ToolDefinition) -> Option<Arc<Value>> {
        if self.terms.labels.private == Some(true) || tool.declares_result() {
            return None;
        }
        self.observing.get()?.result_of(self.seat, &tool.name)
    }

    /// Waits for a place among the operations in flight to it. The place is free again when the returned value is
    /// dropped.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        // Nobody closes it.
        Arc::clone(self.places.as_ref()?).acquire_owned().await.ok()
    }

    /// The tool of this identifier or original name.
    pub fn tool(&self, name: &str) -> Option<(&str, &Arc<ToolDefinition>)> {
        let place = *self.named.get(name)?;
        Some((&self.identifiers[place], self.listing.as_ref()?.tools.get(place)?))
    }
}
