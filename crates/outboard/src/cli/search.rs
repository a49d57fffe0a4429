//! `outboard search`: what a model's `search` would find, for people and programs. Kept lists of tools answer at
//! once; upstreams that were never listed are started and waited for.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::{Args, ValueEnum};
use outboard_runtime::{
    Language,
    catalogue::{self, LARGEST_LIMIT, Resolved, SearchRequest, Snapshot, UpstreamState},
};
use serde_json::{Value, json};

use super::{
    catalog,
    context::Context,
    language,
    waiting::{self, Wait},
};
use crate::report::{self, Failure};

/// The longest wait for upstreams that were never listed.
pub(super) const FIRST_LISTS: Wait<'static> =
    Wait { pending: &waiting::is_unlisted, patience: Duration::from_secs(30) };

/// Options of `outboard search`.
#[derive(Debug, Args)]
pub(super) struct Search {
    /// Words or a whole task; nothing lists the namespaces
    query: Vec<String>,
    /// Tools at most, from 1 to 100
    #[arg(long, value_name = "TOOLS", value_parser = clap::value_parser!(u64).range(1..=LARGEST_LIMIT as u64))]
    limit: Option<u64>,
    /// How much of each tool is shown
    #[arg(long, value_enum, default_value_t)]
    detail: Detail,
    /// The language of the signatures
    #[arg(long, default_value = "typescript", ignore_case = true, value_parser = language::parser())]
    language: Language,
    /// Look at a saved reply to `tools/list` instead; its namespace is the file's name
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// How much of each tool is shown.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(super) enum Detail {
    /// Its full name
    Name,
    /// Its signature and the first sentence of its description
    #[default]
    Signature,
    /// Everything
    Full,
}

impl From<Detail> for catalogue::Detail {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Name => Self::Name,
            Detail::Signature => Self::Signature,
            Detail::Full => Self::Full,
        }
    }
}

impl Search {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let snapshot = match &self.catalog {
            Some(file) => catalog::read(file, None)?,
            None => known(&Context::load()?).await?,
        };
        let request = SearchRequest {
            query: self.query.join(" "),
            limit: self.limit.and_then(|limit| usize::try_from(limit).ok()),
            detail: Some(self.detail.into()),
            language: Some(self.language),
        };
        if self.json {
            return report::json(&found(&snapshot, &request));
        }
        report::text(&snapshot.answer(&request));
        Ok(())
    }
}

/// What is known of the tools here; what was never listed is waited for.
pub(super) async fn known(context: &Context) -> Result<Arc<Snapshot>, Failure> {
    context
        .with(&waiting::is_unlisted, async |system, stop| {
            waiting::wait(system.runtime.catalogue(), FIRST_LISTS, &stop, |_| ()).await
        })
        .await
}

/// What was found, as one object.
fn found(snapshot: &Snapshot, request: &SearchRequest) -> Value {
    let (language, detail) = (request.language.unwrap_or_default(), request.detail.unwrap_or_default());
    let shown = match snapshot.resolve_full(request.query.trim()) {
        Some(exact) => vec![exact],
        None => snapshot.find(&request.query, request.limit),
    };
    let tools: Vec<Value> = shown.iter().map(|tool| tool_json(tool, language, detail)).collect();
    json!({
        "query": request.query,
        "tools": tools,
        "namespaces": snapshot.members().iter().map(|member| namespace_json(member)).collect::<Vec<_>>(),
        "known": snapshot.tool_count(),
    })
}

fn tool_json(tool: &Resolved<'_>, language: Language, detail: catalogue::Detail) -> Value {
    json!({
        "name": tool.called(),
        "upstream": tool.member.upstream,
        "tool": tool.tool.name,
        "description": tool.tool.description,
        "signature": tool.declaration(language, detail),
    })
}

/// A namespace in a line: whether its tools are known, and why not.
pub(super) fn namespace_json(member: &catalogue::Member) -> Value {
    let reason = match &member.state {
        UpstreamState::Failed { reason } => Some(reason),
        UpstreamState::Asleep | UpstreamState::Starting | UpstreamState::Ready { .. } => None,
    };
    json!({
        "namespace": member.namespace,
        "upstream": member.upstream,
        "tools": member.listing.as_ref().map(|listing| listing.tools.len()),
        "failed": reason,
    })
}
