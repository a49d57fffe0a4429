//! What this user's sessions have seen, kept so that commands which make one call each are guarded like a session: what a
//! session has read must not leave by them. Sessions that are served do not look here. Only a person clears it.

use std::path::{Path, PathBuf};

use outboard_runtime::{broker::Witness, policy::Taint};
use serde::{Deserialize, Serialize};

use crate::{
    config::store::Lock,
    report,
    state_file::{StateFile, StateProblem},
};

/// Version of the format. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stored {
    seen: Taint,
    /// How often a person has cleared it.
    cleared: u64,
}

/// What has been seen, by what is kept of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) taint: Taint,
    /// How often a person has cleared it.
    pub(crate) cleared: u64,
}

/// Where it is kept.
pub(crate) fn file(state: &Path) -> PathBuf {
    state.join("taint.json")
}

/// What was seen since a person cleared it last.
pub(crate) fn read(state: &Path) -> Result<Seen, StateProblem> {
    let stored = StateFile::<Stored>::load(&file(state), FORMAT)?.content;
    Ok(Seen { taint: stored.seen, cleared: stored.cleared })
}

/// Adds what a session has seen.
pub(crate) fn add(state: &Path, taint: Taint) -> Result<(), StateProblem> {
    let seen = read(state)?.taint;
    if seen.and(taint) == seen {
        return Ok(());
    }
    change(state, |stored| stored.seen = stored.seen.and(taint))
}

/// A person said that what was seen may leave.
pub(crate) fn clear(state: &Path) -> Result<(), StateProblem> {
    change(state, |stored| *stored = Stored { seen: Taint::default(), cleared: stored.cleared + 1 })
}

fn change(state: &Path, change: impl FnOnce(&mut Stored)) -> Result<(), StateProblem> {
    // Without the lock another process's change may be lost; the file itself is replaced whole either way.
    let _lock = Lock::take(state);
    let mut file = StateFile::<Stored>::load(&file(state), FORMAT)?;
    change(&mut file.content);
    file.save()
}

/// Keeps what the sessions of this process see. It writes at most twice for each session.
pub(crate) struct Keeper(pub(crate) PathBuf);

impl Witness for Keeper {
    fn saw(&self, taint: Taint) {
        if let Err(problem) = add(&self.0, taint) {
            tracing::warn!(problem = report::chain(&problem), "what a session has seen is not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_grows_until_a_person_clears_it() {
        let state = tempfile::tempdir().unwrap();
        let private = Taint { private: true, untrusted: false };
        let untrusted = Taint { private: false, untrusted: true };
        assert_eq!(read(state.path()).unwrap(), Seen::default());
        add(state.path(), private).unwrap();
        add(state.path(), untrusted).unwrap();
        assert_eq!(read(state.path()).unwrap(), Seen { taint: private.and(untrusted), cleared: 0 });
        clear(state.path()).unwrap();
        assert_eq!(read(state.path()).unwrap(), Seen { taint: Taint::default(), cleared: 1 });
    }
}
