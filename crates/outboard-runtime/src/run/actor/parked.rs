//! Runs that wait for nothing but a person leave memory: the guest is dropped and the turn given back, and what stays is
//! the record and the calls that ask. When one of them has its answer, a fresh guest is led along the record to where the
//! dropped one stood, and only then does any call go on. A run whose client is gone is let go in the same state, for another
//! Outboard to take up. It does not decide who is asked, nor for how long.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{Outside, Over, RunActor};
use crate::{
    journal::{Ending, Folded, Malformed, StoreFailure, Which, fold},
    limits::Limit,
    ports::engine::{Guest, StopReason, Stopped},
    run::past,
};

/// How long a run waits for people before it is parked. Who sits before the client answers sooner, and the client has had
/// an answer by then; coming back takes milliseconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A guest that has computed for so long stays: another one would compute as long, while the person who answered waits.
const DEAR: Duration = Duration::from_secs(5);
/// So does one whose record takes more bytes than this.
const LARGE: u64 = 64 << 20;

/// A record that cannot be read is tried again after so long, so many times.
const RETRY: Duration = Duration::from_secs(5);
const RETRIES: usize = 12;

/// Why no guest can be led along the record to where the run stands.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("the journal does not know it")]
    Unknown,
    #[error("something was taken out of it")]
    Redacted,
    #[error("it takes {0} bytes")]
    Large(u64),
    #[error("it leads to another place than the run stood at")]
    Elsewhere,
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    Store(#[from] StoreFailure),
}

impl RunActor {
    /// Readies the run to leave memory; `false` if its guest has to stay. Afterwards no call goes on before it has
    /// [come back](Self::come_back).
    pub(super) async fn park(&mut self) -> bool {
        if self.inside > DEAR.min(self.parts.limits.cpu / 2) {
            return false;
        }
        // First: what was answered before this stands in the channel, what is answered after it waits.
        self.caller.ledger.set_parked(true);
        let unfit = self.recorded(LARGE).await.err();
        if let Some(unfit) = &unfit {
            tracing::debug!(run = %self.parts.id, %unfit, "the run stays in memory while it waits for a person");
        }
        let parked = unfit.is_none() && self.told.is_empty();
        if parked {
            self.parts.turn.give_back();
        } else {
            self.caller.ledger.set_parked(false);
        }
        parked
    }

    /// Takes a turn again and leads a fresh guest to where the dropped one stood. The clock stands still meanwhile.
    pub(super) async fn come_back(&mut self, outside: &mut Outside) -> Result<Box<dyn Guest>, Over> {
        self.tell();
        if !self.parts.turn.take(&self.parts.progress, &self.parts.cancel).await {
            return Err(self.cancelled());
        }
        let folded = self.recorded_in_the_end(outside).await?;
        let leading = past::lead(Arc::clone(&self.engine), self.world(&folded.opened), folded);
        tokio::pin!(leading);
        let led = tokio::select! {
            biased;
            led = &mut leading => led,
            reason = outside.comes() => {
                self.stop.stop(reason);
                leading.await
            }
        };
        let guest = led.map_err(|ending| match ending {
            Ending::Stopped(Stopped::Cancelled) => self.cancelled(),
            ending => ending.into(),
        })?;
        self.caller.ledger.set_parked(false);
        Ok(guest)
    }

    /// How the run ends for a reason from outside. One that waits for nothing but people does not end because nobody
    /// waits for it any more.
    pub(super) async fn stopped(&mut self, reason: StopReason) -> Over {
        match reason {
            StopReason::Wall => Ending::Stopped(Stopped::Limit(Limit::Wall)).into(),
            StopReason::Cancelled
                if self.requests.wait_for_people()
                    && self.parts.session.over().is_cancelled()
                    && self.recorded(u64::MAX).await.is_ok() =>
            {
                Over::LetGo
            }
            StopReason::Cancelled => Ending::Stopped(Stopped::Cancelled).into(),
        }
    }

    /// The same for one that is parked and was cancelled on its way back: nothing of it is under way.
    fn cancelled(&self) -> Over {
        if self.parts.session.over().is_cancelled() {
            return Over::LetGo;
        }
        Ending::Stopped(Stopped::Cancelled).into()
    }

    /// The record, which sufficed when the run was parked. Other processes may hold the journal for a while.
    async fn recorded_in_the_end(&mut self, outside: &mut Outside) -> Result<Folded, Over> {
        let mut retries = RETRIES;
        loop {
            match self.recorded(u64::MAX).await {
                Ok(folded) => return Ok(folded),
                Err(Unfit::Store(failure)) if retries > 0 => {
                    tracing::warn!(run = %self.parts.id, %failure, "the run cannot go on yet");
                }
                Err(unfit) => {
                    let why = format!("could not go on from its record: {unfit}. Nothing was sent since");
                    return Err(Ending::Internal(why).into());
                }
            }
            retries -= 1;
            tokio::select! {
                () = sleep(RETRY) => {}
                _ = outside.comes() => return Err(self.cancelled()),
            }
        }
    }

    /// The record of the run, if it takes at most so many bytes and leads to where the run stands.
    fn recorded(&self, most: u64) -> impl Future<Output = Result<Folded, Unfit>> + Send + use<> {
        let (store, run) = (Arc::clone(&self.parts.store), self.parts.id.clone());
        let here = (self.requests.counted(), self.delivered);
        async move {
            let known = store.runs(Which::Named(run.as_str().to_owned())).await?;
            let entry = known.into_iter().find(|entry| entry.id == run).ok_or(Unfit::Unknown)?;
            if entry.redacted {
                return Err(Unfit::Redacted);
            }
            if entry.bytes > most {
                return Err(Unfit::Large(entry.bytes));
            }
            let folded = fold(&store.read(&run).await?)?;
            if (folded.asked.len(), folded.deliveries.len()) != here {
                return Err(Unfit::Elsewhere);
            }
            Ok(folded)
        }
    }
}
