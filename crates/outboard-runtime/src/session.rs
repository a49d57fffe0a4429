//! What outlives a run for one client conversation: values that were too long to show.
//! A session ends with its connection; it is not stored.

use std::{
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{ids::Handle, json::Json};

/// How much a session keeps. The oldest values go first.
const KEPT_BYTES: usize = 256 << 20;
const KEPT_VALUES: usize = 100;

/// One client conversation.
#[derive(Debug, Default)]
pub struct Session {
    kept: Mutex<VecDeque<(Handle, Json)>>,
    count: AtomicU32,
}

impl Session {
    /// A session that has kept nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a value and names it. The handle is 80 bits of the operating system's randomness, so that a
    /// script of another session cannot guess it. Old values are dropped when more than 100 values
    /// or 256 MiB are kept; a single value beyond that is kept alone.
    pub fn keep(&self, value: Json) -> Handle {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Handle::new(format!("r{number}_{}", random_suffix()));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((handle.clone(), value));
        let mut bytes: usize = kept.iter().map(|(_, value)| value.as_str().len()).sum();
        while kept.len() > KEPT_VALUES || (bytes > KEPT_BYTES && kept.len() > 1) {
            if let Some((_, dropped)) = kept.pop_front() {
                bytes -= dropped.as_str().len();
            }
        }
        handle
    }

    /// The kept value of this name.
    pub fn kept(&self, handle: &str) -> Option<Json> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(name, _)| name.as_str() == handle).map(|(_, value)| value.clone())
    }
}

/// Sixteen characters of a 32-letter alphabet without look-alikes.
fn random_suffix() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut bytes = [0u8; 16];
    // Without randomness a handle would be guessable, so there is nothing safe to go on with.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_values_are_found_by_their_handle_alone() {
        let session = Session::new();
        let handle = session.keep(Json::string("a"));
        assert!(handle.as_str().starts_with("r1_") && handle.as_str().len() == 19);
        assert_eq!(session.kept(handle.as_str()), Some(Json::string("a")));
        assert_eq!(session.kept("r1"), None);
        assert_eq!(Session::new().kept(handle.as_str()), None);
    }

    #[test]
    fn the_oldest_values_go_first() {
        let session = Session::new();
        let first = session.keep(Json::null());
        let rest: Vec<_> = (0..KEPT_VALUES).map(|n| session.keep(Json::from(serde_json::json!(n)))).collect();
        assert_eq!(session.kept(first.as_str()), None);
        assert!(rest.iter().all(|handle| session.kept(handle.as_str()).is_some()));
    }
}
