//! Runs that take longer than their client waits for an answer: the session owns them until they end, and their
//! results until they are fetched or dropped. It does not decide how long a client waits.

use std::{
    sync::{Arc, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Gone, Keeping, Session};
use crate::{
    ids::RunId,
    run::{Progress, RunReport},
};

/// The runs that a session owns.
#[derive(Debug, Default)]
pub(super) struct Runs {
    going: Vec<LongRun>,
    /// Runs that the client has given up waiting for before it learnt their names.
    untold: Vec<RunId>,
}

/// A run that goes on without its first client's waiting. Clones are handles on the same run.
#[derive(Clone, Debug)]
pub struct LongRun {
    id: RunId,
    cancel: CancellationToken,
    progress: watch::Receiver<Progress>,
    ended: watch::Receiver<Option<Arc<RunReport>>>,
}

/// A run that a session knows.
#[derive(Clone, Debug)]
pub enum Found {
    /// It is under way.
    Going(LongRun),
    /// It has ended, and this is what came of it.
    Ended(Arc<RunReport>),
}

/// Why a session has nothing to say of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotHere {
    /// No run of this session that outlived its answer has this name. Whether another session's has is not told.
    Unknown,
    /// It has ended and its result was dropped, because the session keeps no more than this.
    Dropped {
        /// What is still known.
        gone: Gone,
        /// The bound.
        keeps: Keeping,
    },
}

impl LongRun {
    /// Which.
    pub fn id(&self) -> &RunId {
        &self.id
    }

    /// How far it is.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.clone()
    }

    /// Stops it and abandons its calls. Whoever waits for it learns that it was cancelled.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits for its end, so long. `None`: it goes on.
    pub async fn wait(&self, within: Duration) -> Option<Arc<RunReport>> {
        let mut ended = self.ended.clone();
        let waited = tokio::time::timeout(within, ended.wait_for(Option::is_some)).await;
        waited.ok()?.ok()?.clone()
    }
}

impl Session {
    /// Takes over a run whose client stops waiting: it goes on as a task of the session, and its result waits here.
    pub fn adopt(
        self: &Arc<Self>,
        id: RunId,
        cancel: CancellationToken,
        progress: watch::Receiver<Progress>,
        run: BoxFuture<'static, RunReport>,
    ) -> LongRun {
        let (tell, ended) = watch::channel(None);
        let long = LongRun { id: id.clone(), cancel, progress, ended };
        self.long_runs().going.push(long.clone());
        let mut ending = Ending { session: Arc::clone(self), id, well: false };
        self.tasks.spawn(async move {
            let report = Arc::new(run.await);
            // Kept before it is no longer under way, so that it can be found at every moment.
            let taint = ending.session.taint();
            ending.session.kept_results().keep_run(Arc::clone(&report), taint);
            ending.well = true;
            drop(ending);
            tell.send_replace(Some(report));
        });
        long
    }

    /// The run of this name, as a model writes it. The result of an ended run counts as fetched.
    pub fn find(&self, name: &str) -> Result<Found, NotHere> {
        let runs = self.long_runs();
        if let Some(run) = runs.going.iter().find(|run| run.id.name() == name) {
            return Ok(Found::Going(run.clone()));
        }
        drop(runs);
        let mut kept = self.kept_results();
        if let Some((report, taint)) = kept.fetch(name) {
            self.saw(taint);
            return Ok(Found::Ended(report));
        }
        Err(match kept.gone(name) {
            Some(gone) => NotHere::Dropped { gone, keeps: kept.keeping() },
            None => NotHere::Unknown,
        })
    }

    /// The result of this run was handed over.
    pub fn fetched(&self, id: &RunId) {
        self.kept_results().fetch(id.name());
    }

    /// Names of the runs that go on, oldest first.
    pub fn going(&self) -> Vec<RunId> {
        self.long_runs().going.iter().map(|run| run.id.clone()).collect()
    }

    /// Remembers that the client never learnt the name of this run.
    pub fn not_told(&self, id: RunId) {
        let mut runs = self.long_runs();
        if !runs.untold.contains(&id) {
            runs.untold.push(id);
        }
    }

    /// The client has learnt the name of this run, or its result.
    pub fn told(&self, id: &RunId) {
        self.long_runs().untold.retain(|untold| untold != id);
    }

    /// The runs that the client has not been told of, once each.
    pub fn take_untold(&self) -> Vec<RunId> {
        std::mem::take(&mut self.long_runs().untold)
    }

    /// Waits until no run of the session is under way. It stops none, and further ones may not be adopted.
    pub async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn long_runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a run out of those under way, also when its task breaks.
struct Ending {
    session: Arc<Session>,
    id: RunId,
    well: bool,
}

impl Drop for Ending {
    fn drop(&mut self) {
        if !self.well {
            tracing::error!(run = %self.id, "a run broke and has no result");
        }
        self.session.long_runs().going.retain(|run| run.id != self.id);
    }
}
