//! What each upstream listed last, kept on disk, so that a client is answered at once at the next start.
//! Kept by the entry as written, so that a changed entry never shows another server's tools. Losing it costs a wait.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use outboard_runtime::{
    catalogue::{Listing, Snapshot},
    ids::UpstreamName,
};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::{
    config::{Configured, Entry, hash},
    private_file,
};

/// Version of the format. Another version is read as nothing and replaced.
const FORMAT: u32 = 1;

/// The folder of last listings.
pub(super) struct Cache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored<L> {
    format: u32,
    listing: L,
}

impl Cache {
    /// The cache of this state directory.
    pub(super) fn at(state: &Path) -> Self {
        Self { folder: state.join("catalogue") }
    }

    /// What the upstream of this entry listed last.
    pub(super) fn read(&self, name: &str, entry: &Entry) -> Option<Listing> {
        let bytes = std::fs::read(self.file(name, entry)?).ok()?;
        let stored: Stored<Listing> = serde_json::from_slice(&bytes)
            .inspect_err(
                |error| tracing::warn!(upstream = name, %error, "the kept list of tools cannot be read"),
            )
            .ok()?;
        (stored.format == FORMAT).then_some(stored.listing)
    }

    /// Writes what upstreams list, as long as the catalogue lives.
    pub(super) fn follow(
        self,
        upstreams: &[Configured],
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
    ) -> impl Future<Output = ()> + use<> {
        let files: HashMap<UpstreamName, PathBuf> = upstreams
            .iter()
            .filter_map(|upstream| {
                let file = self.file(&upstream.name, upstream.entry.as_ref().ok()?)?;
                Some((UpstreamName::new(upstream.name.as_str()), file))
            })
            .collect();
        let mut written: HashMap<UpstreamName, Arc<Listing>> = snapshots
            .borrow()
            .members()
            .iter()
            .filter_map(|member| Some((member.upstream.clone(), member.listing.clone()?)))
            .collect();
        async move {
            while snapshots.changed().await.is_ok() {
                let snapshot = Arc::clone(&snapshots.borrow_and_update());
                for member in snapshot.members() {
                    let (Some(listing), Some(file)) = (&member.listing, files.get(&member.upstream)) else {
                        continue;
                    };
                    if written.get(&member.upstream).is_some_and(|last| Arc::ptr_eq(last, listing)) {
                        continue;
                    }
                    written.insert(member.upstream.clone(), Arc::clone(listing));
                    let (file, listing) = (file.clone(), Arc::clone(listing));
                    // Disks can be slow. A write that is under way at the end still replaces the file whole.
                    let write = tokio::task::spawn_blocking(move || write(&file, &listing));
                    if let Err(error) = write.await {
                        tracing::warn!(%error, "the list of tools cannot be kept for the next start");
                    }
                }
            }
        }
    }

    fn file(&self, name: &str, entry: &Entry) -> Option<PathBuf> {
        let key = serde_json::to_vec(&(name, entry)).ok()?;
        Some(self.folder.join(format!("{}.json", hash(&key))))
    }
}

fn write(file: &Path, listing: &Listing) {
    let stored = Stored { format: FORMAT, listing };
    let result =
        serde_json::to_vec(&stored).map_err(Into::into).and_then(|text| private_file::write(file, &text));
    if let Err(error) = result {
        tracing::warn!(file = %file.display(), %error, "the list of tools cannot be kept for the next start");
    }
}
