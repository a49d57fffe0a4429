//! A store that forgets when the process ends. It keeps journals up to a number of bytes: of ended runs the oldest
//! go first, and a running one that grows beyond its share is given up. It promises no durability.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use futures::future::{BoxFuture, ready};

use super::{Event, Store, StoreFailure};
use crate::{ids::RunId, ports::engine::Delivered};

/// Bytes of ended journals that are kept; the oldest go first.
const KEPT: usize = 64 << 20;
/// Bytes that the journal of one running run may take. Beyond them it is dropped and stays empty: such a run goes
/// on and cannot be replayed.
const RUNNING: usize = 128 << 20;

/// Journals in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    journals: Mutex<Journals>,
}

#[derive(Debug, Default)]
struct Journals {
    kept: HashMap<RunId, Journal>,
    ended: VecDeque<(RunId, usize)>,
    ended_bytes: usize,
}

#[derive(Debug, Default)]
struct Journal {
    events: Vec<Event>,
    bytes: usize,
    given_up: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for MemoryStore {
    fn append(&self, run: &RunId, events: Vec<Event>) -> BoxFuture<'_, Result<(), StoreFailure>> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = matches!(events.last(), Some(Event::Ended(_)));
        journals.kept.entry(run.clone()).or_default().extend(run, events);
        if ends {
            journals.retire(run);
        }
        Box::pin(ready(Ok(())))
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        let journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(ready(Ok(journals.kept.get(run).map(|journal| journal.events.clone()).unwrap_or_default())))
    }
}

impl Journal {
    fn extend(&mut self, run: &RunId, events: Vec<Event>) {
        self.bytes += events.iter().map(weight).sum::<usize>();
        if self.bytes > RUNNING && !self.given_up {
            tracing::warn!(%run, "the journal has grown too large for memory and is not kept");
            self.given_up = true;
            self.events = Vec::new();
        }
        if self.given_up {
            self.bytes = 0;
        } else {
            self.events.extend(events);
        }
    }
}

impl Journals {
    fn retire(&mut self, run: &RunId) {
        let bytes = self.kept.get(run).map_or(0, |journal| journal.bytes);
        self.ended.push_back((run.clone(), bytes));
        self.ended_bytes += bytes;
        while self.ended_bytes > KEPT {
            let Some((oldest, bytes)) = self.ended.pop_front() else { break };
            self.kept.remove(&oldest);
            self.ended_bytes -= bytes;
        }
    }
}

/// Roughly the bytes that an event holds.
fn weight(event: &Event) -> usize {
    64 + match event {
        Event::Opened(opened) => opened.source.len() + 64 * opened.namespaces.len(),
        Event::Asked(request) => request.what.arguments().as_str().len(),
        Event::Delivered(delivery) => match &delivery.what {
            Delivered::Settled { reply, .. } => reply.weight(),
            Delivered::Timer => 0,
        },
        Event::Ended(super::Ending::Value(Some(value))) => value.as_str().len(),
        Event::Intended(_) | Event::Ended(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{journal::Ending, json::Json};

    fn ended(bytes: usize) -> Vec<Event> {
        vec![Event::Ended(Ending::Value(Some(Json::string(&"x".repeat(bytes)))))]
    }

    #[tokio::test]
    async fn ended_journals_are_dropped_oldest_first_when_they_are_too_large() {
        let store = MemoryStore::new();
        for (run, bytes) in [("r1", KEPT / 2), ("r2", 10), ("r3", KEPT / 2)] {
            store.append(&run.into(), ended(bytes)).await.unwrap();
        }
        assert_eq!(store.read(&"r1".into()).await.unwrap(), vec![]);
        assert_eq!(store.read(&"r2".into()).await.unwrap().len(), 1);
        assert_eq!(store.read(&"r3".into()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_running_journal_that_grows_too_large_is_given_up_whole() {
        let store = MemoryStore::new();
        let run = RunId::from("r1");
        let half = || vec![Event::Asked(large(RUNNING / 2))];
        store.append(&run, half()).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap().len(), 1);
        store.append(&run, half()).await.unwrap();
        store.append(&run, ended(1)).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap(), vec![]);
    }

    fn large(bytes: usize) -> crate::ports::engine::GuestRequest {
        let what = crate::ports::engine::GuestAsk::Result(Json::string(&"x".repeat(bytes)));
        crate::ports::engine::GuestRequest { id: crate::ids::RequestId(1), what, position: None }
    }

    #[tokio::test]
    async fn events_are_read_in_the_order_of_their_appends() {
        let store = MemoryStore::new();
        let run = RunId::from("r1");
        let ask = |id| {
            Event::Asked(crate::ports::engine::GuestRequest {
                id: crate::ids::RequestId(id),
                what: crate::ports::engine::GuestAsk::Result(Json::null()),
                position: None,
            })
        };
        store.append(&run, vec![ask(1), ask(2)]).await.unwrap();
        store.append(&run, vec![ask(3)]).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap(), vec![ask(1), ask(2), ask(3)]);
    }
}
