//! Notices when what a client was told of tools, prompts and resources is no longer so.
//!
//! The catalogue may change often, at start above all; a client hears of it only when the tools that it would be
//! given differ from the ones that it was given last. This module does not send anything.

use std::{convert::Infallible, sync::Arc, time::Duration};

use outboard_runtime::catalogue::Catalogue;
use tokio::sync::watch;

use crate::offer::{Offer, Offers};

/// Changes that follow each other this closely are told once.
const CALM: Duration = Duration::from_millis(250);

/// What a client was told, and how often that has become outdated.
pub(crate) struct Changes {
    told: watch::Sender<Option<Arc<Offer>>>,
    count: watch::Sender<Counts>,
}

/// How often what a client was told has become outdated, by the lists of MCP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) tools: u64,
    pub(crate) prompts: u64,
    pub(crate) resources: u64,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self { told: watch::Sender::new(None), count: watch::Sender::new(Counts::default()) }
    }

    /// The client has been given these tools.
    pub(crate) fn told(&self, offer: &Arc<Offer>) {
        self.told.send_replace(Some(Arc::clone(offer)));
    }

    /// A client that was told nothing on this connection may have been given these tools on another one.
    pub(crate) fn begin_with(&self, offer: &Arc<Offer>) {
        self.told.send_if_modified(|told| {
            let first = told.is_none();
            if first {
                *told = Some(Arc::clone(offer));
            }
            first
        });
    }

    /// Counts the changes that the client has to hear of.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Counts> {
        self.count.subscribe()
    }

    /// Follows the catalogue until dropped.
    pub(crate) async fn follow(&self, catalogue: &Catalogue, offers: &Offers) -> Infallible {
        let mut snapshots = catalogue.watch();
        let mut told = self.told.subscribe();
        loop {
            // The client may also be given an outdated list, made just before a change.
            let alive = tokio::select! {
                changed = snapshots.changed() => changed.is_ok(),
                changed = told.changed() => changed.is_ok(),
            };
            if !alive {
                return std::future::pending().await;
            }
            tokio::time::sleep(CALM).await;
            let Some(last) = told.borrow_and_update().clone() else { continue };
            let offer = offers.of(snapshots.borrow_and_update().clone());
            let (beside, was) = (&offer.beside, &last.beside);
            let tools = offer.tools != last.tools;
            let prompts = beside.prompts != was.prompts;
            let resources = beside.templates != was.templates
                || (beside.changes, &beside.resources) != (was.changes, &was.resources);
            if tools || prompts || resources {
                self.told(&offer);
                self.count.send_modify(|count| {
                    count.tools += u64::from(tools);
                    count.prompts += u64::from(prompts);
                    count.resources += u64::from(resources);
                });
            }
        }
    }
}
