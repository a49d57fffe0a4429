//! Serves one client from its first byte to its last, and leaves no run behind.
//!
//! rmcp drives the protocol over [`crate::wire`]; this module starts and ends things in the right order. It does
//! not open the streams' other ends.

use std::{convert::Infallible, sync::Arc, time::Duration};

use outboard_runtime::{
    approval::Approvals,
    ids::Principal,
    policy::Taint,
    ports::workspace::Workspaces,
    present::DEFAULT_BUDGET,
    session::{Keeping, Session},
};
use rmcp::{
    Peer, RoleServer,
    service::{QuitReason, ServiceError, serve_directly_with_ct},
    transport::Transport,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    backend::Backend,
    changes::{Changes, Counts},
    handler::{Handler, outside::Held},
    offer::Offers,
    shell::Shell,
    silence::Silence,
    subscriptions::{Subscriptions, Wanted},
    wire::Wire,
};

/// How long a first `tools/list` waits for upstreams that have never been listed.
pub(crate) const FIRST_LIST: Duration = Duration::from_secs(1);
/// How long the runs of a client that is gone have to end once they were told to.
const LAST_RUNS: Duration = Duration::from_secs(1);
/// What part of the bytes that a client's results may take is for each of many clients.
const AMONG_MANY: u64 = 4;

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
    /// Whether every client is offered the tools of upstreams as they are, instead of scripts.
    pub passthrough: bool,
}

impl Default for FaceOptions {
    fn default() -> Self {
        Self {
            declarations_budget: 1_500,
            result_budget: DEFAULT_BUDGET,
            respond_within: RESPOND_WITHIN,
            keeping: Keeping::default(),
            workspace: false,
            passthrough: false,
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
    offers: Arc<Offers>,
    /// Of the tools as they are.
    direct: Arc<Offers>,
    /// Resources of which clients want to hear.
    wanted: Wanted,
}

impl Face {
    /// A face of this runtime.
    pub fn new(runtime: Arc<impl Backend>, options: FaceOptions) -> Self {
        Self {
            backend: runtime,
            options,
            approvals: None,
            workspaces: None,
            seen: Taint::default(),
            offers: Arc::new(Offers::new(options)),
            direct: Arc::new(Offers::new(FaceOptions { passthrough: true, ..options })),
            wanted: Wanted::default(),
        }
    }

    /// Asks the people behind clients these questions, as far as they come from runs of theirs.
    pub fn asking(mut self, approvals: Arc<Approvals>) -> Self {
        self.approvals = Some(approvals);
        self
    }

    /// Offers `bash` too: each client has a workspace of its own, made when it is first used.
    pub fn with_workspaces(mut self, workspaces: Arc<dyn Workspaces>) -> Self {
        self.options.workspace = true;
        self.offers = Arc::new(Offers::new(self.options));
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
        let conversation = Arc::new(self.converse(cancel.child_token(), None, false));
        let silence = Arc::new(Silence::default());
        let (ended, gone) = (conversation.ended.clone(), conversation.stop.clone());
        let wire = Wire::new(read, write, Arc::clone(&silence), ended, gone);
        self.carry(&conversation, silence, wire).await
    }

    /// A conversation with nothing in it yet, over when `stop` is cancelled. Clients that may be confused with each other,
    /// because no pipe belongs to one alone, are given names of runs that cannot be guessed. With `passthrough` it is offered
    /// tools as they are, else what everybody is.
    pub(crate) fn converse(
        &self,
        stop: CancellationToken,
        among: Option<Option<Principal>>,
        passthrough: bool,
    ) -> Conversation {
        let Keeping { results, bytes } = self.options.keeping;
        let (session, principal) = match among {
            None => (Session::keeping(self.options.keeping), None),
            Some(principal) => {
                let session = Session::keeping(Keeping { results, bytes: bytes / AMONG_MANY });
                (session.with_secret_names().proved(principal.clone()), principal)
            }
        };
        let session = Arc::new(session.until(stop.clone()));
        session.saw(self.seen);
        let shell = self.workspaces.as_ref().map(|workspaces| Shell::new(Arc::clone(workspaces), &session));
        let (runs, ended) = (TaskTracker::new(), CancellationToken::new());
        let passthrough = passthrough || self.options.passthrough;
        Conversation { session, principal, shell, runs, stop, ended, held: Arc::default(), passthrough }
    }

    /// Carries a whole conversation over this transport, to its end.
    pub(crate) async fn carry<T: Transport<RoleServer> + 'static>(
        &self,
        conversation: &Conversation,
        silence: Arc<Silence>,
        transport: T,
    ) -> Result<(), FaceError> {
        let changes = Arc::new(Changes::new());
        let offers = self.offers(conversation.passthrough);
        let handler = self.handler(conversation, silence, &changes, Arc::clone(offers), false);
        let subscriptions = Arc::clone(&handler.subscriptions);
        // Without rmcp's opening ceremony, which ends the connection when a client opens in an unexpected way, and
        // which ties it to the revision of its first request. The handler answers both openings at any time.
        let service = serve_directly_with_ct(handler, transport, None, conversation.stop.child_token());
        let peer = service.peer().clone();
        let served = tokio::select! {
            served = service.waiting() => served,
            never = tell_changes(&peer, &changes) => match never {},
            never = subscriptions.tell(&peer, self.backend.catalogue()) => match never {},
            never = end_soon_after(&conversation.ended, &conversation.stop) => match never {},
            never = changes.follow(self.backend.catalogue(), offers) => match never {},
        };
        conversation.end().await;
        match served {
            Ok(QuitReason::JoinError(error)) | Err(error) => Err(FaceError::Broken(error)),
            Ok(_) => Ok(()),
        }
    }

    /// Answers one request of a conversation whose requests come each by itself, until `gone` is cancelled. Subscriptions
    /// end when `ending` is.
    pub(crate) async fn answer_one<T: Transport<RoleServer> + 'static>(
        &self,
        conversation: &Conversation,
        transport: T,
        gone: CancellationToken,
        ending: CancellationToken,
        passthrough: bool,
    ) {
        let changes = Arc::new(Changes::new());
        let offers = self.offers(passthrough || conversation.passthrough);
        let mut handler = self.handler(conversation, Arc::default(), &changes, Arc::clone(offers), true);
        handler.ended = ending;
        let service = serve_directly_with_ct(handler, transport, None, gone);
        tokio::select! {
            served = service.waiting() => if let Err(error) = served {
                tracing::error!(%error, "a request broke");
            },
            never = changes.follow(self.backend.catalogue(), offers) => match never {},
        }
    }

