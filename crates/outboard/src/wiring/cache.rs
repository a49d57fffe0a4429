//! What each upstream listed last, kept on disk, so that a client is answered at once at the next start.
//! Kept by the entry as written, so that a changed entry never shows another server's tools. Losing it costs a wait.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use outboard_runtime::catalogue::{Listing, Member, Snapshot, UpstreamState};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Entry, hash},
    private_file,
};

/// Version of the format. Another version is read as nothing and replaced.
const FORMAT: u32 = 1;

/// The folder of last listings. Clones share what they know of seats.
#[derive(Clone)]
pub(super) struct Cache {
    folder: PathBuf,
    seats: Arc<Mutex<HashMap<u64, Place>>>,
}

/// Where the listing of one seat of the catalogue is kept, so that what one upstream lists never goes into another's
/// file.
struct Place {
    file: PathBuf,
    /// What the file holds.
    holds: Option<Arc<Listing>>,
    /// The file says that its content still holds.
    confirmed: bool,
}

/// What an upstream listed at an earlier time.
pub(super) struct Kept {
    pub(super) listing: Listing,
    /// How long ago it was last found to be so; `None` if that cannot be told.
    pub(super) age: Option<Duration>,
}

#[derive(Serialize, Deserialize)]
struct Stored<L> {
    format: u32,
    listing: L,
}

impl Cache {
    /// The cache of this state directory.
    pub(super) fn at(state: &Path) -> Self {
        Self { folder: state.join("catalogue"), seats: Arc::default() }
    }

    /// What the upstream of this entry listed last.
    pub(super) fn read(&self, name: &str, entry: &Entry) -> Option<Kept> {
        let file = self.file(name, entry)?;
        let bytes = std::fs::read(&file).ok()?;
        let stored: Stored<Listing> = serde_json::from_slice(&bytes)
            .inspect_err(
                |error| tracing::warn!(upstream = name, %error, "the kept list of tools cannot be read"),
            )
            .ok()?;
        let written = std::fs::metadata(&file).and_then(|facts| facts.modified()).ok();
        let age = written.and_then(|written| SystemTime::now().duration_since(written).ok());
        (stored.format == FORMAT).then_some(Kept { listing: stored.listing, age })
    }

    /// From now on, what is listed from this seat is kept for this entry, whose file `holds` this by now.
    pub(super) fn keep(&self, seat: u64, name: &str, entry: &Entry, holds: Option<Arc<Listing>>) {
        if let Some(file) = self.file(name, entry) {
            self.seats().insert(seat, Place { file, holds, confirmed: false });
        }
    }

    /// Writes what upstreams list until told that this was all.
    pub(super) async fn follow(
        self,
        mut snapshots: watch::Receiver<Arc<Snapshot>>,
        ended: CancellationToken,
    ) {
        let mut more = true;
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            self.forget_those_gone(&snapshot);
            for member in snapshot.members() {
                let Some(work) = self.work(member) else { continue };
                // Disks can be slow. A write that is under way at the end still replaces the file whole.
                if let Err(error) = tokio::task::spawn_blocking(work).await {
                    tracing::warn!(%error, "the list of tools cannot be kept for the next start");
                }
            }
            if !more {
                return;
            }
            tokio::select! {
                changed = snapshots.changed() => more = changed.is_ok(),
                () = ended.cancelled() => more = false,
            }
        }
    }

    /// What is to be done on the disk for what this upstream lists now.
    fn work(&self, member: &Member) -> Option<impl FnOnce() + Send + use<>> {
        let is_ready = matches!(member.state, UpstreamState::Ready { .. });
        let listing = Arc::clone(member.whole.as_ref().filter(|_| is_ready)?);
        let mut seats = self.seats();
        let place = seats.get_mut(&member.seat)?;
        let same = place.holds.as_ref().is_some_and(|holds| Arc::ptr_eq(holds, &listing));
        if same && place.confirmed {
            return None;
        }
        (place.holds, place.confirmed) = (Some(Arc::clone(&listing)), true);
        let file = place.file.clone();
        Some(move || {
            if !same || confirm(&file).is_err() {
                write(&file, &listing);
            }
        })
    }

    fn forget_those_gone(&self, snapshot: &Snapshot) {
        let there: Vec<u64> = snapshot.members().iter().map(|member| member.seat).collect();
        let newest = there.iter().max().copied().unwrap_or_default();
        // Newer ones are not in this snapshot yet.
        self.seats().retain(|seat, _| *seat > newest || there.contains(seat));
    }

    fn seats(&self) -> MutexGuard<'_, HashMap<u64, Place>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, name: &str, entry: &Entry) -> Option<PathBuf> {
        let key = serde_json::to_vec(&(name, entry)).ok()?;
        Some(self.folder.join(format!("{}.json", hash(&key))))
    }
}

/// Says that the content of the file still holds: its age counts from now.
fn confirm(file: &Path) -> std::io::Result<()> {
    File::options().write(true).open(file)?.set_modified(SystemTime::now())
}

fn write(file: &Path, listing: &Listing) {
    let stored = Stored { format: FORMAT, listing };
    let result =
        serde_json::to_vec(&stored).map_err(Into::into).and_then(|text| private_file::write(file, &text));
    if let Err(error) = result {
        tracing::warn!(file = %file.display(), %error, "the list of tools cannot be kept for the next start");
    }
}
