//! How a store is opened: where it is, for whom it writes, and what it promises.
//! Nothing here touches the disk.

use std::{path::PathBuf, time::Duration};

use crate::holder::LEASE;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// The folder that holds the database and the locks of those who use it. It must be on a disk of this machine.
    pub folder: PathBuf,
    /// What begins runs here, for lists: for example `serve`.
    pub command: String,
    /// Under which configuration its runs can go on: the directory that they are begun in.
    pub place: String,
    /// What a durable append survives.
    pub durability: Durability,
    /// Pages of 4 KiB that the database may have; for tests of a full disk.
    pub most_pages: Option<u32>,
    /// How long an append waits for other Outboards that write.
    pub patience: Duration,
    /// Without a renewal for so long a lease has expired, although its owner's process is there. For tests of slow owners.
    pub lease: Duration,
}

impl StoreOptions {
    /// A store in this folder, with what is usual.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            command: "outboard".to_owned(),
            place: String::new(),
            durability: Durability::default(),
            most_pages: None,
            patience: Duration::from_secs(5),
            lease: LEASE,
        }
    }
}

/// What a durable append survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The end of Outboard in any way, `kill -9` included. A loss of power or a crash of the system may take what the system
    /// has not written out by itself yet; the database stays whole.
    #[default]
    Crash,
    /// A loss of power too: the disk has it. Each intent waits for the disk.
    Power,
}

/// What is kept of runs that are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Runs whose last record is older go.
    pub age: Duration,
    /// While the database holds more bytes than this, the oldest go.
    pub bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Duration::from_secs(30 * 86_400), bytes: 1 << 30 }
    }
}
