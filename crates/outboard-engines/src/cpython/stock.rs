//! Instances made ahead of their runs: making one and getting it ready takes longer than most scripts. One thread makes
//! them, whenever one was taken. None has ever belonged to a run.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use futures::executor::block_on;
use wasmtime::component::InstancePre;

use super::{fresh::Fresh, guest::State};
use crate::{EngineBroken, ticker::Ticker};

/// The instances and the thread that makes them.
pub(super) struct Stock {
    shared: Arc<Shared>,
    most: usize,
    maker: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    kept: Mutex<Kept>,
    changed: Condvar,
}

#[derive(Default)]
struct Kept {
    fresh: Vec<Fresh>,
    /// How many are wanted. Fewer after one could not be made, until the next is taken.
    wanted: usize,
    ended: bool,
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stock {
    /// Begins to make `most` instances. They take some megabytes each.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub(super) fn start(
        ready: InstancePre<State>,
        ticker: Arc<Ticker>,
        most: usize,
    ) -> Result<Self, EngineBroken> {
        let shared = Arc::new(Shared::default());
        shared.kept().wanted = most;
        let of_thread = Arc::clone(&shared);
        let maker = thread::Builder::new()
            .name("outboard-stock".into())
            .spawn(move || make(&ready, &ticker, &of_thread))
            .map_err(|source| EngineBroken {
                what: "start the thread of the stock",
                source: source.into(),
            })?;
        Ok(Self { shared, most, maker: Some(maker) })
    }

    /// One of them, if there is any; another is made in its place.
    pub(super) fn take(&self) -> Option<Fresh> {
        let mut kept = self.shared.kept();
        kept.wanted = self.most;
        let taken = kept.fresh.pop();
        self.shared.changed.notify_all();
        taken
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.shared.kept().fresh.len()
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        self.shared.kept().ended = true;
        self.shared.changed.notify_all();
        if self.maker.take().is_some_and(|maker| maker.join().is_err()) {
            tracing::error!("the thread that makes sandboxes ahead has panicked");
        }
    }
}

fn make(ready: &InstancePre<State>, ticker: &Ticker, shared: &Shared) {
    loop {
        let enough = |kept: &mut Kept| !kept.ended && kept.fresh.len() >= kept.wanted;
        let kept = shared.changed.wait_while(shared.kept(), enough).unwrap_or_else(PoisonError::into_inner);
        if kept.ended {
            return;
        }
        drop(kept);
        let running = ticker.running();
        let made = Fresh::make(ready, State::of_nobody()).and_then(|mut fresh| {
            block_on(fresh.prepare())?;
            Ok(fresh)
        });
        drop(running);
        let mut kept = shared.kept();
        match made {
            Ok(fresh) => kept.fresh.push(fresh),
            Err(error) => {
                // Runs make their own as they come.
                kept.wanted = kept.fresh.len();
                tracing::debug!(?error, "no sandbox could be made ahead");
            }
        }
    }
}
