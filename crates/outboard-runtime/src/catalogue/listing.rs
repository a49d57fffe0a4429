//! Answers about the catalogue as a model reads them: search results and declarations, within a
//! token budget. Ranking is outboard-search's matter, the form of a declaration outboard-declare's.

use std::{fmt::Write as _, sync::Arc};

use outboard_declare::{
    python,
    typescript::{self, Declaration, ToolShape},
};
use outboard_script::Language;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Resolved, Snapshot, ToolDefinition, UpstreamState,
    instructions::{self, Notes},
};
use crate::present::{clipped, count_tokens, counted, estimate_tokens};

/// Tokens that a search answer may take.
const ANSWER_TOKENS: usize = 1_200;
/// Of these, for declarations; the rest is for what is said of those left out.
const DECLARED_TOKENS: usize = ANSWER_TOKENS - 200;
/// Tools named that were left out for length.
const LEFT_OUT_NAMED: usize = 8;
/// Tools that a search shows when it is not told how many.
const DEFAULT_LIMIT: usize = 8;
/// Tools of an answer at most.
pub const LARGEST_LIMIT: usize = 100;

/// How much of each tool is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Detail {
    /// Its full name.
    Name,
    /// Its typed signature and the first sentence of its description.
    #[default]
    Signature,
    /// Everything that its upstream says of it.
    Full,
}

impl From<Detail> for typescript::Detail {
    fn from(detail: Detail) -> Self {
        match detail {
            Detail::Name => Self::Name,
            Detail::Signature => Self::Signature,
            Detail::Full => Self::Full,
        }
    }
}

/// What a search asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    /// Words or a whole task; empty lists the namespaces.
    pub query: String,
    /// Tools at most.
    #[serde(default)]
    pub limit: Option<usize>,
    /// How much of each.
    #[serde(default)]
    pub detail: Option<Detail>,
    /// In which language the tools are declared; TypeScript if nothing is said.
    #[serde(default)]
    pub language: Option<Language>,
}

/// Bytes of a signature in a message.
const SIGNATURE: usize = 700;

/// How a tool is called, in one line: its name and what it takes, without what it gives.
pub(crate) fn call_signature(
    language: Language,
    namespace: &str,
    identifier: &str,
    tool: &ToolDefinition,
) -> String {
    let input = tool.input();
    let shape = ToolShape { namespace, identifier, input: input.as_deref(), ..ToolShape::default() };
    let (declared, signature) = match language {
        Language::TypeScript => {
            let declared = typescript::declare_tool(&shape, typescript::Detail::Signature);
            let signature = declared.signature.trim_end_matches(": Promise<any>").to_owned();
            (declared, signature)
        }
        Language::Python => {
            let declared = python::declare_tool(&shape, typescript::Detail::Signature);
            let method = declared.signature.trim_start_matches("async def ").trim_end_matches(" -> Any");
            let signature = format!("{namespace}.{method}");
            (declared, signature)
        }
    };
    let types = declared.types.iter().flat_map(|text| text.lines()).map(str::trim);
    let text = std::iter::once(signature.as_str()).chain(types).collect::<Vec<_>>().join("; ");
    clipped(&text, SIGNATURE).into_owned()
}

/// The declaration of one tool.
fn declaration(
    language: Language,
    namespace: &str,
    identifier: &str,
    tool: &ToolDefinition,
    observed: Option<Arc<Value>>,
    detail: Detail,
) -> Declaration {
    // What a tool gives is not even made where only its name is shown.
    let wants_types = detail != Detail::Name;
    let input = wants_types.then(|| tool.input()).flatten();
    let learned = observed.is_some();
    let output = observed.or_else(|| wants_types.then(|| tool.output()).flatten());
    let shape = ToolShape {
        namespace,
        identifier,
        description: tool.description.as_deref().or(tool.title.as_deref()),
        input: input.as_deref(),
        output: output.as_deref(),
        observed: learned,
    };
    match language {
        Language::TypeScript => typescript::declare_tool(&shape, detail.into()),
        Language::Python => python::declare_tool(&shape, detail.into()),
    }
}

impl Resolved<'_> {
    /// The tool's declaration in a language. Where its upstream says nothing of its result, with what results have looked
    /// like.
    pub fn declaration(&self, language: Language, detail: Detail) -> String {
        let observed = (detail != Detail::Name).then(|| self.member.observed(self.tool)).flatten();
        declaration(language, self.member.namespace.as_str(), self.identifier, self.tool, observed, detail)
            .text
    }

    /// What of the schemas that its upstream declares is not declared as it is written, and why.
    pub fn warnings(&self) -> Vec<String> {
        let (language, namespace) = (Language::TypeScript, self.member.namespace.as_str());
        let declared = declaration(language, namespace, self.identifier, self.tool, None, Detail::Full);
        declared.warnings.iter().map(ToString::to_string).collect()
    }

    /// Its declaration with what its upstream says of itself.
    fn described(self, language: Language, detail: Detail) -> String {
        let mut text = self.declaration(language, detail) + "\n";
        let room = ANSWER_TOKENS.saturating_sub(count_tokens(&text));
        let most = if detail == Detail::Full { instructions::FULL } else { instructions::ONE };
        let alone = [self];
        Notes::of(&alone, detail, most, room).write(&mut text, &alone);
        text
    }
}

