//! The task that owns one upstream's connection: opens it, publishes its tools, follows their changes,
//! notices its loss, and opens another when a call wants one. It sends no calls itself.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use outboard_runtime::catalogue::{Listing, Seat, UpstreamState};
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, oneshot, watch,
    },
    time::{Instant, sleep_until, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{info, warn};

use crate::{
    client::{Client, ConnectFailure},
    connection::Changes,
    spec::{Start, UpstreamSpec},
};

/// Between two restarts, and between two listings that an upstream asks us to make.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the end of the upstream that had the name before is waited for: a little longer than a child may take.
const BEFORE: Duration = Duration::from_secs(3);

/// A call asks for the connection and waits for it, or for the reason why there is none.
pub(super) type Wanted = oneshot::Sender<Result<Arc<Client>, String>>;

type Task<T> = Pin<Box<dyn Future<Output = Result<T, ConnectFailure>> + Send>>;

enum Event {
    Wanted(Wanted),
    Opened(Result<Opened, ConnectFailure>),
    ListChanged,
    Updated(Arc<str>),
    Listed(Result<Listing, ConnectFailure>),
    Lost(Arc<str>),
    Stop,
}

enum State {
    Asleep,
    Opening(Task<Opened>),
    Ready(Ready),
    Failed { reason: String },
}

struct Opened {
    client: Arc<Client>,
    listing: Listing,
    list_changes: watch::Receiver<Changes>,
}

struct Ready {
    client: Arc<Client>,
    updates: broadcast::Receiver<Arc<str>>,
    /// As far as the catalogue knows of them.
    resource_changes: u64,
    list_changes: watch::Receiver<Changes>,
    listed_again_at: Option<Instant>,
    listing: Option<Task<Listing>>,
}

pub(super) struct Supervisor {
    spec: Arc<UpstreamSpec>,
    seat: Seat,
    tasks: TaskTracker,
    stop: CancellationToken,
    current: watch::Sender<Option<Arc<Client>>>,
    waiting: Vec<Wanted>,
    opening_since: Instant,
    restarted_at: Option<Instant>,
    before: Option<CancellationToken>,
}

impl Supervisor {
    pub(super) fn new(
        spec: UpstreamSpec,
        seat: Seat,
        tasks: TaskTracker,
        stop: CancellationToken,
        current: watch::Sender<Option<Arc<Client>>>,
        before: Option<CancellationToken>,
    ) -> Self {
        Self {
            spec: Arc::new(spec),
            seat,
            tasks,
            stop,
            current,
            waiting: Vec::new(),
            opening_since: Instant::now(),
            restarted_at: None,
            before,
        }
    }

    pub(super) async fn run(mut self, mut wishes: mpsc::Receiver<Wanted>) {
        let mut state = match self.spec.start {
            Start::AtOnce => self.open(),
            Start::WhenUsed => {
                self.seat.set_state(UpstreamState::Asleep);
                State::Asleep
            }
        };
        loop {
            let event = tokio::select! {
                () = self.stop.cancelled() => Event::Stop,
                Some(wanted) = wishes.recv() => Event::Wanted(wanted),
                event = state.next() => event,
            };
            // What ends because everything does has not failed.
            if self.stop.is_cancelled() {
                break;
            }
            state = match event {
                Event::Stop => break,
                Event::Wanted(wanted) => self.wanted(state, wanted),
                Event::Opened(outcome) => self.opened(outcome),
                Event::ListChanged => self.list_again(state),
                Event::Updated(uri) => {
                    self.seat.updated(uri);
                    state
                }
                Event::Listed(outcome) => self.listed(state, outcome),
                Event::Lost(reason) => self.failed(reason.to_string()),
            };
        }
        // Callers hold the client through this channel; without it the connection can close.
        self.current.send_replace(None);
    }

    fn open(&mut self) -> State {
        self.opening_since = Instant::now();
        self.seat.set_state(UpstreamState::Starting);
        let (spec, tasks, stop) = (Arc::clone(&self.spec), self.tasks.clone(), self.stop.clone());
        let before = self.before.take();
        State::Opening(Box::pin(async move {
            if let Some(before) = before {
                // One that does not go in time is not waited for.
                let _ = timeout(BEFORE, before.cancelled()).await;
            }
            open(spec, tasks, stop).await
        }))
    }

    fn wanted(&mut self, state: State, wanted: Wanted) -> State {
        match state {
            State::Asleep => {
                info!(upstream = %self.spec.name, "starting the upstream for its first call");
                self.waiting.push(wanted);
                return self.open();
            }
            State::Opening(_) => self.waiting.push(wanted),
            State::Ready(ref ready) if ready.client.end().is_none() => {
                let _ = wanted.send(Ok(Arc::clone(&ready.client)));
            }
            State::Ready(Ready { client, .. }) => {
                // A call noticed the loss before we did.
                let reason = client.end().unwrap_or_default().to_string();
                let failed = self.failed(reason);
                return self.wanted(failed, wanted);
            }
            State::Failed { .. } if self.may_restart() => {
                info!(upstream = %self.spec.name, "starting the upstream again");
                self.restarted_at = Some(Instant::now());
                self.waiting.push(wanted);
                return self.open();
            }
            State::Failed { ref reason } => {
                let _ = wanted.send(Err(reason.clone()));
            }
        }
        state
    }

    fn may_restart(&self) -> bool {
        self.restarted_at.is_none_or(|last| last.elapsed() >= PAUSE)
    }

    fn opened(&mut self, outcome: Result<Opened, ConnectFailure>) -> State {
        let Opened { client, listing, list_changes } = match outcome {
            Ok(opened) => opened,
            Err(failure) => return self.failed(format!("could not {failure}")),
        };
        let took = self.opening_since.elapsed();
        info!(upstream = %self.spec.name, tools = listing.tools.len(), ?took, "upstream is ready");
        self.seat.publish(listing);
        self.seat.set_state(UpstreamState::Ready { took });
        self.current.send_replace(Some(Arc::clone(&client)));
        for wanted in self.waiting.drain(..) {
            let _ = wanted.send(Ok(Arc::clone(&client)));
        }
        let updates = client.updates();
        State::Ready(Ready {
            client,
            updates,
            resource_changes: 0,
            list_changes,
            listed_again_at: None,
            listing: None,
        })
    }

    fn failed(&mut self, reason: String) -> State {
        warn!(upstream = %self.spec.name, reason, "upstream failed");
        self.current.send_replace(None);
        self.seat.set_state(UpstreamState::Failed { reason: reason.clone() });
        for wanted in self.waiting.drain(..) {
            let _ = wanted.send(Err(reason.clone()));
        }
        State::Failed { reason }
    }

    fn list_again(&self, mut state: State) -> State {
        if let State::Ready(ready) = &mut state {
            let resources = ready.list_changes.borrow_and_update().resources;
            if resources != ready.resource_changes {
                ready.resource_changes = resources;
                self.seat.resources_changed();
            }
            // An upstream that announces a change at every listing must not keep us busy.
            let not_before = ready.listed_again_at.map_or_else(Instant::now, |last| last + PAUSE);
            let (client, limit) = (Arc::clone(&ready.client), self.spec.connect_timeout);
            ready.listing = Some(Box::pin(async move {
                sleep_until(not_before).await;
                client.list(limit).await
            }));
        }
        state
    }

    fn listed(&self, mut state: State, outcome: Result<Listing, ConnectFailure>) -> State {
        match outcome {
            Ok(listing) => {
                info!(upstream = %self.spec.name, tools = listing.tools.len(), "upstream changed its tools");
                self.seat.publish(listing);
            }
            // The old list stands; calls say themselves if a tool is gone.
            Err(failure) => warn!(upstream = %self.spec.name, %failure, "could not list the tools again"),
        }
        if let State::Ready(ready) = &mut state {
            ready.listing = None;
            ready.listed_again_at = Some(Instant::now());
        }
        state
    }
}

impl State {
    async fn next(&mut self) -> Event {
        match self {
            Self::Opening(opening) => Event::Opened(opening.await),
            Self::Asleep | Self::Failed { .. } => pending().await,
            Self::Ready(ready) => ready.next().await,
        }
    }
}

impl Ready {
    async fn next(&mut self) -> Event {
        let Self { client, updates, list_changes, listing, .. } = self;
        let news = async {
            match listing {
                Some(listing) => Event::Listed(listing.await),
                None if list_changes.changed().await.is_ok() => Event::ListChanged,
                None => pending().await,
            }
        };
        tokio::select! {
            reason = client.ended() => Event::Lost(reason),
            news = news => news,
            uri = updated(updates) => Event::Updated(uri),
        }
    }
}

/// The next resource that has changed. Some are lost if there are too many at once.
async fn updated(updates: &mut broadcast::Receiver<Arc<str>>) -> Arc<str> {
    loop {
        match updates.recv().await {
            Ok(uri) => return uri,
            Err(RecvError::Lagged(lost)) => {
                warn!(lost, "resources change faster than anybody hears of it");
            }
            Err(RecvError::Closed) => return pending().await,
        }
    }
}

async fn open(
    spec: Arc<UpstreamSpec>,
    tasks: TaskTracker,
    stop: CancellationToken,
) -> Result<Opened, ConnectFailure> {
    let deadline = Instant::now() + spec.connect_timeout;
    let client = Client::open(&spec, spec.connect_timeout, &tasks, stop).await?;
    // Taken before the first listing, so that no change after it is missed.
    let list_changes = client.list_changes();
    let listing = client.list(deadline.saturating_duration_since(Instant::now())).await?;
    Ok(Opened { client: Arc::new(client), listing, list_changes })
}
