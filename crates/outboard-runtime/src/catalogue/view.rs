//! The catalogue as the checks of a script see it under a policy: what is denied outright is told before anything runs.
//! It judges nothing itself.

use outboard_script::{Advice, CatalogueView, Language, ToolView};

use serde_json::{Map, Value};

use super::Snapshot;
use crate::{json::Json, policy::Policy};

/// A catalogue under a policy.
pub(crate) struct Judged<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) policy: &'a dyn Policy,
}

impl CatalogueView for Judged<'_> {
    fn has_namespace(&self, name: &str) -> bool {
        self.snapshot.has_namespace(name)
    }

    fn tool(&self, namespace: &str, tool: &str) -> ToolView {
        self.snapshot.tool(namespace, tool)
    }

    fn explain_missing(&self, namespace: &str, tool: &str, language: Language) -> Advice {
        self.snapshot.explain_missing(namespace, tool, language)
    }

    fn explain_undefined(&self, name: &str, language: Language) -> Option<Advice> {
        self.snapshot.explain_undefined(name, language)
    }

    fn signature(&self, namespace: &str, tool: &str, language: Language) -> String {
        self.snapshot.signature(namespace, tool, language)
    }

    fn denied_outright(&self, namespace: &str, tool: &str) -> Option<Advice> {
        let found = self.snapshot.resolve(namespace, tool).ok()?;
        let operation = found.call(Json::from(Value::Object(Map::new())));
        let reason = self.policy.denied_outright(&found.facts(&operation))?;
        let message = format!("{} is denied by policy: {}", found.called(), reason.text);
        let hint = "do the task without it, or ask the person".to_owned();
        Some(Advice { message, hint: Some(hint) })
    }

    fn takes_many(&self, namespace: &str, tool: &str) -> Option<String> {
        let many = self.snapshot.takes_many(namespace, tool)?;
        self.denied_outright(namespace, &many).is_none().then_some(many)
    }

    fn refuses_misfits(&self, namespace: &str, tool: &str) -> bool {
        self.snapshot.refuses_misfits(namespace, tool)
    }
}