impl Snapshot {
    /// The best tools for a query, best first.
    pub fn find(&self, query: &str, limit: Option<usize>) -> Vec<Resolved<'_>> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LARGEST_LIMIT);
        let found = self.index().index().search(query, limit);
        found.iter().filter_map(|hit| self.resolve(&hit.key.namespace, &hit.key.name).ok()).collect()
    }

    /// The answer to a search, as text for a model.
    pub fn answer(&self, request: &SearchRequest) -> String {
        let detail = request.detail.unwrap_or_default();
        let language = request.language.unwrap_or_default();
        let mut text = match self.resolve_full(request.query.trim()) {
            Some(exact) => exact.described(language, detail),
            None if request.query.trim().is_empty() => self.overview(),
            None => self.ranked(request, language, detail),
        };
        self.note_missing(&mut text);
        text.truncate(text.trim_end().len());
        text
    }

    /// All declarations of all tools, or `None` when they take more than about `budget` tokens or nothing is known.
    pub fn declarations(&self, budget: usize) -> Option<String> {
        // A declaration takes at least five tokens; a large catalogue is not even declared.
        if budget == 0 || self.tool_count() == 0 || self.tool_count() > budget / 5 {
            return None;
        }
        let mut text = String::new();
        for member in self.members() {
            for (identifier, tool) in member.tools() {
                let (language, namespace) = (Language::TypeScript, member.namespace.as_str());
                // Without what was observed: this text is part of what stays as it is.
                let declared = declaration(language, namespace, identifier, tool, None, Detail::Signature);
                text.push_str(&declared.text);
                text.push('\n');
            }
            if text.len() > budget.saturating_mul(32) {
                return None;
            }
        }
        text.truncate(text.trim_end().len());
        (estimate_tokens(&text) <= budget).then_some(text)
    }

    fn ranked(&self, request: &SearchRequest, language: Language, detail: Detail) -> String {
        let found = self.find(&request.query, request.limit);
        if found.is_empty() {
            return format!(
                "no tool matches; try other words, or search \"\" for the list of namespaces ({} in all)\n",
                counted(self.tool_count(), "tool")
            );
        }
        let notes = Notes::of(&found, detail, instructions::ONE, instructions::ALL);
        let mut text = String::new();
        let mut tokens = notes.tokens;
        let mut shown = 0;
        for tool in &found {
            let room = DECLARED_TOKENS.saturating_sub(tokens);
            let mut declaration = tool.declaration(language, detail);
            if shown == 0 && count_tokens(&declaration) >= room {
                // The best tool is always shown, if need be with less said of it.
                declaration = tool.declaration(language, Detail::Signature);
                if count_tokens(&declaration) >= room {
                    declaration = tool.declaration(language, Detail::Name);
                }
                declaration.push_str(" // shortened; tools.describe tells all");
            }
            let cost = count_tokens(&declaration) + 1;
            if cost > room {
                break;
            }
            tokens += cost;
            shown += 1;
            text.push_str(&declaration);
            text.push('\n');
        }
        notes.write(&mut text, &found[..shown]);
        let left = &found[shown..];
        if !left.is_empty() {
            let names: Vec<String> = left.iter().take(LEFT_OUT_NAMED).map(Resolved::called).collect();
            let more = left.len() - names.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let _ = writeln!(text, "left out for length: {}{more}", names.join(", "));
        }
        let _ = writeln!(text, "{shown} of {} shown", self.tool_count());
        text
    }

    fn overview(&self) -> String {
        let mut text = String::new();
        for member in self.members() {
            let names: Vec<&str> = member.identifiers.iter().map(String::as_str).take(6).collect();
            let more = member.identifiers.len() - names.len();
            let more = if more > 0 { format!(", {more} more") } else { String::new() };
            let _ = writeln!(
                text,
                "{} ({}): {}{more}",
                member.namespace,
                counted(member.identifiers.len(), "tool"),
                names.join(", ")
            );
        }
        if text.is_empty() {
            text.push_str("no upstream is configured: there are no tools\n");
        }
        text
    }

    fn note_missing(&self, text: &mut String) {
        for member in self.members() {
            match &member.state {
                UpstreamState::Failed { reason } => {
                    let reason = reason.lines().next().unwrap_or_default();
                    let _ = writeln!(text, "{} is not available: {reason}", member.namespace);
                }
                UpstreamState::Starting if member.listing.is_none() => {
                    let _ =
                        writeln!(text, "{} is still starting; its tools are not known yet", member.namespace);
                }
                UpstreamState::Asleep | UpstreamState::Starting | UpstreamState::Ready { .. } => {}
            }
        }
    }
}