    fn offers(&self, passthrough: bool) -> &Arc<Offers> {
        if passthrough { &self.direct } else { &self.offers }
    }

    fn handler(
        &self,
        conversation: &Conversation,
        silence: Arc<Silence>,
        changes: &Arc<Changes>,
        offers: Arc<Offers>,
        alone: bool,
    ) -> Handler {
        Handler {
            backend: Arc::clone(&self.backend),
            session: Arc::clone(&conversation.session),
            principal: conversation.principal.clone(),
            silence,
            options: self.options,
            approvals: self.approvals.clone(),
            asked: Arc::default(),
            changes: Arc::clone(changes),
            runs: conversation.runs.clone(),
            stop: conversation.stop.clone(),
            ended: conversation.ended.clone(),
            offers,
            held: Arc::clone(&conversation.held),
            subscriptions: Arc::new(Subscriptions::of(&self.wanted)),
            shell: conversation.shell.clone(),
            alone,
        }
    }
}

/// What one client has, however its messages come.
pub(crate) struct Conversation {
    pub(crate) session: Arc<Session>,
    /// Who the client has proved to be.
    pub(crate) principal: Option<Principal>,
    shell: Option<Shell>,
    runs: TaskTracker,
    /// Ends everything.
    pub(crate) stop: CancellationToken,
    /// The client says no more.
    pub(crate) ended: CancellationToken,
    held: Arc<Held>,
    /// Whether tools are offered as they are.
    passthrough: bool,
}

impl Conversation {
    /// Ends all that is left of it, within a moment.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.runs.close();
        let all_ended = async {
            self.runs.wait().await;
            self.session.ended().await;
            if let Some(shell) = &self.shell {
                shell.close().await;
            }
        };
        if tokio::time::timeout(LAST_RUNS, all_ended).await.is_err() {
            tracing::warn!(runs = self.runs.len() + self.session.going().len(), "runs did not end in time");
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

/// Tells clients of the time before 2026-07-28 what has changed; later ones subscribe.
async fn tell_changes(peer: &Peer<RoleServer>, changes: &Changes) -> Infallible {
    let mut count = changes.subscribe();
    let mut told = *count.borrow();
    while count.changed().await.is_ok() {
        let now = *count.borrow_and_update();
        if peer.peer_info().is_some()
            && let Err(error) = tell(peer, told, now).await
        {
            tracing::debug!(%error, "could not tell of changes");
        }
        told = now;
    }
    std::future::pending().await
}

async fn tell(peer: &Peer<RoleServer>, told: Counts, now: Counts) -> Result<(), ServiceError> {
    if now.tools != told.tools {
        peer.notify_tool_list_changed().await?;
    }
    if now.prompts != told.prompts {
        peer.notify_prompt_list_changed().await?;
    }
    if now.resources != told.resources {
        peer.notify_resource_list_changed().await?;
    }
    Ok(())
}
