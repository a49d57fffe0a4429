//! Tells a client that asked for it how far a run is, so that a client with a timeout keeps waiting.
//! It tells of calls only: what a script computes has no measure.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use outboard_runtime::{ports::upstream::Advance, run::Progress};
use rmcp::{
    Peer, RoleServer,
    model::{ProgressNotificationParam, ProgressToken},
};
use tokio::{
    sync::{mpsc, watch},
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
    tell_of(peer, token, &AtomicU32::new(0), || message(*run.borrow())).await
}

/// Tells what an upstream tells, in its own measure; until it tells something, that time passes.
pub(crate) async fn tell_advances(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    advances: Option<&mut mpsc::Receiver<Advance>>,
) -> Infallible {
    let Some(token) = token else { return std::future::pending().await };
    let told_before = AtomicU32::new(0);
    let time = tell_of(peer, Some(token.clone()), &told_before, || "running".to_owned());
    let Some(advances) = advances else { return time.await };
    let mut next = tokio::select! {
        never = time => match never {},
        first = advances.recv() => first,
    };
    let mut last = match told_before.into_inner() {
        0 => f64::NEG_INFINITY,
        count => f64::from(count),
    };
    while let Some(Advance { progress, total, message }) = next {
        // It has to grow with every notification, whatever the upstream says, and whatever was told before it said something.
        last = if progress > last { progress } else { last.next_up() };
        let mut told = ProgressNotificationParam::new(token.clone(), last);
        (told.total, told.message) = (total, message);
        if peer.notify_progress(told).await.is_err() {
            break;
        }
        next = advances.recv().await;
    }
    std::future::pending().await
}

async fn tell_of(
    peer: &Peer<RoleServer>,
    token: Option<ProgressToken>,
    told_so_far: &AtomicU32,
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
        told_so_far.store(count, Ordering::Relaxed);
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
