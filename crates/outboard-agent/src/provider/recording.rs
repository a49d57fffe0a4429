//! Writes down the turns of another provider, to be played again without it. Keys and prompts are not written.
//! It changes nothing of what is said.

use std::sync::{Mutex, PoisonError};

use futures::future::{BoxFuture, FutureExt as _};

use super::{
    Heard, Provider, ProviderFailure, Said,
    scripted::{RECORDED, Recorded, RecordedTurn},
};
use crate::{conversation::Conversation, usage::Counted};

/// A provider that is listened to.
pub struct Recording<'a> {
    provider: &'a dyn Provider,
    name: Option<String>,
    turns: Mutex<Vec<RecordedTurn>>,
}

impl<'a> Recording<'a> {
    /// Listens to a provider, that of a maker if it has a name.
    pub fn of(provider: &'a dyn Provider, name: Option<&str>) -> Self {
        Self { provider, name: name.map(str::to_owned), turns: Mutex::default() }
    }

    /// What was said so far.
    pub fn recorded(&self) -> Recorded {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let model = self.provider.model().map(str::to_owned);
        Recorded { format: RECORDED, model, provider: self.name.clone(), turns }
    }
}

impl Provider for Recording<'_> {
    fn turn<'a>(
        &'a self,
        conversation: &'a Conversation,
        hear: &'a (dyn Fn(Heard<'_>) + Send + Sync),
    ) -> BoxFuture<'a, Result<Said, ProviderFailure>> {
        async move {
            let said = self.provider.turn(conversation, hear).await?;
            let usage = said.usage.filter(|_| said.counted == Counted::Reported);
            let turn = RecordedTurn { turn: said.turn.clone(), stop: said.stop.clone(), usage };
            self.turns.lock().unwrap_or_else(PoisonError::into_inner).push(turn);
            Ok(said)
        }
        .boxed()
    }

    fn model(&self) -> Option<&str> {
        self.provider.model()
    }

    fn without_key(&self, text: String) -> String {
        self.provider.without_key(text)
    }
}
