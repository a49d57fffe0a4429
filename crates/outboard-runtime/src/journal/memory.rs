//! A store that forgets when the process ends. It keeps journals up to a number of bytes: of ended runs the oldest
//! go first, and a running one that grows beyond its share is given up. It promises no durability.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use futures::future::{BoxFuture, ready};

use super::{
    Append, Ending, Event, Lease, RunEntry, RunState, Store, StoreFailure, StoreTrouble, Which, Written,
};
use crate::{approval::Spending, clock::WallTime, ids::RunId, ports::engine::Delivered};

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
    /// How often each approval was used: as many as people gave.
    spent: HashMap<String, u32>,
}

#[derive(Debug, Default)]
struct Journal {
    events: Vec<Event>,
    bytes: usize,
    given_up: bool,
    /// The newest lease, and whether its owner has let the run go.
    fence: u64,
    released: bool,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn journals(&self) -> MutexGuard<'_, Journals> {
        self.journals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn append(&self, lease: &Lease, append: Append) -> Written {
        let mut journals = self.journals();
        let Journals { kept, spent, .. } = &mut *journals;
        let journal = kept.entry(lease.run.clone()).or_default();
        let done = journal.admit(lease).and_then(|()| spend(spent, &append.spends));
        if done.is_ok() {
            let ends = matches!(append.events.last(), Some(Event::Ended(_)));
            journal.extend(&lease.run, append.events);
            if ends {
                journals.retire(&lease.run);
            }
        }
        Box::pin(ready(done))
    }

    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>> {
        let journals = self.journals();
        Box::pin(ready(Ok(journals.kept.get(run).map(|journal| journal.events.clone()).unwrap_or_default())))
    }

    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>> {
        let journals = self.journals();
        let mut runs: Vec<RunEntry> =
            journals.kept.iter().filter_map(|(run, journal)| journal.entry(run)).collect();
        runs.sort_by(|one, other| (other.began, &other.id).cmp(&(one.began, &one.id)));
        match which {
            Which::Newest(most) => runs.truncate(most),
            Which::Unfinished => {
                runs.retain(|run| matches!(run.state, RunState::Running | RunState::Waiting));
            }
            Which::Named(start) => runs.retain(|run| run.id.as_str().starts_with(&start)),
        }
        Box::pin(ready(Ok(runs)))
    }

    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>> {
        let mut journals = self.journals();
        let taken = match journals.kept.get_mut(run) {
            Some(journal) if journal.released && !journal.has_ended() => {
                (journal.fence, journal.released) = (journal.fence + 1, false);
                Ok(Lease { run: run.clone(), fence: journal.fence })
            }
            _ => Err(not_owner("the run is not known, has ended, or has an owner")),
        };
        Box::pin(ready(taken))
    }

    fn release(&self, lease: &Lease) -> Written {
        let mut journals = self.journals();
        let done = match journals.kept.get_mut(&lease.run) {
            Some(journal) if journal.fence == lease.fence && !journal.has_ended() => {
                journal.released = true;
                Ok(())
            }
            _ => Err(not_owner("the run is not known, has ended, or has another owner")),
        };
        Box::pin(ready(done))
    }
}

/// Takes one use of each, or of none.
fn spend(spent: &mut HashMap<String, u32>, spends: &[Spending]) -> Result<(), StoreFailure> {
    let used = |spending: &Spending| spent.get(&spending.key).copied().unwrap_or_default();
    if spends.iter().any(|spending| used(spending) >= spending.uses) {
        let reason = "the approval has no use left".to_owned();
        return Err(StoreFailure { trouble: StoreTrouble::Spent, action: "written", reason });
    }
    for spending in spends {
        *spent.entry(spending.key.clone()).or_default() += 1;
    }
    Ok(())
}

fn not_owner(reason: &str) -> StoreFailure {
    StoreFailure { trouble: StoreTrouble::NotOwner, action: "written", reason: reason.to_owned() }
}

