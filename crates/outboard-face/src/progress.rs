//! Tells a client that asked for it how far a run is, so that a client with a timeout keeps waiting.
//! It tells of calls only: what a script computes has no measure.

use std::{convert::Infallible, time::Duration};

use outboard_runtime::run::Progress;
use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval_at},
};

/// Time between two notifications.
const EVERY: Duration = Duration::from_secs(3);

/// Tells of a run until dropped. Without a token it only waits.
pub(crate) async fn tell(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    run: watch::Receiver<Progress>,
) -> Infallible {
    tell_of(peer, token, || message(*run.borrow())).await
}

/// Tells of something of which only the time is known.
pub(crate) async fn tell_time(peer: &Peer<RoleServer>, token: Option<ProgressToken>) -> Infallible {
    tell_of(peer, token, || "running".to_owned()).await
}

async fn tell_of(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    now: impl Fn() -> String,
) -> Infallible {
    let Some(token) = token else { return std::future::pending().await };
    let mut ticks = interval_at(Instant::now() + EVERY, EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for count in 1u32.. {
        ticks.tick().await;
        // `progress` has to grow with every notification, whether a call ended meanwhile or not.
        let mut told = ProgressNotificationParam::new(token.clone(), f64::from(count));
        told.message = Some(now());
        if peer.notify_progress(told).await.is_err() {
            break;
        }
    }
    std::future::pending().await
}

fn message(progress: Progress) -> String {
    if progress.queued {
        return "waiting for its turn".to_owned();
    }
    let done = format!("{} of {} calls done", progress.calls_done, progress.calls_made);
    match progress.calls_asking {
        0 => done,
        asking => format!("{done}, {asking} waiting for approval"),
    }
}
