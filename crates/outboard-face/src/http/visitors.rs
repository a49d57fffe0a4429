//! Clients of 2026-07-28, whose requests come each by itself: what outlives a call (kept results, runs that go on, what was
//! seen, the workspace) belongs to the principal and, among its clients, to those of one name. Clients that share both are
//! kept apart by what they know: names of runs and of kept results cannot be guessed.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use outboard_runtime::ids::Principal;
use tokio::time::Instant;

use super::{Server, sessions::UNUSED};
use crate::server::Conversation;

/// Characters of a client's name that count.
const NAME: usize = 80;

type Who = (Option<Principal>, String);

/// What outlives the calls of such clients.
#[derive(Default)]
pub(super) struct Visitors(Mutex<HashMap<Who, Visitor>>);

struct Visitor {
    /// Whoever answers a request holds a clone.
    conversation: Arc<Conversation>,
    used: Instant,
}

impl Visitor {
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.conversation) > 1 || !self.conversation.session.going().is_empty()
    }
}

impl Visitors {
    /// What belongs to this principal's clients of this name; `None` if there are too many names in use.
    pub(super) fn meet(
        &self,
        server: &Server,
        principal: Option<Principal>,
        client: &str,
    ) -> Option<Arc<Conversation>> {
        let who = (principal, client.chars().take(NAME).collect::<String>());
        let mut all = self.all();
        if let Some(visitor) = all.get_mut(&who) {
            visitor.used = Instant::now();
            return Some(Arc::clone(&visitor.conversation));
        }
        let of_principal = |(known, _): &(&Who, &Visitor)| known.0 == who.0;
        if all.iter().filter(of_principal).count() >= server.options.sessions {
            let unused =
                |(_, visitor): &(&Who, &Visitor)| !visitor.is_used() && visitor.used.elapsed() >= UNUSED;
            let oldest =
                all.iter().filter(of_principal).filter(unused).min_by_key(|(_, visitor)| visitor.used);
            let oldest = oldest.map(|(who, _)| who.clone())?;
            if let Some(visitor) = all.remove(&oldest) {
                end(server, visitor);
            }
        }
        let conversation =
            Arc::new(server.face.converse(server.over.child_token(), Some(who.0.clone()), false));
        let visitor = Visitor { conversation: Arc::clone(&conversation), used: Instant::now() };
        all.insert(who, visitor);
        Some(conversation)
    }

    /// Ends what nobody has used for so long.
    pub(super) fn end_unused(&self, server: &Server) {
        let now = Instant::now();
        let mut all = self.all();
        for visitor in all.values_mut().filter(|visitor| visitor.is_used()) {
            visitor.used = now;
        }
        let unused = all.extract_if(|_, visitor| now.duration_since(visitor.used) >= server.options.idle);
        unused.for_each(|(_, visitor)| end(server, visitor));
    }

    /// Ends all that is left of it.
    pub(super) fn end_all(&self, server: &Server) {
        self.all().drain().for_each(|(_, visitor)| end(server, visitor));
    }

    fn all(&self) -> MutexGuard<'_, HashMap<Who, Visitor>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn end(server: &Server, visitor: Visitor) {
    server.tasks.spawn(async move { visitor.conversation.end().await });
}
