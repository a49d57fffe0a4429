//! What preparing a script may know of the tools that it can call, so that mistakes are found before anything runs.
//! It only asks; the answers are the catalogue's. What a script becomes never depends on them.

use crate::{Language, Shape};
use std::sync::Arc;

/// A catalogue as checks see it. All but [`has_namespace`](Self::has_namespace) have answers that find nothing.
pub trait CatalogueView: Sync {
    /// Whether tools of this namespace can be called.
    fn has_namespace(&self, name: &str) -> bool;

    /// What a tool of a namespace takes.
    fn tool(&self, _namespace: &str, _tool: &str) -> ToolView {
        ToolView::Unclear
    }

    /// What to say of a tool that is [`Missing`](ToolView::Missing), in the words that a call of it would be told.
    fn explain_missing(&self, namespace: &str, tool: &str, _language: Language) -> Advice {
        Advice { message: format!("{namespace} has no tool `{tool}`"), hint: None }
    }

    /// What to say of a name that is not defined where tools are called; `None` if that may be right.
    fn explain_undefined(&self, _name: &str, _language: Language) -> Option<Advice> {
        None
    }

    /// How a tool is called, in a line, without what it gives.
    fn signature(&self, _namespace: &str, _tool: &str, _language: Language) -> String {
        String::new()
    }

    /// What to say of a tool that policy denies whatever it is called with; `None` if it may be allowed. Asked of names
    /// that may name no tool.
    fn denied_outright(&self, _namespace: &str, _tool: &str) -> Option<Advice> {
        None
    }

    /// The tool of the namespace that does at once for many what this one does for one.
    fn takes_many(&self, _namespace: &str, _tool: &str) -> Option<String> {
        None
    }

    /// Whether arguments that do not fit the tool's [`Shape`] are refused when it is called.
    fn refuses_misfits(&self, _namespace: &str, _tool: &str) -> bool {
        true
    }
}

/// What a catalogue knows of a tool.
#[derive(Clone, Debug)]
pub enum ToolView {
    /// Nothing: its upstream has not listed its tools.
    Unclear,
    /// There is none of this name.
    Missing,
    /// It takes values of this shape.
    Found(Arc<Shape>),
}

/// What is wrong, and what to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to try, for example the signature of what was probably meant.
    pub hint: Option<String>,
}

/// No tools are known, so nothing is found that takes knowledge of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTools;

impl CatalogueView for NoTools {
    fn has_namespace(&self, _: &str) -> bool {
        false
    }
}
