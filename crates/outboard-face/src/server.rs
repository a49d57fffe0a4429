//! Serves one client from its first byte to its last, and leaves no run behind.
//!
//! rmcp drives the protocol over [`crate::wire`]; this module starts and ends things in the right order. It does
//! not open the streams' other ends.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use outboard_runtime::{
    approval::Approvals,
    policy::Taint,
    ports::workspace::Workspaces,
    present::DEFAULT_BUDGET,
    session::{Keeping, Session},
};
use rmcp::{
    Peer, RoleServer,
    service::{QuitReason, serve_directly_with_ct},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    backend::Backend, changes::Changes, handler::Handler, shell::Shell, silence::Silence, wire::Wire,
};

/// How long a first `tools/list` waits for upstreams that have never been listed.
pub(crate) const FIRST_LIST: Duration = Duration::from_secs(1);
/// How long the runs of a client that is gone have to end once they were told to.
const LAST_RUNS: Duration = Duration::from_secs(1);

/// How long a call of `execute` takes at most, unless set otherwise: clients are known to give up after a minute.
pub const RESPOND_WITHIN: Duration = Duration::from_secs(50);

/// How the face behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaceOptions {
    /// Tokens that declarations of all tools may take in `execute`'s description; 0: never there.
    pub declarations_budget: usize,
    /// Tokens of an answer when a call asks for nothing else.
    pub result_budget: usize,
    /// How long a call of `execute` takes at most: what is not over by then goes on and is asked for again. A client
    /// that asks for progress gets its answer as soon as others, because whether progress makes it wait longer cannot
    /// be seen: some clients ask for it and end the call at their fixed time all the same.
    pub respond_within: Duration,
    /// How much a client's session keeps.
    pub keeping: Keeping,
    /// Whether there is the third tool, `bash`.
    pub workspace: bool,
}

impl Default for FaceOptions {
    fn default() -> Self {
        Self {
            declarations_budget: 1_500,
            result_budget: DEFAULT_BUDGET,
            respond_within: RESPOND_WITHIN,
            keeping: Keeping::default(),
            workspace: false,
        }
    }
}

/// A client could not be served to the end.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// The task that speaks with the client broke.
    #[error("go on serving the client")]
    Broken(#[source] tokio::task::JoinError),
}

/// The MCP server. One face may serve several clients, each with a session of its own.
pub struct Face {
    backend: Arc<dyn Backend>,
    options: FaceOptions,
    approvals: Option<Arc<Approvals>>,
    workspaces: Option<Arc<dyn Workspaces>>,
    seen: Taint,
}

impl Face {
    /// A face of this runtime.
    pub fn new(runtime: Arc<impl Backend>, options: FaceOptions) -> Self {
        Self { backend: runtime, options, approvals: None, workspaces: None, seen: Taint::default() }
    }

    /// Asks the people behind clients these questions, as far as they come from runs of theirs.
    pub fn asking(mut self, approvals: Arc<Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// Offers `bash` too: each client has a workspace of its own, made when it is first used.
    pub fn with_workspaces(mut self, workspaces: Arc<dyn Workspaces>) -> Self {
        self.options.workspace = true;
        self.workspaces = Some(workspaces);
        self
    }

    /// Takes each client to have seen this already.
    pub fn having_seen(mut self, seen: Taint) -> Self {
        self.seen = seen;
        self
    }

    /// Serves the client at standard input and output until it closes its end or `cancel` is cancelled. Nothing else
    /// may write to standard output meanwhile.
    ///
    /// Where standard input is no pipe, a read of it cannot be given up: after `cancel` the process has to end
    /// without waiting for it.
    pub async fn serve_stdio(&self, cancel: CancellationToken) -> Result<(), FaceError> {
        let (read, write) = rmcp::transport::stdio_pipes();
        self.serve(read, write, cancel).await
    }

    /// Serves the client at the other end of two streams until it closes its end or `cancel` is cancelled. Runs in
    /// progress may give their answers for a second after the end of input; then, and at once on `cancel` or
    /// when the client reads no more, they are cancelled, and let go if they only wait for a person. All have ended when this returns, unless one takes more than
    /// a second to do so.
    pub async fn serve<R, W>(&self, read: R, write: W, cancel: CancellationToken) -> Result<(), FaceError>
    where
        R: AsyncRead + Send + Unpin + 'static,
        W: AsyncWrite + Send + Unpin + 'static,
    {
        let changes = Arc::new(Changes::new());
        let (stop, ended, runs) = (cancel.child_token(), CancellationToken::new(), TaskTracker::new());
        let session = Arc::new(Session::keeping(self.options.keeping).until(stop.clone()));
        session.saw(self.seen);
        let silence = Arc::new(Silence::default());
        let handler = Handler {
            backend: Arc::clone(&self.backend),
            session: Arc::clone(&session),
            silence: Arc::clone(&silence),
            options: self.options,
            approvals: self.approvals.clone(),
            asked: Arc::default(),
            changes: Arc::clone(&changes),
            runs: runs.clone(),
            stop: stop.clone(),
            ended: ended.clone(),
            offer: Mutex::default(),
            shell: self.workspaces.as_ref().map(|workspaces| Shell::new(Arc::clone(workspaces), &session)),
        };
        let shell = handler.shell.clone();
        // Without rmcp's opening ceremony, which ends the connection when a client opens in an unexpected way, and
        // which ties it to the revision of its first request. The handler answers both openings at any time.
        let wire = Wire::new(read, write, silence, ended.clone(), stop.clone());
        let service = serve_directly_with_ct(handler, wire, None, stop.child_token());
        let peer = service.peer().clone();
        let served = tokio::select! {
            served = service.waiting() => served,
            never = tell_changes(&peer, &changes) => match never {},
            never = end_soon_after(&ended, &stop) => match never {},
            never = changes.follow(self.backend.catalogue(), self.options) => match never {},
        };
        stop.cancel();
        runs.close();
        let all_ended = async {
            runs.wait().await;
            session.ended().await;
            if let Some(shell) = &shell {
                shell.close().await;
            }
        };
        if tokio::time::timeout(LAST_RUNS, all_ended).await.is_err() {
            tracing::warn!(runs = runs.len() + session.going().len(), "runs did not end in time");
        }
        match served {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(FaceError::Broken(error)),
            Ok(_) => Ok(()),
        }
    }
}

/// Nobody will read the answers that come later than this after the end of input. rmcp would wait for them longer.
async fn end_soon_after(ended: &CancellationToken, stop: &CancellationToken) -> Infallible {
    ended.cancelled().await;
    tokio::time::sleep(LAST_RUNS).await;
    stop.cancel();
    std::future::pending().await
}

/// Tells clients of the time before 2026-07-28 when the tools have changed; later ones subscribe.
async fn tell_changes(peer: &Peer<RoleServer>, changes: &Changes) -> Infallible {
    let mut count = changes.subscribe();
    while count.changed().await.is_ok() {
        if peer.peer_info().is_some()
            && let Err(error) = peer.notify_tool_list_changed().await
        {
            tracing::debug!(%error, "could not tell of changed tools");
        }
    }
    std::future::pending().await
}
