//! A run's own clock: zero at its start, and where it stood when a run that was interrupted goes on. It moves for the
//! guest only at deliveries; this says what it shows in between. It stands still while the run waits for nothing but a
//! person, and so do the wall limit and the guest's timers: how long a person takes is no time of the script.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::clock::RunTime;

/// The clock of one run while it is under way.
#[derive(Debug)]
pub(crate) struct RunClock(Mutex<Face>);

#[derive(Debug)]
struct Face {
    /// What it showed at `since`.
    before: Duration,
    /// `None` while it stands still.
    since: Option<Instant>,
}

impl RunClock {
    /// A clock that shows this now, and goes.
    pub(crate) fn showing(at: RunTime) -> Self {
        Self(Mutex::new(Face { before: at.0, since: Some(Instant::now()) }))
    }

    /// What it shows.
    pub(crate) fn now(&self) -> RunTime {
        self.face().now()
    }

    /// When it will show this, as it goes now: a moment that is over already if it has, never while it stands still.
    pub(crate) fn moment(&self, at: RunTime) -> Option<Instant> {
        let face = self.face();
        face.since.map(|since| since + at.0.saturating_sub(face.before))
    }

    /// Stops it, or lets it go on. Whether that changed anything.
    pub(crate) fn stand(&self, still: bool) -> bool {
        let mut face = self.face();
        if still == face.since.is_none() {
            return false;
        }
        face.before = face.now().0;
        face.since = (!still).then(Instant::now);
        true
    }

    /// Whether it stands still.
    pub(crate) fn stands(&self) -> bool {
        self.face().since.is_none()
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Face {
    fn now(&self) -> RunTime {
        RunTime(self.before + self.since.map_or(Duration::ZERO, |since| since.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_stands_still_when_told_and_goes_on_where_it_stood() {
        let second = Duration::from_secs(1);
        let (clock, started) = (RunClock::showing(RunTime(second)), Instant::now());
        let end = |seconds: u32| Some(started + seconds * second);
        tokio::time::advance(second).await;
        assert_eq!((clock.now(), clock.moment(RunTime(10 * second))), (RunTime(2 * second), end(9)));
        assert!(clock.stand(true) && !clock.stand(true) && clock.stands());
        tokio::time::advance(100 * second).await;
        assert_eq!((clock.now(), clock.moment(RunTime(10 * second))), (RunTime(2 * second), None));
        assert!(clock.stand(false) && !clock.stand(false) && !clock.stands());
        tokio::time::advance(second).await;
        assert_eq!((clock.now(), clock.moment(RunTime(10 * second))), (RunTime(3 * second), end(109)));
    }
}
