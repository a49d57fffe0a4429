//! The ends of a run that come from outside: it is cancelled, or its wall limit is reached.
//! What the run makes of them is its owner's matter.

use std::{pin::Pin, time::Duration};

use futures::{FutureExt as _, future::BoxFuture};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::ports::engine::StopReason;

/// What can end a run from outside.
pub(super) struct Outside {
    cancelled: BoxFuture<'static, ()>,
    wall: Pin<Box<Sleep>>,
}

impl Outside {
    /// Without `wall`, the wall limit is not reached as things stand.
    pub(super) fn of(cancel: CancellationToken, wall: Option<Instant>) -> Self {
        let wall = Box::pin(sleep_until(wall.unwrap_or_else(never)));
        Self { cancelled: cancel.cancelled_owned().boxed(), wall }
    }

    /// The wall limit has another moment now.
    pub(super) fn wall_at(&mut self, wall: Option<Instant>) {
        self.wall.as_mut().reset(wall.unwrap_or_else(never));
    }

    /// Waits until the run has to end, and says why.
    pub(super) async fn comes(&mut self) -> StopReason {
        tokio::select! {
            () = &mut self.cancelled => StopReason::Cancelled,
            () = &mut self.wall => StopReason::Wall,
        }
    }
}

/// A moment further off than any run.
fn never() -> Instant {
    Instant::now() + Duration::from_secs(30 * 365 * 24 * 3_600)
}
