//! Which resources one client wants to hear of, and what it hears. Upstreams are asked elsewhere; how many clients want the same
//! is counted here, because an upstream knows only one of us.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use outboard_runtime::catalogue::{Catalogue, Updated};
use rmcp::{Peer, RoleServer, model::ResourceUpdatedNotificationParam};
use tokio::sync::broadcast::error::RecvError;

/// Resources that one client may want to hear of.
pub(crate) const MOST: usize = 1_000;

/// A resource of an upstream: its namespace and the upstream's own URI.
pub(crate) type Subject = (String, String);

/// How many clients want to hear of what.
pub(crate) type Wanted = Arc<Mutex<HashMap<Subject, usize>>>;

/// What one client wants to hear of, under the URIs that it knows.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    own: Mutex<HashMap<Subject, String>>,
    all: Wanted,
}

impl Subscriptions {
    /// Of one of the clients that share `all`.
    pub(crate) fn of(all: &Wanted) -> Self {
        Self { own: Mutex::default(), all: Arc::clone(all) }
    }

    /// The client wants to hear of it, under this URI. Says whether there was room.
    pub(crate) fn add(&self, subject: Subject, uri: &str) -> bool {
        let mut own = lock(&self.own);
        if own.len() >= MOST && !own.contains_key(&subject) {
            return false;
        }
        if own.insert(subject.clone(), uri.to_owned()).is_none() {
            *lock(&self.all).entry(subject).or_default() += 1;
        }
        true
    }

    /// The client does not want to hear of it any more. Says whether nobody does.
    pub(crate) fn remove(&self, subject: &Subject) -> bool {
        lock(&self.own).remove(subject).is_some() && leave(&mut lock(&self.all), subject)
    }

    /// The URI under which the client wants to hear of it.
    fn name(&self, updated: &Updated) -> Option<String> {
        let subject = (updated.namespace.to_string(), updated.uri.to_string());
        lock(&self.own).get(&subject).cloned()
    }

    /// Tells the client until dropped.
    pub(crate) async fn tell(&self, peer: &Peer<RoleServer>, catalogue: &Catalogue) -> Infallible {
        let mut updates = catalogue.updates();
        loop {
            let name = match updates.recv().await {
                Ok(updated) => self.name(&updated),
                Err(RecvError::Lagged(lost)) => {
                    tracing::warn!(lost, "resources change faster than a client hears of it");
                    None
                }
                Err(RecvError::Closed) => return std::future::pending().await,
            };
            let Some(name) = name else { continue };
            if let Err(error) =
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(name)).await
            {
                tracing::debug!(%error, "could not tell of a resource");
            }
        }
    }
}

impl Drop for Subscriptions {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        for subject in lock(&self.own).keys() {
            leave(&mut all, subject);
        }
    }
}

/// One client less wants it. Says whether none does.
fn leave(all: &mut HashMap<Subject, usize>, subject: &Subject) -> bool {
    let Some(count) = all.get_mut(subject) else { return false };
    *count -= 1;
    let nobody = *count == 0;
    if nobody {
        all.remove(subject);
    }
    nobody
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
