//! What an upstream lists: every page of a list, within bounds, and what it has beside tools. What is odd costs itself. What the
//! items mean is read elsewhere.

use std::{collections::HashSet, time::Duration};

use outboard_runtime::{
    catalogue::{Beside, Entry, Listing},
    json::Json,
};
use serde_json::{json, value::RawValue};
use tokio::time::timeout;
use tracing::warn;

use super::{Client, ConnectFailure};
use crate::{
    connection::Failure,
    tolerant::{Members, Page, Tools, Warning, member, read_page},
};

/// A list is not followed beyond this many pages.
const MAX_PAGES: usize = 1_000;
/// Bytes of all items of a list.
const MAX_BYTES: usize = 256 << 20;
/// Bytes of the definition of a prompt or a template.
const DEFINITION: usize = 64 << 10;
/// Bytes of the definitions of all of one kind.
const DEFINITIONS: usize = 4 << 20;
/// How long the lists of what is beside the tools may take: tools do not wait for them any longer.
const BESIDE: Duration = Duration::from_secs(5);

/// A list.
pub(super) struct List {
    method: &'static str,
    /// The member of its pages that holds the items.
    items: &'static str,
    /// Items at most.
    most: usize,
}

const TOOLS: List = List { method: "tools/list", items: "tools", most: 20_000 };
pub(super) const RESOURCES: List = List { method: "resources/list", items: "resources", most: 20_000 };
const PROMPTS: List = List { method: "prompts/list", items: "prompts", most: 1_000 };
const TEMPLATES: List = List { method: "resources/templates/list", items: "resourceTemplates", most: 1_000 };

impl Client {
    /// What the upstream lists now. Oddities are logged and left out.
    pub(crate) async fn list(&self, limit: Duration) -> Result<Listing, ConnectFailure> {
        let step = "list the tools";
        let mut tools = Tools::default();
        let (listed, beside) = tokio::join!(timeout(limit, self.pages(&mut tools)), self.beside());
        match listed {
            Err(_) => return Err(self.last_words.silent(step, limit)),
            Ok(Err(failure)) => return Err(ConnectFailure::Step { step, failure }),
            Ok(Ok(())) => {}
        }
        for warning in &tools.warnings {
            warn!(upstream = %self.upstream, "{warning}");
        }
        Ok(Listing { instructions: self.instructions(), tools: tools.found, beside })
    }

    /// Reads every page of tools into `tools`.
    pub(crate) async fn pages(&self, tools: &mut Tools) -> Result<(), Failure> {
        let cut = self.items(&TOOLS, |raw| tools.add(raw)).await?;
        tools.warnings.extend(cut.map(|reason| Warning::Cut { reason }));
        Ok(())
    }

    /// Gives every item of a list to `add`, and says why some are not, if so.
    pub(super) async fn items(
        &self,
        list: &List,
        mut add: impl FnMut(&RawValue),
    ) -> Result<Option<String>, Failure> {
        let List { method, items, most } = *list;
        let (mut cursors, mut count, mut bytes) = (HashSet::new(), 0, 0);
        let mut page_params = json!({});
        loop {
            let params = self.agreement.params(&page_params);
            let answer = match self.connection.request(method, None, &params).await {
                // A server without such things need not know the method.
                Err(Failure::Refused(refusal)) if refusal.code == -32601 && cursors.is_empty() => {
                    return Ok(None);
                }
                other => other?,
            };
            let Page { items: page, next } = match read_page(answer.result(), items) {
                Ok(page) => page,
                // What the first pages listed is not lost with a later one.
                Err(reason) if !cursors.is_empty() => return Ok(Some(reason)),
                Err(reason) => return Err(Failure::Unreadable(reason)),
            };
            for raw in page {
                count += 1;
                bytes += raw.get().len();
                if count > most || bytes > MAX_BYTES {
                    let megabytes = MAX_BYTES >> 20;
                    return Ok(Some(format!("it has more than {most} {items}, or {megabytes} MiB of them")));
                }
                add(raw);
            }
            let Some(next) = next.map(Json::from_raw) else { return Ok(None) };
            if !cursors.insert(next.as_str().to_owned()) {
                return Ok(Some("the server repeated a cursor".to_owned()));
            }
            if cursors.len() == MAX_PAGES {
                return Ok(Some(format!("it has more than {MAX_PAGES} pages")));
            }
            page_params["cursor"] = next.to_value();
        }
    }

    /// What it has beside tools. Lists that fail or take long are empty, and do not keep the tools back.
    async fn beside(&self) -> Beside {
        let has = self.agreement.has;
        let (prompts, templates) = tokio::join!(
            self.entries(&PROMPTS, "name", has.prompts),
            self.entries(&TEMPLATES, "uriTemplate", has.resources)
        );
        let (resources, subscribe, completions) = (has.resources, has.subscribe, has.completions);
        Beside { prompts, templates, resources, subscribe, completions }
    }

    async fn entries(&self, list: &List, name: &'static str, has: bool) -> Vec<Entry> {
        if !has {
            return Vec::new();
        }
        let mut entries = Entries { name, ..Entries::default() };
        let listed = timeout(BESIDE, self.items(list, |raw| entries.add(raw))).await;
        let what = list.items;
        match listed {
            Ok(Ok(None)) => {}
            Ok(Ok(Some(reason))) => warn!(upstream = %self.upstream, reason, "its {what} were cut"),
            Ok(Err(failure)) => warn!(upstream = %self.upstream, %failure, "could not list its {what}"),
            Err(_) => warn!(upstream = %self.upstream, "its {what} were not listed within {BESIDE:?}"),
        }
        if entries.odd > 0 {
            warn!(upstream = %self.upstream, odd = entries.odd, "some of its {what} have no name, the name of another, or are too long");
        }
        entries.found
    }
}

/// Prompts or templates found so far.
#[derive(Default)]
struct Entries {
    /// The member that names one.
    name: &'static str,
    found: Vec<Entry>,
    names: HashSet<String>,
    bytes: usize,
    odd: usize,
}

impl Entries {
    fn add(&mut self, raw: &RawValue) {
        let text = raw.get();
        let name = serde_json::from_str::<Members<'_>>(text).ok();
        let name = name.and_then(|members| serde_json::from_str(member(&members, self.name)?.get()).ok());
        match name {
            Some(name)
                if text.len() <= DEFINITION
                    && self.bytes + text.len() <= DEFINITIONS
                    && !self.names.contains::<String>(&name) =>
            {
                self.bytes += text.len();
                self.names.insert(name.clone());
                self.found.push(Entry { name, definition: Json::from_raw(raw) });
            }
            _ => self.odd += 1,
        }
    }
}
