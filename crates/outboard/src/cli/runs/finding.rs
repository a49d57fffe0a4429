//! Opens what is recorded and finds the run that is meant.
//! It starts no upstream and records nothing.

use std::sync::Arc;

use outboard_runtime::{
    ids::RunId,
    journal::{Event, Folded, RunEntry, Store as _, StoreFailure, Which, fold},
};
use outboard_store::{SqliteStore, StoreOptions};

use crate::{
    cli::context::Context,
    report::{Failure, USAGE, escaped},
    wiring,
};

/// What is recorded, and what is configured here.
pub(super) struct Records {
    pub(super) context: Context,
    pub(super) store: Arc<SqliteStore>,
}

/// A run with its record.
pub(super) struct Record {
    pub(super) entry: RunEntry,
    pub(super) events: Vec<Event>,
    pub(super) folded: Folded,
}

impl Records {
    pub(super) fn open() -> Result<Self, Failure> {
        let context = Context::load()?;
        let options = StoreOptions::new(wiring::journal_folder(&context.places));
        let store = SqliteStore::new(options).map_err(|error| Failure::could_not(&error))?;
        Ok(Self { context, store: Arc::new(store) })
    }

    /// The run whose id begins so. What several runs could be is refused with their names.
    pub(super) async fn find(&self, name: &str) -> Result<RunEntry, Failure> {
        let found =
            self.store.runs(Which::Named(name.to_owned())).await.map_err(|failure| unread(&failure))?;
        let exact = found.iter().find(|run| run.id.as_str() == name);
        match (exact, &found[..]) {
            (Some(run), _) | (None, [run]) => Ok(run.clone()),
            (None, []) => Err(Failure::new(format_args!("no run `{}` is recorded", escaped(name)))
                .hint("outboard runs lists them; an old one may have been forgotten (`journal.keepDays`)")
                .code(USAGE)),
            (None, several) => {
                let names: Vec<&str> = several.iter().take(5).map(|run| run.id.as_str()).collect();
                let more = if several.len() > names.len() { ", …" } else { "" };
                Err(Failure::new(format_args!("several runs are called `{}`", escaped(name)))
                    .hint(format_args!("say more of the name: {}{more}", names.join(", ")))
                    .code(USAGE))
            }
        }
    }

    /// The run with its record.
    pub(super) async fn read(&self, name: &str) -> Result<Record, Failure> {
        let entry = self.find(name).await?;
        let events = self.store.read(&entry.id).await.map_err(|failure| unread(&failure))?;
        let folded = fold(&events).map_err(|error| unusable(&entry.id, &error))?;
        Ok(Record { entry, events, folded })
    }
}

fn unusable(run: &RunId, error: &outboard_runtime::journal::Malformed) -> Failure {
    Failure::new(format_args!("the record of {run} cannot be used: {error}"))
}

/// The journal cannot be used.
pub(super) fn unread(failure: &StoreFailure) -> Failure {
    Failure::new(failure)
}
