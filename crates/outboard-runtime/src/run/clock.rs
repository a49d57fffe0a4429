//! A run's own clock: zero at its start, and where it stood when a run that was interrupted goes on. It moves for the
//! guest only at deliveries; this says what it shows in between.

use std::time::Duration;

use tokio::time::Instant;

use crate::clock::RunTime;

/// The clock of one run while it is under way.
#[derive(Debug)]
pub(crate) struct RunClock {
    /// What it showed at `since`.
    before: Duration,
    since: Instant,
}

impl RunClock {
    /// A clock that shows this now.
    pub(crate) fn showing(at: RunTime) -> Self {
        Self { before: at.0, since: Instant::now() }
    }

    /// What it shows.
    pub(crate) fn now(&self) -> RunTime {
        RunTime(self.before + self.since.elapsed())
    }

    /// When it will show this; a moment that is over already if it has.
    pub(crate) fn moment(&self, at: RunTime) -> Instant {
        self.since + at.0.saturating_sub(self.before)
    }
}
