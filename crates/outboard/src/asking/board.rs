//! Shows the open questions of this process to the other Outboards of the user, and takes the answers that they sign. The
//! store and the key are touched with the first question, not before. What cannot be shown elsewhere can still be answered
//! here.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Duration};

use outboard_runtime::{
    approval::{Approvals, BadToken},
    ids::QuestionId,
    journal::StoreFailure,
};
use outboard_store::{SqliteStore, StoreOptions};
use tokio_util::sync::CancellationToken;

use super::key;
use crate::report;

/// Between two looks for answers, while there are questions.
const LOOK: Duration = Duration::from_millis(400);

/// The questions of this process as others see them.
pub(crate) struct Board {
    approvals: Arc<Approvals>,
    state: PathBuf,
    /// The store of journals, if there is one; else one that is opened with the first question.
    store: Option<Arc<SqliteStore>>,
    own_store: bool,
    /// Whether answers of other processes can be believed: the key has been read.
    keyed: bool,
    shown: BTreeSet<QuestionId>,
}

impl Board {
    /// A board in this store, which somebody else closes; without one in a store of its own.
    pub(crate) fn new(approvals: Arc<Approvals>, state: PathBuf, store: Option<Arc<SqliteStore>>) -> Self {
        let own_store = store.is_none();
        Self { approvals, state, store, own_store, keyed: false, shown: BTreeSet::new() }
    }

    /// Keeps the board until cancelled; then nothing of this process is on it.
    pub(crate) async fn keep(mut self, ended: CancellationToken) {
        let mut changes = self.approvals.watch();
        // What fails is tried again, and told once.
        let (mut behind, mut deaf) = (false, false);
        loop {
            changes.borrow_and_update();
            let shown = self.show().await;
            if let Err(why) = &shown
                && !behind
            {
                tracing::warn!("questions can only be answered where they are asked: {why}");
            }
            behind = shown.is_err();
            let looking = tokio::time::sleep(LOOK);
            tokio::select! {
                () = ended.cancelled() => break,
                changed = changes.changed() => if changed.is_err() { break },
                () = looking, if behind || !self.shown.is_empty() => {
                    let looked = self.look().await;
                    if let Err(failure) = &looked
                        && !deaf
                    {
                        tracing::warn!(%failure, "answers given elsewhere cannot be read");
                    }
                    deaf = looked.is_err();
                }
            }
        }
        let Some(store) = self.store.take() else { return };
        for id in &self.shown {
            if let Err(failure) = store.take_back(id).await {
                tracing::debug!(%failure, "a question could not be taken back");
            }
        }
        // It blocks until what waits is written.
        if self.own_store
            && let Err(error) = tokio::task::spawn_blocking(move || store.close()).await
        {
            tracing::debug!(%error, "the store did not close");
        }
    }

    /// Puts new questions on the board and takes those off that are closed.
    async fn show(&mut self) -> Result<(), String> {
        let open = self.approvals.open();
        let gone: Vec<QuestionId> =
            self.shown.iter().filter(|id| open.iter().all(|sheet| sheet.id != **id)).cloned().collect();
        let new: Vec<_> = open.into_iter().filter(|sheet| !self.shown.contains(&sheet.id)).collect();
        if new.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let told = |failure: StoreFailure| failure.to_string();
        let store = self.store()?;
        // Each is noted at once: what fails in between must not leave a question that nobody takes back.
        for id in &gone {
            store.take_back(id).await.map_err(told)?;
            self.shown.remove(id);
        }
        for sheet in &new {
            store.ask(sheet).await.map_err(told)?;
            self.shown.insert(sheet.id.clone());
        }
        Ok(())
    }

    /// The store, and the key that answers are signed with.
    fn store(&mut self) -> Result<Arc<SqliteStore>, String> {
        if !self.keyed {
            let key = key::load(&self.state).map_err(|problem| report::chain(&problem))?;
            self.approvals.share(key);
            self.keyed = true;
        }
        if let Some(store) = &self.store {
            return Ok(Arc::clone(store));
        }
        let store = SqliteStore::new(StoreOptions::new(folder(&self.state)));
        let store = Arc::new(store.map_err(|error| error.to_string())?);
        self.store = Some(Arc::clone(&store));
        Ok(store)
    }

    /// Takes the answers that others left. One that is no good changes nothing but is thrown away.
    async fn look(&mut self) -> Result<(), StoreFailure> {
        let Some(store) = &self.store else { return Ok(()) };
        for id in &self.shown {
            let Some(token) = store.answered(id).await? else { continue };
            match self.approvals.accept(&token) {
                Ok(()) => store.took(id).await?,
                // Answered here meanwhile: it is about to be taken off.
                Err(BadToken::Elsewhere) if self.approvals.open().iter().all(|sheet| sheet.id != *id) => {}
                Err(bad) => {
                    tracing::warn!(question = %id, %bad, "an answer was not taken");
                    store.refuse_answer(id).await?;
                }
            }
        }
        Ok(())
    }
}

/// Where the store of this state directory is.
pub(crate) fn folder(state: &std::path::Path) -> PathBuf {
    state.join("journal")
}
