//! Takes up the runs that an Outboard of this directory left behind when it died, or let go when it ended because they only
//! waited for a person: at the start, and now and then. Their results wait in a session of their own ([`Runtime::recovered`]).

use std::{collections::HashSet, path::PathBuf, sync::Arc, time::Duration};

use futures::FutureExt as _;
use outboard_runtime::{
    Runtime,
    clock::{Clock as _, SystemClock},
    ids::RunId,
    journal::{RunEntry, RunState, Which},
    run::Progress,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Journal;
use crate::{report, tainted};

/// Between two looks. An Outboard that is started anew comes first: it is more likely its client's.
const LOOK: Duration = Duration::from_secs(10);
/// What was interrupted longer ago is not taken up by itself: nobody expects it to go on any more.
const RECENT: Duration = Duration::from_secs(86_400);
/// The command whose runs are taken up. Whoever ran another one saw it end, and says whether it is to go on.
const SERVE: &str = "serve";

/// Takes up runs until told to stop; those under way are let go or cancelled then.
pub(super) async fn recover(
    runtime: Arc<Runtime>,
    journal: Journal,
    (place, state): (String, PathBuf),
    stop: CancellationToken,
) {
    if journal.kept.is_none() {
        return;
    }
    // What their sessions had seen is not in their records: what all of this user's have seen covers that.
    match tainted::read(&state) {
        Ok(seen) => drop(runtime.recovered().saw(seen.taint)),
        Err(problem) => {
            tracing::warn!(problem = report::chain(&problem), "runs that were interrupted are not taken up");
            return;
        }
    }
    // What had to be let go here is for others.
    let mut seen = HashSet::new();
    loop {
        for run in left_behind(&journal, &place).await {
            if seen.insert(run.clone()) {
                take_up(&runtime, run).await;
            }
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    runtime.recovered().over().cancel();
    runtime.recovered().ended().await;
}

/// The runs of this directory whose Outboard is gone.
async fn left_behind(journal: &Journal, place: &str) -> Vec<RunId> {
    let unfinished = match journal.store.runs(Which::Unfinished).await {
        Ok(unfinished) => unfinished,
        Err(failure) => {
            tracing::warn!(%failure, "runs that were interrupted are not taken up");
            return Vec::new();
        }
    };
    let now = SystemClock.wall().0;
    let is_wanted = |entry: &RunEntry| {
        matches!(entry.state, RunState::Interrupted | RunState::Waiting)
            && entry.command == SERVE
            && entry.place == place
            && u128::from(now.saturating_sub(entry.changed.0)) < RECENT.as_millis()
    };
    // The oldest began first.
    unfinished.into_iter().rev().filter(is_wanted).map(|entry| entry.id).collect()
}

async fn take_up(runtime: &Arc<Runtime>, run: RunId) {
    let taken = match runtime.take(&run).await {
        Ok(taken) => taken,
        Err(problem) => {
            // Another Outboard may have been first.
            tracing::info!(%run, problem = report::chain(&problem), "the run is not taken up");
            return;
        }
    };
    tracing::info!(%run, "a run that was left behind goes on");
    let (progress, seen) = watch::channel(Progress::default());
    let session = Arc::clone(runtime.recovered());
    let cancel = session.over().child_token();
    let (owner, token) = (Arc::clone(runtime), cancel.clone());
    let work = async move { owner.go_on(owner.recovered(), taken, progress, token).await };
    session.adopt(run, cancel, seen, work.boxed());
}
