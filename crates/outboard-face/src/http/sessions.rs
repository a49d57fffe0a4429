//! Sessions of clients of 2025-11-25 and before: begun by `initialize`, named in every request after it, ended by `DELETE` or
//! when nobody has used them for long. A session is its principal's alone, and its name cannot be guessed.

use std::{
    collections::HashMap,
    fmt::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use outboard_runtime::ids::Principal;
use rmcp::model::ClientJsonRpcMessage;
use tokio::{sync::mpsc, time::Instant};

use super::{Server, link::Link, streams::Streams};
use crate::{server::Conversation, silence::Silence, wire::Requests};

/// Messages on their way to a session; further ones wait.
const QUEUE: usize = 64;
/// How long a session has been unused that makes room for another one.
pub(super) const UNUSED: std::time::Duration = std::time::Duration::from_secs(60);

/// One session.
pub(super) struct Session {
    pub(super) name: String,
    principal: Option<Principal>,
    pub(super) streams: Arc<Streams>,
    pub(super) requests: Requests,
    incoming: mpsc::Sender<ClientJsonRpcMessage>,
    conversation: Arc<Conversation>,
    used: Mutex<Instant>,
}

/// All sessions.
#[derive(Default)]
pub(super) struct Sessions(Mutex<All>);

#[derive(Default)]
struct All {
    /// Those that can be found, by their names.
    named: HashMap<String, Arc<Session>>,
    /// Those that were begun and have not ended, also those whose `initialize` has no answer yet.
    begun: Vec<Weak<Session>>,
}

impl Session {
    /// Takes a message to the session. Says whether it is still there.
    pub(super) async fn hear(&self, message: ClientJsonRpcMessage) -> bool {
        self.incoming.send(message).await.is_ok()
    }

    fn is_used(&self) -> bool {
        self.streams.is_used() || !self.conversation.session.going().is_empty()
    }

    fn used(&self) -> MutexGuard<'_, Instant> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    /// Begins a session of this principal; `None` if there are too many that are in use. It can be found once it is
    /// [kept](Self::keep).
    pub(super) fn begin(
        &self,
        server: &Arc<Server>,
        principal: Option<Principal>,
        passthrough: bool,
    ) -> Option<Arc<Session>> {
        self.make_room(server, principal.as_ref())?;
        let (incoming, messages) = mpsc::channel(QUEUE);
        let silence = Arc::new(Silence::default());
        let (requests, streams) = (Requests::new(Arc::clone(&silence)), Arc::new(Streams::new()));
        let conversation =
            Arc::new(server.face.converse(server.over.child_token(), Some(principal.clone()), passthrough));
        let link = Link::Many {
            incoming: messages,
            requests: requests.clone(),
            streams: Arc::clone(&streams),
            ended: conversation.ended.clone(),
        };
        let session = Arc::new(Session {
            name: unguessable(),
            principal,
            streams,
            requests,
            incoming,
            conversation: Arc::clone(&conversation),
            used: Mutex::new(Instant::now()),
        });
        let (face, this, name) = (Arc::clone(&server.face), Arc::clone(server), session.name.clone());
        let streams = Arc::clone(&session.streams);
        server.tasks.spawn(async move {
            if let Err(error) = face.carry(&conversation, silence, link).await {
                tracing::error!(%error, "a session broke");
            }
            streams.close();
            this.sessions.all().named.remove(&name);
        });
        self.all().begun.push(Arc::downgrade(&session));
        Some(session)
    }

    /// It can be found by its name from now on.
    pub(super) fn keep(&self, session: &Arc<Session>) {
        self.all().named.insert(session.name.clone(), Arc::clone(session));
    }

    /// The session of this name, if it is this principal's.
    pub(super) fn find(&self, name: &str, principal: Option<&Principal>) -> Option<Arc<Session>> {
        let session =
            self.all().named.get(name).filter(|session| session.principal.as_ref() == principal).cloned()?;
        *session.used() = Instant::now();
        Some(session)
    }

    /// Ends a session: its runs are told to end, or are left to a person.
    pub(super) fn end(&self, session: &Session) {
        self.all().named.remove(&session.name);
        // What holds the session only to answer a request keeps the queue open.
        session.conversation.stop.cancel();
    }

    /// Ends the sessions that have not been used for so long.
    pub(super) fn end_unused(&self, server: &Server) {
        let now = Instant::now();
        let mut ended = Vec::new();
        self.all().named.retain(|_, session| {
            let mut used = session.used();
            if session.is_used() {
                *used = now;
            }
            let keep = now.duration_since(*used) < server.options.idle;
            drop(used);
            if !keep {
                ended.push(Arc::clone(session));
            }
            keep
        });
        for session in ended {
            tracing::info!("a session ended that nobody used");
            session.conversation.stop.cancel();
        }
    }

    fn make_room(&self, server: &Server, principal: Option<&Principal>) -> Option<()> {
        let mut all = self.all();
        all.begun.retain(|session| session.strong_count() > 0);
        let begun = all.begun.iter().filter_map(Weak::upgrade);
        let own: Vec<Arc<Session>> =
            begun.filter(|session| session.principal.as_ref() == principal).collect();
        drop(all);
        if own.len() < server.options.sessions {
            return Some(());
        }
        let unused =
            own.into_iter().filter(|session| !session.is_used() && session.used().elapsed() >= UNUSED);
        let oldest = unused.min_by_key(|session| *session.used())?;
        self.end(&oldest);
        Some(())
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name of 128 random bits.
fn unguessable() -> String {
    let mut bytes = [0u8; 16];
    // Without randomness a name would be guessable, so there is nothing safe to go on with.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().fold(String::with_capacity(32), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}
