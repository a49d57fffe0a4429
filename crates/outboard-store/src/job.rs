//! What there is to write, and what became of it: the words between the queue and the writer.
//! Nothing is written here.

use std::collections::{HashMap, VecDeque};

use outboard_runtime::{
    ids::RunId,
    journal::{Append, Lease, StoreFailure},
};
use rusqlite::Transaction;
use tokio::sync::oneshot;

use crate::{
    failure::At,
    holder::Watch,
    options::StoreOptions,
    pending,
    runs::{Appended, Counts},
};

/// Something to be written.
pub(crate) enum Job {
    /// Events of a run, and the bytes of what they hold.
    Append { lease: Lease, append: Append, bytes: usize, done: Done },
    /// Anything else, in a transaction of its own.
    Work(Work),
    /// Tells when all before it is written or has failed.
    Mark(oneshot::Sender<Result<(), StoreFailure>>),
}

impl Job {
    pub(crate) fn append(lease: Lease, mut append: Append, done: Done) -> Self {
        let bytes = append.events.iter_mut().map(pending::weight).sum();
        Self::Append { lease, append, bytes, done }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Append { lease, .. } => {
                f.debug_struct("Append").field("lease", lease).finish_non_exhaustive()
            }
            Self::Work(_) => f.write_str("Work"),
            Self::Mark(_) => f.write_str("Mark"),
        }
    }
}

/// Writes, and says whom to tell when it is known whether that stands.
pub(crate) type Work = Box<dyn FnOnce(Result<&mut Turn<'_>, &StoreFailure>) -> Tell + Send>;
pub(crate) type Tell = Box<dyn FnOnce(Result<(), StoreFailure>) + Send>;

/// What work has to do with.
pub(crate) struct Turn<'a> {
    pub(crate) transaction: &'a Transaction<'a>,
    pub(crate) at: At<'a>,
    pub(crate) options: &'a StoreOptions,
    /// This process as an owner.
    pub(crate) holder: i64,
    pub(crate) watch: &'a mut Watch,
    /// The runs that this process owns.
    pub(crate) owned: &'a Owned,
    /// What is to be done once all of it stands.
    pub(crate) after: Vec<After>,
}

/// What is done when a transaction stands.
#[derive(Debug)]
pub(crate) enum After {
    /// This process owns a run from now on.
    Own(Lease),
    /// It does not own it any more.
    Disown(Lease),
    /// All that an owner that is gone has logged is in the database.
    Settle(String),
    /// An owner that is gone is forgotten, and its files are to go.
    Remove(String),
}

/// Runs that this process owns.
pub(crate) type Owned = HashMap<RunId, Own>;

/// What is known of a run that this process owns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) fence: u64,
    /// What was written of it and is not counted in its row yet.
    pub(crate) uncounted: Counts,
    /// Its end is logged.
    pub(crate) is_over: bool,
}

impl Own {
    /// Of a run that was just begun or taken over.
    pub(crate) fn of(fence: u64) -> Self {
        Self { fence, uncounted: Counts::default(), is_over: false }
    }
}

/// The appends of one run, in order.
pub(crate) struct Appends {
    pub(crate) lease: Lease,
    pub(crate) appends: Vec<(Append, Done)>,
}

/// Where whoever waits for an append learns what became of it.
pub(crate) type Done = oneshot::Sender<Result<(), StoreFailure>>;

impl Appends {
    /// Those of all runs. Between the runs no order counts.
    pub(crate) fn of(work: VecDeque<Job>) -> Vec<Self> {
        let mut all = Vec::new();
        for job in work {
            if let Job::Append { lease, append, done, .. } = job {
                Self::add(&mut all, lease, append, done);
            }
        }
        all
    }

    pub(crate) fn add(all: &mut Vec<Self>, lease: Lease, append: Append, done: Done) {
        match all.iter_mut().find(|known| known.lease == lease) {
            Some(known) => known.appends.push((append, done)),
            None => all.push(Self { lease, appends: vec![(append, done)] }),
        }
    }

    /// As they were before.
    pub(crate) fn into_jobs(self) -> impl Iterator<Item = Job> {
        let Self { lease, appends } = self;
        appends.into_iter().map(move |(append, done)| Job::append(lease.clone(), append, done))
    }
}

/// What became of the appends of one run: of all, and those whose approvals do not count.
pub(crate) struct Verdict {
    pub(crate) all: Appended,
    pub(crate) spent: Vec<usize>,
    /// The run is over with them, or with what was left of it.
    pub(crate) ends: bool,
}

/// What became of appends, in their order, and of runs that were only brought up to the log.
pub(crate) struct Written {
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) others: Vec<(Lease, Verdict)>,
    /// Runs that another owner has taken over.
    pub(crate) lost: Vec<RunId>,
}
