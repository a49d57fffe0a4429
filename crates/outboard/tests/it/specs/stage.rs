//! A session of one case in one language: the real runtime and engines, canned upstreams, and what the page tells of
//! each run. Every run is also replayed from its journal, which must give the same and send nothing.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    sync::{Arc, LazyLock},
};

use outboard_engines::{CPython, PoolOptions, QuickJs};
use outboard_runtime::{
    Engines, Language, Parts, RunRequest, Runtime,
    approval::NobodyThere,
    catalogue::{Catalogue, Placing},
    clock::SystemClock,
    ids::RequestId,
    journal::{Ending, Folded, MemoryStore, fold, replay},
    limits::Limits,
    policy::AllowAll,
    ports::engine::{Delivered, GuestAsk, Reply, Stopped},
    present,
    session::Session,
};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    page::Seen,
    upstream::{Canned, Everyone, placing},
};

static ENGINES: LazyLock<Engines> = LazyLock::new(|| {
    let options = PoolOptions { slots: 64, ..PoolOptions::default() };
    let store = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engines");
    let python = Arc::new(CPython::load(&options, &store).unwrap());
    let typescript = Arc::new(QuickJs::new(&options).unwrap());
    Engines::new(typescript).with_python(move || Ok(Arc::clone(&python) as _))
});

/// Stands in pages for the unguessable handle of a kept value.
const HANDLE: &str = "HANDLE";

pub(super) struct Stage {
    runtime: Runtime,
    session: Arc<Session>,
    upstreams: Everyone,
    handle: Option<String>,
    /// Tokens of an answer.
    budget: usize,
}

impl Stage {
    pub(super) fn of(setting: &Value) -> Self {
        let mut limits = Limits::default();
        let mut budget = present::DEFAULT_BUDGET;
        let mut upstreams = BTreeMap::new();
        let mut placings: Vec<Placing> = Vec::new();
        for (name, told) in setting.as_object().into_iter().flatten() {
            if name == "limits" {
                limits = serde_json::from_value(told.clone()).unwrap();
                continue;
            }
            if name == "tokens" {
                budget = serde_json::from_value(told.clone()).unwrap();
                continue;
            }
            placings.push(placing(name, told));
            upstreams.insert(name.as_str().into(), Arc::new(Canned::new(told)));
        }
        let catalogue = Catalogue::new([]);
        catalogue.arrange(placings);
        let upstreams = Everyone(Arc::new(upstreams));
        let runtime = Runtime::new(Parts {
            catalogue,
            upstreams: Arc::new(upstreams.clone()),
            engines: ENGINES.clone(),
            policy: Arc::new(AllowAll),
            approver: Arc::new(NobodyThere),
            store: Arc::new(MemoryStore::new()),
            clock: Arc::new(SystemClock),
            limits,
            runs_at_once: 1,
            runs_waiting: 0,
        });
        Self { runtime, session: Arc::new(Session::new()), upstreams, handle: None, budget }
    }

    pub(super) async fn run(&mut self, language: Language, script: &str) -> Seen {
        let code = script.replace(HANDLE, self.handle.as_deref().unwrap_or(HANDLE));
        let request = RunRequest { code, language: Some(language), ..RunRequest::default() };
        let report = self.runtime.run(&self.session, request, CancellationToken::new()).await;
        let answer = present::answer(&report, &self.session, self.budget);
        let sent = self.upstreams.take_sent();
        let events = self.runtime.store().read(&report.id).await.unwrap();
        let journal =
            if events.is_empty() { "nothing ran\n".to_owned() } else { self.told(&events, sent).await };
        let mut text = answer.text;
        let told = text.split("results.get(\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(handle) = told.filter(|_| !answer.is_error).map(str::to_owned) {
            text = text.replace(&handle, HANDLE);
            self.handle = Some(handle);
        }
        for block in &answer.media {
            write!(text, "\n[media: {block}]").unwrap();
        }
        text.push('\n');
        Seen { journal, text, failed: answer.is_error }
    }

    /// The journal's essence, after it has been held against what the upstreams received and against a replay.
    async fn told(&self, events: &[outboard_runtime::journal::Event], mut sent: Vec<String>) -> String {
        let folded = fold(events).unwrap();
        let mut intended: Vec<String> = folded
            .asked
            .iter()
            .filter_map(|request| match (&request.what, folded.intents.get(&request.id)) {
                (GuestAsk::Call { arguments, .. }, Some(intent)) => {
                    Some(format!("{}.{} {arguments}", intent.upstream, intent.tool))
                }
                (GuestAsk::Request { .. }, Some(intent)) => {
                    Some(format!("{}.{}", intent.upstream, intent.tool))
                }
                _ => None,
            })
            .collect();
        intended.sort();
        sent.sort();
        assert_eq!(intended, sent, "what is recorded and what the upstreams received");
        let replayed = replay(self.runtime.engines(), &folded).await.unwrap();
        assert_eq!((&replayed.asked, &replayed.ending), (&folded.asked, &folded.ending), "a replay");
        assert!(self.upstreams.take_sent().is_empty(), "a replay sent something");
        essence(&folded)
    }
}

fn essence(folded: &Folded) -> String {
    let replies: BTreeMap<RequestId, &Reply> = folded
        .deliveries
        .iter()
        .filter_map(|delivery| match &delivery.what {
            Delivered::Settled { request, reply } => Some((*request, reply)),
            Delivered::Timer => None,
        })
        .collect();
    let mut text = String::new();
    for request in &folded.asked {
        let (what, call) = match &request.what {
            GuestAsk::Call { namespace, tool, arguments, .. } => {
                (format!("{namespace}.{tool} {arguments}"), true)
            }
            GuestAsk::Request { method, arguments, .. } => (format!("{method} {arguments}"), false),
            GuestAsk::Search(arguments) => (format!("tools.search {arguments}"), false),
            GuestAsk::Describe(arguments) => (format!("tools.describe {arguments}"), false),
            GuestAsk::Result(_) => ("results.get".to_owned(), false),
            GuestAsk::GiveUp(request) => {
                writeln!(text, "gives up {request}").unwrap();
                continue;
            }
        };
        let came = match replies.get(&request.id) {
            Some(Reply::Value(_)) => "a value",
            Some(Reply::Failed(failure)) => failure.code.as_str(),
            None => "no answer",
        };
        let unsent = if call && !folded.intents.contains_key(&request.id) { ", not sent" } else { "" };
        writeln!(text, "{what} → {came}{unsent}").unwrap();
    }
    let end = match &folded.ending {
        Some(Ending::Value(Some(_))) => "a value".to_owned(),
        Some(Ending::Value(None)) => "no value".to_owned(),
        Some(Ending::Threw(thrown)) => format!("threw {}", thrown.name),
        Some(Ending::Stuck) => "stuck".to_owned(),
        Some(Ending::Stopped(Stopped::Limit(limit))) => {
            format!("stopped at a limit: {limit:?}").to_lowercase()
        }
        other => format!("{other:?}"),
    };
    writeln!(text, "ended: {end}").unwrap();
    text
}
