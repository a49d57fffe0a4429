//! The store port: where journals are kept, who may write which, and how that can fail.
//! A store decides nothing about runs; it keeps the order, the owner and the promise of durability.

use futures::future::BoxFuture;

use super::Event;
use crate::{approval::Spending, clock::WallTime, ids::RunId};

/// Where journals are kept.
pub trait Store: Send + Sync + 'static {
    /// Appends to a run's journal, all or nothing. A journal begins with [`Event::Opened`] under the run's
    /// [first lease](Lease::first).
    ///
    /// The append is made by calling, not by polling: the events of one run are read back in the order of the calls. When
    /// the future is done, they and everything appended to the run before are as durable as the store promises; dropping
    /// it takes nothing back. After a failure nothing of this run is durable any more until an append succeeds, which
    /// brings with it what earlier ones left, except intents, whose calls were not made. An append of nothing is done when
    /// what was appended before is.
    fn append(&self, lease: &Lease, append: Append) -> Written;

    /// All events of a run so far, as recorded; empty if the run is not known (any more).
    fn read(&self, run: &RunId) -> BoxFuture<'_, Result<Vec<Event>, StoreFailure>>;

    /// Runs that are known, newest first.
    fn runs(&self, which: Which) -> BoxFuture<'_, Result<Vec<RunEntry>, StoreFailure>>;

    /// Takes over a run that has not ended and that nobody owns: its owner has let it go, has died, or has not renewed
    /// its lease in time. Whoever owned it before cannot append any more.
    fn take(&self, run: &RunId) -> BoxFuture<'_, Result<Lease, StoreFailure>>;

    /// Lets a run go that has not ended, so that it can be [taken](Self::take) at once: it waits for somebody.
    fn release(&self, lease: &Lease) -> Written;
}

/// Which runs are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// So many of the newest.
    Newest(usize),
    /// Those that have not ended.
    Unfinished,
    /// Those whose ids begin so; some of them, if there are many.
    Named(String),
}

/// When it is done, an append is durable or has failed.
pub type Written = BoxFuture<'static, Result<(), StoreFailure>>;

/// The right to write the journal of a run. Every append carries it; only the newest one counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Whose journal.
    pub run: RunId,
    /// Grows each time that the run is taken over; the first owner has 1.
    pub fence: u64,
}

impl Lease {
    /// The lease under which a new run begins: its id is nobody else's.
    pub fn first(run: RunId) -> Self {
        Self { run, fence: 1 }
    }
}

impl From<RunId> for Lease {
    fn from(run: RunId) -> Self {
        Self::first(run)
    }
}

/// What one append writes, all or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Append {
    /// The events, in order.
    pub events: Vec<Event>,
    /// Uses of approvals that the events rest on: they are taken by this append. If one of them has none left, nothing
    /// is written. Whether an approval is genuine and in time the gate has checked before.
    pub spends: Vec<Spending>,
}

impl From<Vec<Event>> for Append {
    fn from(events: Vec<Event>) -> Self {
        Self { events, spends: Vec::new() }
    }
}

impl From<Event> for Append {
    fn from(event: Event) -> Self {
        Self::from(vec![event])
    }
}

/// A run as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEntry {
    /// Which.
    pub id: RunId,
    /// What began it, for example `serve`.
    pub command: String,
    /// Under which configuration it can go on: the directory that it was begun in.
    pub place: String,
    /// Its first line that says something, or the tool of a single call.
    pub title: String,
    /// How it stands.
    pub state: RunState,
    /// When it began.
    pub began: WallTime,
    /// When something was recorded last, or it was let go.
    pub changed: WallTime,
    /// Calls that were sent.
    pub calls: u64,
    /// Bytes that its record takes.
    pub bytes: u64,
    /// How often it was resumed.
    pub resumed: u64,
    /// Something of its record was redacted, so it can neither be resumed nor go on from its record.
    pub redacted: bool,
}

/// How a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunState {
    /// An Outboard owns it.
    Running,
    /// It waits for somebody, and no Outboard holds it in memory.
    Waiting,
    /// Its Outboard has gone.
    Interrupted,
    /// It came to its end.
    Ended,
    /// It failed, or was stopped.
    Failed,
}

/// The journal could not be written or read. No operation is sent without a record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal could not be {action}: {reason}")]
pub struct StoreFailure {
    /// What kind of trouble.
    pub trouble: StoreTrouble,
    /// `written` or `read`.
    pub action: &'static str,
    /// What is known, and what to do.
    pub reason: String,
}

/// Why a journal could not be written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreTrouble {
    /// No room.
    Full,
    /// Another process holds it for too long.
    Locked,
    /// It is damaged, or no journal at all.
    Damaged,
    /// It was written by a newer version.
    Newer,
    /// The run has another owner, has ended, or is not known.
    NotOwner,
    /// An approval that the append rests on has no use left.
    Spent,
    /// Anything else.
    Other,
}
