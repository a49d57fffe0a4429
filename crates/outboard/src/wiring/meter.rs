//! Measures how long something is under way: what goes on side by side is one time. With it the upstreams of this process are
//! measured; waiting for a person, for a place or for an upstream to start is no time of theirs.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use outboard_runtime::{
    broker::Permit,
    json::Json,
    ports::upstream::{SendFailure, Upstream},
    reply::CallReply,
};
use tokio::time::Instant;

/// How long something was under way until now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Busy>>);

#[derive(Debug, Default)]
struct Busy {
    under_way: usize,
    since: Option<Instant>,
    sum: Duration,
}

/// Something that is under way.
pub(crate) struct UnderWay<'a>(&'a Meter);

impl Meter {
    /// The time until now.
    pub(crate) fn read(&self) -> Duration {
        let busy = self.lock();
        busy.sum + busy.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Something is under way until what this gives is dropped.
    pub(crate) fn begin(&self) -> UnderWay<'_> {
        let mut busy = self.lock();
        busy.under_way += 1;
        busy.since.get_or_insert_with(Instant::now);
        UnderWay(self)
    }

    fn lock(&self) -> MutexGuard<'_, Busy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut busy = self.0.lock();
        busy.under_way -= 1;
        if busy.under_way == 0
            && let Some(since) = busy.since.take()
        {
            busy.sum += since.elapsed();
        }
    }
}

/// An upstream that is measured.
pub(super) struct Metered {
    pub(super) upstream: Arc<dyn Upstream>,
    pub(super) meter: Meter,
}

impl Upstream for Metered {
    fn ready(&self) -> BoxFuture<'_, Result<(), SendFailure>> {
        self.upstream.ready()
    }

    fn send(&self, permit: Permit) -> BoxFuture<'_, Result<CallReply, SendFailure>> {
        async move {
            let _under_way = self.meter.begin();
            self.upstream.send(permit).await
        }
        .boxed()
    }

    fn request(&self, permit: Permit) -> BoxFuture<'_, Result<Json, SendFailure>> {
        async move {
            let _under_way = self.meter.begin();
            self.upstream.request(permit).await
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_goes_on_side_by_side_is_one_time() {
        let meter = Meter::default();
        let pass = |seconds| tokio::time::advance(Duration::from_secs(seconds));
        pass(1).await;
        let first = meter.begin();
        pass(2).await;
        let second = meter.begin();
        pass(4).await;
        drop(first);
        pass(8).await;
        assert_eq!(meter.read(), Duration::from_secs(14), "what is not over counts until now");
        drop(second);
        pass(16).await;
        assert_eq!(meter.read(), Duration::from_secs(14));
        drop(meter.begin());
        let third = meter.begin();
        pass(32).await;
        drop(third);
        assert_eq!(meter.read(), Duration::from_secs(46));
    }
}
