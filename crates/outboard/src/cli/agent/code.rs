//! Mode `code`: a model is offered what any MCP client of Outboard gets, over the same protocol, from a face in this process.
//! Which runs that makes is noted, so that their records can tell where the time went.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_agent::mcp::McpTools;
use outboard_face::{Backend, Face, FaceError, FaceOptions};
use outboard_runtime::{
    RunRequest, Runtime,
    catalogue::{Catalogue, SearchRequest},
    ids::RunId,
    journal::{Step, timeline},
    run::RunReport,
    session::Session,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::report::{self, Failure};

/// Bytes on the way between the agent and the face.
const PIPE: usize = 1 << 20;
/// Nobody here gives up on an answer.
const RESPOND_WITHIN: Duration = Duration::from_secs(24 * 3_600);

/// A client of the runtime, as others are.
pub(in crate::cli) struct Code {
    pub(super) tools: McpTools,
    noted: Arc<Noted>,
    served: JoinHandle<Result<(), FaceError>>,
}

/// The runtime, and which runs it was asked for.
struct Noted {
    runtime: Arc<Runtime>,
    runs: Mutex<Vec<RunId>>,
}

impl Backend for Noted {
    fn catalogue(&self) -> &Catalogue {
        self.runtime.catalogue()
    }

    fn search(&self, request: &SearchRequest) -> String {
        self.runtime.search(request)
    }

    fn run(
        self: Arc<Self>,
        session: Arc<Session>,
        request: RunRequest,
        cancel: CancellationToken,
    ) -> BoxFuture<'static, RunReport> {
        async move {
            let report = Runtime::run(&self.runtime, &session, request, cancel).await;
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(report.id.clone());
            report
        }
        .boxed()
    }

    fn notice_clearing(&self, session: &Session) {
        self.runtime.notice_clearing(session);
    }
}

impl Code {
    /// Connects to a face of this runtime.
    pub(super) async fn open(
        runtime: Arc<Runtime>,
        options: FaceOptions,
        stop: CancellationToken,
    ) -> Result<Self, Failure> {
        let noted = Arc::new(Noted { runtime, runs: Mutex::default() });
        let options = FaceOptions { respond_within: RESPOND_WITHIN, ..options };
        // Without a person behind the client: whoever is asked sits at this terminal.
        let face = Face::new(Arc::clone(&noted), options);
        let (ours, theirs) = tokio::io::duplex(PIPE);
        let (read, write) = tokio::io::split(theirs);
        let served = tokio::spawn(async move { face.serve(read, write, stop).await });
        let (read, write) = tokio::io::split(ours);
        let tools = McpTools::connect(read, write, "outboard agent").await;
        let tools = tools.map_err(Failure::new)?;
        Ok(Self { tools, noted, served })
    }

    /// Ends the connection; how long calls to upstreams took, as far as scripts waited for them.
    pub(super) async fn close(self) -> Duration {
        let Self { tools, noted, served } = self;
        tools.close().await;
        match served.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => report::warn(format_args!("could not {error}")),
            Err(error) => report::warn(format_args!("could not go on serving the agent: {error}")),
        }
        let runs = noted.runs.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut waited = Duration::ZERO;
        for run in &runs {
            match noted.runtime.store().read(run).await {
                Ok(events) => waited += in_calls(&timeline(&events)),
                Err(failure) => report::warn(format_args!("the time of {run} is not known: {failure}")),
            }
        }
        waited
    }
}

/// How long at least one call was under way.
fn in_calls(steps: &[Step]) -> Duration {
    let mut spans: Vec<(Duration, Duration)> =
        steps.iter().filter_map(|step| Some((step.sent?.0, step.answered?.0))).collect();
    spans.sort_unstable();
    let (mut sum, mut until) = (Duration::ZERO, Duration::ZERO);
    for (from, to) in spans {
        sum += to.saturating_sub(from.max(until));
        until = until.max(to);
    }
    sum
}

#[cfg(test)]
mod tests {
    use outboard_runtime::{clock::RunTime, ids::RequestId, journal::StepOutcome};

    use super::*;

    #[test]
    fn calls_side_by_side_are_one_wait() {
        let milliseconds = Duration::from_millis;
        let step = |sent: Option<u64>, answered: u64| Step {
            request: RequestId(1),
            what: String::new(),
            position: None,
            asked: RunTime::default(),
            sent: sent.map(|sent| RunTime(milliseconds(sent))),
            answered: Some(RunTime(milliseconds(answered))),
            arguments: 0,
            answer: 0,
            tokens: 0,
            outcome: StepOutcome::Value,
        };
        let steps =
            [step(Some(0), 10), step(Some(30), 40), step(Some(5), 20), step(Some(6), 7), step(None, 99)];
        assert_eq!(in_calls(&steps), milliseconds(30));
        assert_eq!(in_calls(&[]), Duration::ZERO);
    }
}
