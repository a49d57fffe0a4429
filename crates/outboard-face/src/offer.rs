//! What the model is offered for a catalogue: the two tools, or those of upstreams as they are, and the server's instructions.
//!
//! The same catalogue always gives the same bytes, so that prompt caches stay warm. What an upstream says of its
//! tools enters here only as declarations, which the runtime has made safe.

mod beside;
mod direct;
mod hints;
mod names;
mod text;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use outboard_runtime::{
    catalogue::{Snapshot, UpstreamState},
    present::count_tokens,
};
use rmcp::model::{JsonObject, MetaObject, Tool};
use serde_json::{Value, json};

pub(crate) use self::beside::{Beside, marked, resource};
pub use self::names::{is_plain, prefixed};
use crate::server::FaceOptions;

/// Bytes of the line that names the namespaces. With it both tools keep to 400 tokens as long as names take no more
/// than one for two bytes, as words do.
const NAMES: usize = 220;
/// Characters of the instructions; some clients cut what is longer.
const INSTRUCTIONS: usize = 2_048;
/// Characters up to which a client that knows this key shows a result instead of storing it: more than any budget
/// gives, because the budget already decides.
const RESULT_CHARS: u64 = 500_000;

/// What the model is offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// `search`, `execute` and, where there are workspaces, `bash`; or the tools of all upstreams as they are.
    pub tools: Vec<Tool>,
    /// The server's instructions.
    pub instructions: String,
    /// Whether all tools are declared in `execute`'s description.
    pub complete: bool,
    /// What upstreams have beside tools.
    pub(crate) beside: Beside,
    /// What the names of upstreams' tools mean.
    meanings: HashMap<String, Meaning>,
}

/// A tool of an upstream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Meaning {
    pub(crate) namespace: String,
    /// Its identifier in the namespace.
    pub(crate) tool: String,
}

impl Offer {
    /// The offer for this catalogue.
    pub fn new(snapshot: &Snapshot, options: FaceOptions) -> Self {
        if options.passthrough {
            return Self::direct(snapshot);
        }
        let declarations = declarations(snapshot, options.declarations_budget);
        let names: Vec<&str> = snapshot.members().iter().map(|member| member.namespace.as_str()).collect();
        let beside = Beside::new(snapshot);
        let also = if beside.has_prompts() || beside.has_resources() { text::BESIDE } else { "" };
        let execute = match &declarations {
            Some(declarations) => text::with_declarations(&(text::execute("") + also), declarations),
            None => {
                let shown = most_names(&names, NAMES - also.len());
                text::execute(&text::namespaces(&names, shown)) + also
            }
        };
        let mut tools = vec![
            search().annotate(hints::of_search()),
            execute_tool(execute, options).annotate(hints::of_execute(snapshot)),
        ];
        if options.workspace {
            let bash = tool("bash", text::BASH.to_owned(), text::bash_schema(options.respond_within));
            tools.push(bash.annotate(hints::of_bash(snapshot)));
        }
        Self {
            tools,
            instructions: text::instructions(&names, INSTRUCTIONS),
            complete: declarations.is_some(),
            beside,
            meanings: HashMap::new(),
        }
    }

    /// The upstream's tool that is offered under this name.
    pub(crate) fn meaning(&self, name: &str) -> Option<&Meaning> {
        self.meanings.get(name)
    }

    /// Tokens that a model pays for the tools: names, descriptions and schemas.
    pub fn tokens(&self) -> usize {
        billed(&self.tools)
    }
}

/// The offer for the latest snapshot, made once for whoever asks.
#[derive(Debug)]
pub(crate) struct Offers {
    options: FaceOptions,
    last: Mutex<Option<(Arc<Snapshot>, Arc<Offer>)>>,
}

impl Offers {
    pub(crate) fn new(options: FaceOptions) -> Self {
        Self { options, last: Mutex::default() }
    }

    /// Whether tools are offered as they are.
    pub(crate) fn passes_through(&self) -> bool {
        self.options.passthrough
    }

    /// The offer for this snapshot.
    pub(crate) fn of(&self, snapshot: Arc<Snapshot>) -> Arc<Offer> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, offer)) = &*last
            && Arc::ptr_eq(of, &snapshot)
        {
            return Arc::clone(offer);
        }
        let offer = Arc::new(Offer::new(&snapshot, self.options));
        *last = Some((snapshot, Arc::clone(&offer)));
        offer
    }
}

/// All declarations, if the whole catalogue is known and fits.
fn declarations(snapshot: &Snapshot, budget: usize) -> Option<String> {
    let known = snapshot
        .members()
        .iter()
        .all(|member| member.listing.is_some() || matches!(member.state, UpstreamState::Failed { .. }));
    if known { snapshot.declarations(budget) } else { None }
}

/// How many namespaces can be named in so many bytes.
fn most_names(names: &[&str], most: usize) -> usize {
    let counts: Vec<usize> = (1..=names.len().min(NAMES)).collect();
    counts.partition_point(|shown| text::namespaces(names, *shown).len() <= most)
}

fn billed(tools: &[Tool]) -> usize {
    let billed: Vec<Value> = tools
        .iter()
        .map(|tool| json!({ "name": tool.name, "description": tool.description, "inputSchema": tool.input_schema }))
        .collect();
    count_tokens(&Value::from(billed).to_string())
}

fn search() -> Tool {
    tool("search", text::SEARCH.to_owned(), text::search_schema())
}

fn execute_tool(description: String, options: FaceOptions) -> Tool {
    tool("execute", description, text::execute_schema(options.result_budget))
}

fn tool(name: &'static str, description: String, schema: Value) -> Tool {
    let schema: JsonObject = match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    };
    let mut meta = MetaObject::new();
    meta.0.insert("anthropic/alwaysLoad".to_owned(), json!(true));
    meta.0.insert("anthropic/maxResultSizeChars".to_owned(), json!(RESULT_CHARS));
    Tool::new(name, description, Arc::new(schema)).with_meta(meta)
}
