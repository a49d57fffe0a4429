//! A runtime that runs nothing: the script says what comes of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_face::Backend;
use outboard_runtime::{
    RunRequest,
    catalogue::{Annotations, Catalogue, Listing, SearchRequest, ToolDefinition},
    ids::{ToolName, UpstreamName},
    json::Json,
    limits::Limits,
    run::{Failure, FailureKind, Outcome, Progress, RunReport},
    session::Session,
};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub(crate) struct Fake {
    pub(crate) catalogue: Catalogue,
    /// One permit for each run that has begun, and for each that was cancelled.
    pub(crate) begun: Semaphore,
    pub(crate) cancelled: Semaphore,
    pub(crate) ended: AtomicUsize,
}

impl Fake {
    pub(crate) fn new(catalogue: Catalogue) -> Arc<Self> {
        let (begun, cancelled) = (Semaphore::new(0), Semaphore::new(0));
        Arc::new(Self { catalogue, begun, cancelled, ended: AtomicUsize::new(0) })
    }

    async fn outcome(&self, request: &RunRequest, cancel: &CancellationToken) -> Outcome {
        self.begun.add_permits(1);
        if let Some(value) = request.code.strip_prefix("return ") {
            return Outcome::Value(Some(Json::parse(value).unwrap()));
        }
        if request.code == "throw" {
            return failed(FailureKind::Threw { name: "Error".to_owned(), message: "no".to_owned() });
        }
        request.progress.send_replace(Progress { calls_made: 30, calls_done: 12, queued: false });
        if request.code == "hang" {
            cancel.cancelled().await;
        } else {
            let seconds = request.code.strip_prefix("wait ").unwrap().parse().unwrap();
            let waited = tokio::time::sleep(std::time::Duration::from_secs_f64(seconds));
            if cancel.run_until_cancelled(waited).await.is_some() {
                return Outcome::Value(Some(Json::from(json!("waited"))));
            }
        }
        self.cancelled.add_permits(1);
        failed(FailureKind::Cancelled)
    }
}

fn failed(kind: FailureKind) -> Outcome {
    Outcome::Failed(Failure { kind, position: None, frames: Vec::new() })
}

impl Backend for Fake {
    fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    fn search(&self, request: &SearchRequest) -> String {
        format!("found {request:?}")
    }

    fn run(
        self: Arc<Self>,
        session: Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, RunReport> {
        async move {
            let outcome = self.outcome(&request, &cancel).await;
            self.ended.fetch_add(1, Ordering::Relaxed);
            RunReport {
                id: request.id.unwrap_or_else(|| session.next_run()),
                source: request.code,
                language: request.language.unwrap_or_default(),
                limits: Limits::default(),
                outcome,
                console: Vec::new(),
                console_dropped: 0,
                effects: Vec::new(),
            }
        }
        .boxed()
    }
}

/// `count` tools in `namespaces` upstreams, all listed if there are any.
pub(crate) fn catalogue(namespaces: usize, count: usize) -> Catalogue {
    let names: Vec<UpstreamName> =
        (0..namespaces).map(|index| UpstreamName::new(format!("server_{index}"))).collect();
    let catalogue = Catalogue::new(names.iter().cloned());
    for (index, name) in names.iter().enumerate().filter(|_| count > 0) {
        let tools = (index..count)
            .step_by(namespaces.max(1))
            .map(|tool| self::tool(&format!("tool_{tool}")))
            .collect();
        catalogue.publish(name, Listing { instructions: None, tools });
    }
    catalogue
}

pub(crate) fn tool(name: &str) -> Arc<ToolDefinition> {
    Arc::new(ToolDefinition {
        name: ToolName::new(name),
        title: None,
        description: Some(format!("Does what {name} does.")),
        input_schema: Some(json!({ "type": "object", "properties": { "page": { "type": "integer" } } })),
        output_schema: None,
        annotations: Annotations::default(),
    })
}
