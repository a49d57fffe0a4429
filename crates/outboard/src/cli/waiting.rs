//! Waiting for upstreams in front of a person: bounded, ended by a signal, and told of while it lasts.
//! It starts nothing.

use std::{sync::Arc, time::Duration};

use outboard_runtime::catalogue::{Catalogue, Member, Snapshot, UpstreamState};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::report::{self, Failure};

/// How often the line of progress tells how long it has been.
const TICK: Duration = Duration::from_secs(1);

/// What is waited for.
#[derive(Clone, Copy)]
pub(super) struct Wait<'a> {
    /// Upstreams of interest that are not there yet.
    pub(super) pending: &'a dyn Fn(&Member) -> bool,
    /// The longest wait.
    pub(super) patience: Duration,
}

/// Nothing is known of its tools and it may still tell.
pub(super) fn is_unlisted(member: &Member) -> bool {
    member.listing.is_none() && !matches!(member.state, UpstreamState::Failed { .. })
}

/// It neither answers nor has failed. One that was just woken may still count as asleep.
pub(super) fn is_starting(member: &Member) -> bool {
    matches!(member.state, UpstreamState::Asleep | UpstreamState::Starting)
}

/// Waits until no upstream is pending or patience ends, and gives the catalogue as it is then. `look` sees every
/// change.
pub(super) async fn wait(
    catalogue: &Catalogue,
    wait: Wait<'_>,
    stop: &CancellationToken,
    mut look: impl FnMut(&Snapshot),
) -> Result<Arc<Snapshot>, Failure> {
    let started = Instant::now();
    let mut snapshots = catalogue.watch();
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let snapshot = Arc::clone(&snapshots.borrow_and_update());
        look(&snapshot);
        let pending: Vec<&str> = snapshot
            .members()
            .iter()
            .filter(|member| (wait.pending)(member))
            .map(|member| member.upstream.as_str())
            .collect();
        if pending.is_empty() || started.elapsed() >= wait.patience {
            report::progress("");
            return Ok(snapshot);
        }
        let waited = started.elapsed().as_secs();
        report::progress(format_args!("{waited} s, waiting for {}", pending.join(", ")));
        tokio::select! {
            () = stop.cancelled() => return Err(Failure::interrupted()),
            () = tokio::time::sleep_until(started + wait.patience) => {}
            _ = ticks.tick() => {}
            changed = snapshots.changed() => if changed.is_err() { return Ok(snapshot) },
        }
    }
}
