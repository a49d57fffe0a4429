//! `outboard describe`: everything that is known of one tool, or the tools of one upstream. The upstream is started only
//! if it was never listed.

use std::{path::PathBuf, sync::Arc};

use clap::Args;
use outboard_runtime::{
    Language,
    catalogue::{Detail, Member, Resolved, Snapshot},
};
use serde_json::{Value, json};

use super::{
    catalog,
    context::Context,
    language, names,
    search::{FIRST_LISTS, namespace_json},
    waiting::{self, Wait},
};
use crate::report::{self, Failure, escaped};

/// Options of `outboard describe`.
#[derive(Debug, Args)]
pub(super) struct Describe {
    /// A tool (`namespace.tool`) or a namespace, by the names of scripts or the original ones
    name: String,
    /// Look at a saved reply to `tools/list` instead; its namespace is the file's name
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// The language of the declarations
    #[arg(long, default_value = "typescript", ignore_case = true, value_parser = language::parser())]
    language: Language,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Describe {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let snapshot = match &self.catalog {
            Some(file) => catalog::read(file, None)?,
            None => self.known().await?,
        };
        if let Some(tool) = snapshot.resolve_full(&self.name) {
            return self.tool(&tool);
        }
        match snapshot.member(self.name.trim()) {
            Some(member) => self.namespace(member),
            None => Err(names::unknown(&snapshot, &self.name)),
        }
    }

    /// What is known of the tools here.
    async fn known(&self) -> Result<Arc<Snapshot>, Failure> {
        let context = Context::load()?;
        let pending = |member: &Member| waiting::is_unlisted(member) && names::may_mean(&self.name, member);
        context
            .with(&pending, async |system, stop| {
                let wait = Wait { pending: &pending, ..FIRST_LISTS };
                waiting::wait(system.runtime.catalogue(), wait, &stop, |_| ()).await
            })
            .await
    }

    fn tool(&self, tool: &Resolved<'_>) -> Result<(), Failure> {
        if self.json {
            return report::json(&tool_json(tool, self.language));
        }
        report::text(&tool.declaration(self.language, Detail::Full));
        for warning in tool.warnings() {
            report::warn(format_args!("{}: {}", tool.called(), escaped(&warning)));
        }
        Ok(())
    }

    fn namespace(&self, member: &Member) -> Result<(), Failure> {
        if member.listing.is_none() {
            return Err(names::unavailable(member));
        }
        if self.json {
            let tools: Vec<Value> = member.resolved().map(|tool| tool_json(&tool, self.language)).collect();
            let mut object = namespace_json(member);
            object["instructions"] =
                json!(member.listing.as_ref().and_then(|listing| listing.instructions.as_deref()));
            object["tools"] = tools.into();
            return report::json(&object);
        }
        for tool in member.resolved() {
            report::text(&tool.declaration(self.language, Detail::Signature));
        }
        if member.identifiers.is_empty() {
            report::note(format_args!("{} has no tools", member.namespace));
        }
        Ok(())
    }
}

fn tool_json(tool: &Resolved<'_>, language: Language) -> Value {
    json!({
        "name": tool.called(),
        "upstream": tool.member.upstream,
        "tool": tool.tool.name,
        "title": tool.tool.title,
        "description": tool.tool.description,
        "declaration": tool.declaration(language, Detail::Full),
        "inputSchema": tool.tool.input_schema,
        "outputSchema": tool.tool.output_schema,
        "warnings": tool.warnings(),
        "observedResult": tool.member.observed(tool.tool),
        "annotations": tool.tool.annotations,
    })
}
