//! One API of the set: the task that reads its document, and the calls that are under way there. A document that could not
//! be read is tried again by the next call that wants it.

use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use outboard_runtime::{
    broker::Permit,
    catalogue::{Seat, UpstreamState},
    ids::UpstreamName,
    operation::Operation,
    ports::upstream::{SendFailure, Upstream},
    reply::CallReply,
};
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    api::{Api, Opened},
    load::Documents,
    spec::{ApiSpec, Start},
};

/// Calls that wait for the document at once; more wait for their turn.
const ASKING: usize = 64;
/// Between two attempts to read a document.
const PAUSE: Duration = Duration::from_secs(1);
/// Losses that are told of one by one.
const TOLD: usize = 20;

type Wanted = oneshot::Sender<Result<Arc<Api>, String>>;

/// One API.
#[derive(Debug)]
pub(super) struct Member {
    name: UpstreamName,
    current: watch::Receiver<Option<Arc<Api>>>,
    wanted: mpsc::Sender<Wanted>,
    calls: TaskTracker,
    tasks: TaskTracker,
    retired: CancellationToken,
    stop: CancellationToken,
    last_calls: Duration,
}

impl Member {
    pub(super) fn start(
        spec: ApiSpec,
        seat: Seat,
        documents: Arc<Documents>,
        stop: CancellationToken,
    ) -> Self {
        let (name, last_calls) = (spec.name.clone(), spec.last_calls);
        let tasks = TaskTracker::new();
        let (publish, current) = watch::channel(None);
        let (wanted, wishes) = mpsc::channel(ASKING);
        let reader =
            Reader { spec, seat, documents, publish, wishes, waiting: Vec::new(), stop: stop.clone() };
        tasks.spawn(reader.run());
        let (calls, retired) = (TaskTracker::new(), CancellationToken::new());
        Self { name, current, wanted, calls, tasks, retired, stop, last_calls }
    }

    pub(super) fn wake(&self) {
        let (reply, _) = oneshot::channel();
        // If others fill the queue, they wake it.
        let _ = self.wanted.try_send(reply);
    }

    /// Takes no further calls, waits for its last ones, then ends.
    pub(super) async fn end_after_calls(&self) {
        self.retired.cancel();
        self.calls.close();
        tokio::select! {
            () = self.stop.cancelled() => {}
            // A call that is not over by then is lost.
            _ = timeout(self.last_calls, self.calls.wait()) => {}
        }
        self.stop.cancel();
        self.ended().await;
    }

    /// Waits until nothing of it is left, once it was stopped.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    async fn api(&self) -> Result<Arc<Api>, String> {
        if let Some(api) = self.current.borrow().clone() {
            return Ok(api);
        }
        let closed = || "Outboard is shutting down".to_owned();
        let opened = async {
            let (reply, answer) = oneshot::channel();
            self.wanted.send(reply).await.map_err(|_| closed())?;
            answer.await.map_err(|_| closed())?
        };
        tokio::select! {
            biased;
            () = self.retired.cancelled() => Err("its configuration has just changed".to_owned()),
            api = opened => api,
        }
    }

    async fn send_permitted(&self, permit: Permit) -> Result<CallReply, SendFailure> {
        let operation = permit.into_operation_at(&self.name)?;
        let _token = self.calls.token();
        let api = self.api().await.map_err(|reason| SendFailure::Unavailable { reason })?;
        let call = async {
            match operation {
                Operation::CallTool(call) => api.call(&call.tool, &call.arguments).await,
                other => Err(SendFailure::Unavailable {
                    reason: format!("an HTTP API has tools only, and no {}", other.kind().method()),
                }),
            }
        };
        tokio::select! {
            reply = call => reply,
            () = self.stop.cancelled() => {
                Err(SendFailure::Lost { reason: "it was ended while the call was under way".to_owned() })
            }
        }
    }
}

impl Upstream for Member {
    fn ready(&self) -> BoxFuture<'_, Result<(), SendFailure>> {
        Box::pin(async { self.api().await.map(drop).map_err(|reason| SendFailure::Unavailable { reason }) })
    }

    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        Box::pin(self.send_permitted(permit))
    }
}

/// The task that reads the document.
struct Reader {
    spec: ApiSpec,
    seat: Seat,
    documents: Arc<Documents>,
    publish: watch::Sender<Option<Arc<Api>>>,
    wishes: mpsc::Receiver<Wanted>,
    waiting: Vec<Wanted>,
    stop: CancellationToken,
}

impl Reader {
    async fn run(mut self) {
        if self.spec.start == Start::WhenUsed {
            self.seat.set_state(UpstreamState::Asleep);
            if !self.wished().await {
                return;
            }
        }
        loop {
            let began = Instant::now();
            self.seat.set_state(UpstreamState::Starting);
            let stop = self.stop.clone();
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = open(&self.documents, &self.spec) => opened,
            };
            match opened {
                Ok(opened) => return self.serve(opened, began).await,
                Err(reason) => {
                    if !self.failed(&reason).await {
                        return;
                    }
                }
            }
        }
    }

    /// Waits for a wish; tells whether there was one.
    async fn wished(&mut self) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            wanted = self.wishes.recv() => match wanted {
                Some(wanted) => {
                    self.waiting.push(wanted);
                    true
                }
                None => false,
            },
        }
    }

    async fn serve(&mut self, opened: Opened, began: Instant) {
        let Opened { api, listing, losses } = opened;
        let took = began.elapsed();
        info!(upstream = %self.spec.name, operations = listing.tools.len(), lost = losses.len(), ?took, "the API's description is read");
        for loss in losses.iter().take(TOLD) {
            warn!(upstream = %self.spec.name, "left out: {loss}");
        }
        if losses.len() > TOLD {
            warn!(upstream = %self.spec.name, "left out: {} more", losses.len() - TOLD);
        }
        let api = Arc::new(api);
        self.publish.send_replace(Some(Arc::clone(&api)));
        self.seat.publish(listing);
        self.seat.set_state(UpstreamState::Ready { took });
        loop {
            for wanted in self.waiting.drain(..) {
                let _ = wanted.send(Ok(Arc::clone(&api)));
            }
            if !self.wished().await {
                self.publish.send_replace(None);
                // A token that was just renewed is not lost.
                api.settled().await;
                return;
            }
        }
    }

    /// Tells who waits, and waits for somebody who wants it tried again. Tells whether there was one.
    async fn failed(&mut self, reason: &str) -> bool {
        warn!(upstream = %self.spec.name, reason, "the API's description cannot be used");
        self.seat.set_state(UpstreamState::Failed { reason: reason.to_owned() });
        let since = Instant::now();
        loop {
            for wanted in self.waiting.drain(..) {
                let _ = wanted.send(Err(reason.to_owned()));
            }
            if !self.wished().await {
                return false;
            }
            if since.elapsed() >= PAUSE {
                return true;
            }
        }
    }
}

async fn open(documents: &Arc<Documents>, spec: &ApiSpec) -> Result<Opened, String> {
    let reach = spec.reach.clone();
    let document = documents.load(&reach.document, Some(&spec.store), reach.private, &reach.references);
    let document = document.await.map_err(|failure| format!("could not {failure}"))?;
    let most = spec.max_response_bytes;
    // Reading what a large document lists takes a while, and others are to be served meanwhile.
    let opened = tokio::task::spawn_blocking(move || Api::open(document, &reach, most)).await;
    opened.map_err(|error| error.to_string())?
}