impl Journal {
    /// Whether this may be appended. The first append makes the first lease.
    fn admit(&mut self, lease: &Lease) -> Result<(), StoreFailure> {
        self.fence = self.fence.max(1);
        if self.fence != lease.fence || self.released || self.has_ended() {
            return Err(not_owner("the run has ended, or has another owner"));
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        matches!(self.events.last(), Some(Event::Ended(_)))
    }

    fn entry(&self, run: &RunId) -> Option<RunEntry> {
        let Some(Event::Opened(opened)) = self.events.first() else { return None };
        let state = match self.events.last() {
            Some(Event::Ended(Ending::Value(_))) => RunState::Ended,
            Some(Event::Ended(_)) => RunState::Failed,
            _ if self.released => RunState::Waiting,
            _ => RunState::Running,
        };
        let sent = self.events.iter().filter(|event| matches!(event, Event::Intended(_))).count();
        let resumed = self.events.iter().filter(|event| matches!(event, Event::Resumed(_))).count();
        Some(RunEntry {
            id: run.clone(),
            command: String::new(),
            place: String::new(),
            title: opened.source.lines().next().unwrap_or_default().to_owned(),
            state,
            began: opened.started_at,
            changed: WallTime(0),
            calls: sent as u64,
            bytes: self.bytes as u64,
            resumed: resumed as u64,
            redacted: false,
        })
    }

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
        Event::Wrote(wrote) => wrote.lines.iter().map(|line| line.text.len()).sum(),
        Event::Ended(Ending::Value(Some(value))) => value.as_str().len(),
        Event::Intended(_) | Event::Resumed(_) | Event::Ended(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    fn lease(run: &str) -> Lease {
        Lease::first(run.into())
    }

    fn ended(bytes: usize) -> Vec<Event> {
        vec![Event::Ended(Ending::Value(Some(Json::string(&"x".repeat(bytes)))))]
    }

    #[tokio::test]
    async fn ended_journals_are_dropped_oldest_first_when_they_are_too_large() {
        let store = MemoryStore::new();
        for (run, bytes) in [("r1", KEPT / 2), ("r2", 10), ("r3", KEPT / 2)] {
            store.append(&lease(run), ended(bytes).into()).await.unwrap();
        }
        assert_eq!(store.read(&"r1".into()).await.unwrap(), vec![]);
        assert_eq!(store.read(&"r2".into()).await.unwrap().len(), 1);
        assert_eq!(store.read(&"r3".into()).await.unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_running_journal_that_grows_too_large_is_given_up_whole() {
        let store = MemoryStore::new();
        let run = RunId::from("r1");
        let half = || Append::from(Event::Asked(large(RUNNING / 2)));
        store.append(&lease("r1"), half()).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap().len(), 1);
        store.append(&lease("r1"), half()).await.unwrap();
        store.append(&lease("r1"), ended(1).into()).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap(), vec![]);
    }

    #[tokio::test]
    async fn an_approval_is_used_as_often_as_it_may_and_records_nothing_after() {
        let store = MemoryStore::new();
        let mut done = Vec::new();
        for (key, uses) in [("a", 1), ("a", 1), ("b", 2), ("b", 2), ("b", 2)] {
            let spends = vec![Spending { key: key.to_owned(), uses }];
            let events = vec![Event::Asked(large(1))];
            let appended = store.append(&lease("r1"), Append { events, spends }).await;
            done.push(appended.map_err(|failure| failure.trouble));
        }
        let spent = Err(StoreTrouble::Spent);
        assert_eq!(done, [Ok(()), spent, Ok(()), Ok(()), spent]);
        assert_eq!(store.read(&"r1".into()).await.unwrap().len(), 3);
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
        store.append(&lease("r1"), vec![ask(1), ask(2)].into()).await.unwrap();
        store.append(&lease("r1"), ask(3).into()).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap(), vec![ask(1), ask(2), ask(3)]);
    }

    #[tokio::test]
    async fn a_run_is_taken_only_when_it_was_let_go_and_then_its_old_owner_cannot_append() {
        let store = MemoryStore::new();
        let (run, first) = (RunId::from("r1"), lease("r1"));
        store.append(&first, ended(1).into()).await.unwrap();
        assert_eq!(store.take(&run).await.unwrap_err().trouble, StoreTrouble::NotOwner);
        let (run, first) = (RunId::from("r2"), lease("r2"));
        store.append(&first, Event::Asked(large(1)).into()).await.unwrap();
        assert_eq!(store.take(&run).await.unwrap_err().trouble, StoreTrouble::NotOwner);
        store.release(&first).await.unwrap();
        let second = store.take(&run).await.unwrap();
        assert_eq!(second.fence, 2);
        let late = store.append(&first, Event::Asked(large(1)).into()).await;
        assert_eq!(late.unwrap_err().trouble, StoreTrouble::NotOwner);
        store.append(&second, ended(1).into()).await.unwrap();
        assert_eq!(store.read(&run).await.unwrap().len(), 2);
    }
}
