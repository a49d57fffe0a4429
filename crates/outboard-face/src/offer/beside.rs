//! Prompts and templates of upstreams as a client is offered them, and which upstream has what. Names of prompts are treated as
//! those of tools are; URIs stay what they are, since results of tools refer to them. Nothing is asked here.

use std::collections::HashMap;

use outboard_runtime::catalogue::{Entry, Snapshot};
use rmcp::model::{
    Prompt, PromptsCapability, Resource, ResourceTemplate, ResourcesCapability, ServerCapabilities,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::names::prefixed;

/// What is between a namespace and a URI that several upstreams have: together they are a URI again.
const MARK: char = '+';

/// What upstreams have beside tools.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Beside {
    pub(crate) prompts: Vec<Prompt>,
    pub(crate) templates: Vec<ResourceTemplate>,
    /// Namespaces that have resources.
    pub(crate) resources: Vec<String>,
    /// How often lists of resources have changed.
    pub(crate) changes: u64,
    subscribe: bool,
    completions: bool,
    /// Namespace and own name of each prompt that is offered.
    prompts_of: HashMap<String, (String, String)>,
    /// Namespace and own text of each template that is offered.
    templates_of: HashMap<String, (String, String)>,
}

impl Beside {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let alone = snapshot.members().len() == 1;
        let mut all = Self::default();
        let mut counts = HashMap::<&str, usize>::new();
        let templates = snapshot.members().iter().filter_map(|member| member.beside());
        for entry in templates.flat_map(|beside| &beside.templates) {
            *counts.entry(&entry.name).or_default() += 1;
        }
        for member in snapshot.members() {
            let Some(beside) = member.beside() else { continue };
            let namespace = member.namespace.as_str();
            for entry in &beside.prompts {
                all.add_prompt(namespace, entry, alone);
            }
            for entry in &beside.templates {
                all.add_template(namespace, entry, counts[entry.name.as_str()] > 1);
            }
            if beside.resources {
                all.resources.push(namespace.to_owned());
            }
            all.subscribe |= beside.subscribe;
            all.completions |= beside.completions;
            all.changes += member.resource_changes;
        }
        all
    }

    fn add_prompt(&mut self, namespace: &str, entry: &Entry, alone: bool) {
        // One that is no prompt as MCP has them costs itself.
        let Some(mut prompt) = read::<Prompt>(entry, |_| {}) else { return };
        let is_free = |name: &str| !self.prompts_of.contains_key(name);
        if !(alone && is_free(&entry.name)) {
            prompt.name = prefixed(namespace, &entry.name, &is_free);
        }
        self.prompts_of.insert(prompt.name.clone(), (namespace.to_owned(), entry.name.clone()));
        self.prompts.push(prompt);
    }

    fn add_template(&mut self, namespace: &str, entry: &Entry, is_shared: bool) {
        let shown = if is_shared { marked(namespace, &entry.name) } else { entry.name.clone() };
        let named = |definition: &mut Value| definition["uriTemplate"] = shown.clone().into();
        let Some(template) = read::<ResourceTemplate>(entry, named) else { return };
        self.templates_of.insert(shown, (namespace.to_owned(), entry.name.clone()));
        self.templates.push(template);
    }

    /// Namespace and own name of a prompt.
    pub(crate) fn prompt(&self, name: &str) -> Option<&(String, String)> {
        self.prompts_of.get(name)
    }

    /// Namespace and own text of a template.
    pub(crate) fn template(&self, template: &str) -> Option<&(String, String)> {
        self.templates_of.get(template)
    }

    /// The namespace that a URI names itself, and the URI without it.
    pub(crate) fn named<'a>(&self, uri: &'a str) -> Option<(String, &'a str)> {
        let (namespace, rest) = uri.split_once(MARK)?;
        self.resources.iter().find(|known| *known == namespace).map(|known| (known.clone(), rest))
    }

    pub(crate) fn has_prompts(&self) -> bool {
        !self.prompts.is_empty()
    }

    pub(crate) fn has_resources(&self) -> bool {
        !self.resources.is_empty() || !self.templates.is_empty()
    }

    pub(crate) fn subscribes(&self) -> bool {
        self.subscribe
    }

    pub(crate) fn completes(&self) -> bool {
        self.completions
    }

    /// Adds what a client can ask for.
    pub(crate) fn tell(&self, capabilities: &mut ServerCapabilities) {
        if self.has_prompts() {
            let mut prompts = PromptsCapability::default();
            prompts.list_changed = Some(true);
            capabilities.prompts = Some(prompts);
        }
        if self.has_resources() {
            let mut resources = ResourcesCapability::default();
            resources.list_changed = Some(true);
            capabilities.resources = Some(resources);
        }
        if self.completions {
            capabilities.completions = Some(rmcp::model::JsonObject::new());
        }
    }
}

/// A URI that says whose it is.
pub(crate) fn marked(namespace: &str, uri: &str) -> String {
    format!("{namespace}{MARK}{uri}")
}

/// A resource as an upstream lists it, under another URI if need be.
pub(crate) fn resource(mut definition: Value, uri: &str) -> Option<Resource> {
    definition["uri"] = uri.into();
    serde_json::from_value(definition).ok()
}

fn read<T: DeserializeOwned>(entry: &Entry, change: impl FnOnce(&mut Value)) -> Option<T> {
    let mut definition = entry.definition.to_value();
    change(&mut definition);
    serde_json::from_value(definition).ok()
}
