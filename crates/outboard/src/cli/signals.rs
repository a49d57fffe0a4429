//! Signals that end a command in order: interrupt, termination and hang-up.
//! What ends, and how, is the command's matter.

use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::report::Failure;

/// Cancels `stop` at the first of them. Abort the task once nothing is left to stop.
pub(super) fn cancel(stop: CancellationToken) -> Result<JoinHandle<()>, Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::could_not(&error));
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let mut hang_up = listen(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
        stop.cancel();
    }))
}
