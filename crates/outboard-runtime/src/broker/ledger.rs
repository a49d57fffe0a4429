//! Where a run's calls are recorded: intents go to the journal before anything is sent, outcomes
//! to the run's owner, which journals them in the order in which the script will see them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::{
    ids::{RequestId, RunId},
    journal::{Event, Intent, Store},
    ports::engine::Reply,
    reply::{FailureCode, ToolFailure},
    run::Effect,
};

/// The answer to a request, on its way to the run's owner.
#[derive(Debug)]
pub struct Settled {
    /// Which request.
    pub request: RequestId,
    /// Its answer.
    pub reply: Reply,
    /// What it takes of the run's room for answers; dropped when the script has it.
    pub held: Option<OwnedSemaphorePermit>,
}

/// Records the calls of one run.
pub struct Ledger {
    run: RunId,
    store: Arc<dyn Store>,
    owner: mpsc::UnboundedSender<Settled>,
    effects: Mutex<BTreeMap<RequestId, Effect>>,
}

impl Ledger {
    /// A ledger that writes to `store` and tells `owner`.
    pub fn new(run: RunId, store: Arc<dyn Store>, owner: mpsc::UnboundedSender<Settled>) -> Self {
        Self { run, store, owner, effects: Mutex::default() }
    }

    /// Records that a call is about to be sent. On failure it must not be sent.
    pub(super) async fn intend(&self, intent: Intent, line: Option<u32>) -> Result<(), ToolFailure> {
        let request = intent.request;
        let effect = (!intent.read_only).then(|| Effect {
            namespace: intent.namespace.clone(),
            tool: intent.tool.clone(),
            line,
            certain: false,
        });
        self.store
            .append(&self.run, vec![Event::Intended(intent)])
            .await
            .map_err(|failure| ToolFailure::new(FailureCode::Unrecorded, format!("not sent: {failure}")))?;
        if let Some(effect) = effect {
            self.effects().insert(request, effect);
        }
        Ok(())
    }

    /// Passes an answer to the run's owner.
    pub fn settle(&self, request: RequestId, reply: Reply, held: Option<OwnedSemaphorePermit>) {
        self.weigh(request, &reply);
        // An owner that is gone has ended the run and needs no answer.
        let _ = self.owner.send(Settled { request, reply, held });
    }

    /// The calls that may have changed something, in the order in which the guest made them.
    pub fn effects_so_far(&self) -> Vec<Effect> {
        self.effects().values().cloned().collect()
    }

    fn weigh(&self, request: RequestId, reply: &Reply) {
        let mut effects = self.effects();
        match reply {
            Reply::Value(_) => {
                if let Some(effect) = effects.get_mut(&request) {
                    effect.certain = true;
                }
            }
            // What was sent and got no answer stays, uncertain.
            Reply::Failed(failure) if failure.code.leaves_effect_unknown() => {}
            Reply::Failed(_) => {
                effects.remove(&request);
            }
        }
    }

    fn effects(&self) -> MutexGuard<'_, BTreeMap<RequestId, Effect>> {
        self.effects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("run", &self.run).finish_non_exhaustive()
    }
}
