//! What outlives a run for one client conversation: results that were too long to show, runs that take longer than
//! their client waits, and their results until somebody fetches them.
//! A session ends with its connection; it is not stored.

mod keeping;
mod runs;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub use keeping::{Gone, Keeping};
pub use runs::{Found, LongRun, NotHere};

use crate::{
    ids::{Handle, Principal, RunId, random_word},
    journal::Shown,
    json::Json,
    policy::{Taint, Tainted},
    present::estimate_tokens,
};
use keeping::Kept;
use runs::Runs;

/// One client conversation.
#[derive(Debug)]
pub struct Session {
    /// Makes its runs' ids unlike those of other sessions.
    tag: String,
    /// Its runs have names that nobody can guess.
    secret_names: bool,
    /// Who is at the other end, where that was proved.
    proved: Option<Principal>,
    client: Mutex<Principal>,
    begun: AtomicU32,
    named: AtomicU32,
    kept: Mutex<Kept>,
    runs: Mutex<Runs>,
    taint: Tainted,
    /// What its workspace may hold, once there is one.
    workspace: Tainted,
    /// What its model was shown that has no record.
    shown: Mutex<Shown>,
    has_workspace: AtomicBool,
    /// How often a person had cleared what sessions have seen when this one looked last.
    cleared: AtomicU64,
    /// Runs that nobody's request holds any more.
    tasks: TaskTracker,
    over: CancellationToken,
}

impl Default for Session {
    fn default() -> Self {
        Self::keeping(Keeping::default())
    }
}

impl Session {
    /// A session that has kept nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A session that keeps so much.
    pub fn keeping(keeping: Keeping) -> Self {
        Self {
            tag: random_word(16),
            secret_names: false,
            proved: None,
            client: Mutex::new(Principal::from("someone unnamed")),
            begun: AtomicU32::new(0),
            named: AtomicU32::new(0),
            kept: Mutex::new(Kept::new(keeping)),
            runs: Mutex::default(),
            taint: Tainted::default(),
            workspace: Tainted::default(),
            shown: Mutex::default(),
            has_workspace: AtomicBool::new(false),
            cleared: AtomicU64::new(0),
            tasks: TaskTracker::new(),
            over: CancellationToken::new(),
        }
    }

    /// The same, [over](Self::over) when this token is cancelled.
    #[must_use]
    pub fn until(self, over: CancellationToken) -> Self {
        Self { over, ..self }
    }

    /// The same, with names of runs that cannot be guessed: for sessions whose clients, or whose results after a crash, can
    /// only be told apart by what they know.
    #[must_use]
    pub fn with_secret_names(self) -> Self {
        Self { secret_names: true, ..self }
    }

    /// Whether its runs have names that cannot be guessed.
    pub fn has_secret_names(&self) -> bool {
        self.secret_names
    }

    /// The same, of somebody who proved to be this principal.
    #[must_use]
    pub fn proved(self, principal: Option<Principal>) -> Self {
        if let Some(principal) = &principal {
            self.set_client(principal.clone());
        }
        Self { proved: principal, ..self }
    }

    /// Cancelled when nobody waits for the session's runs any more. The tokens that cancel these are to be children of it:
    /// a run that waits for nothing but a person is then let go, for another Outboard to take up, and others end.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    /// On whose behalf its runs are from now on.
    pub fn set_client(&self, principal: Principal) {
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = principal;
    }

    /// On whose behalf its runs are.
    pub fn client(&self) -> Principal {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The id of the session's next run. Its name is counted by the session, so that nobody learns of runs of others.
    pub fn next_run(&self) -> RunId {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        let secret = if self.secret_names { format!(".{}", random_word(12)) } else { String::new() };
        RunId::new(format!("r{number}{secret}-{}", self.tag))
    }

    /// The id of the next call that is made outside any script.
    pub(crate) fn next_call(&self) -> RunId {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        RunId::new(format!("c{number}-{}", self.tag))
    }

    /// Who is at the other end, where that was proved: nobody, over standard input and output.
    pub fn principal(&self) -> Option<&str> {
        self.proved.as_ref().map(Principal::as_str)
    }

    /// What the session has seen.
    pub fn taint(&self) -> Taint {
        self.taint.now()
    }

    /// The session is about to see this. Tells whether it has not seen the like before.
    pub fn saw(&self, taint: Taint) -> bool {
        if self.has_workspace.load(Ordering::Acquire) {
            self.workspace.add(taint);
        }
        self.taint.add(taint)
    }

    /// There is a workspace from now on: whatever the session sees may be written down there.
    pub fn opens_workspace(&self) {
        self.has_workspace.store(true, Ordering::Release);
        self.workspace.add(self.taint());
    }

    /// The session is about to see what is in its workspace: what it saw while that was there, even if a person has
    /// cleared it since.
    pub fn sees_workspace(&self) {
        self.saw(self.workspace.now());
    }

    /// The workspace is gone, with all that was in it.
    pub fn loses_workspace(&self) {
        self.has_workspace.store(false, Ordering::Release);
        self.workspace.clear();
    }

    /// Its model reads this, of which there is no record: the next one tells of it.
    pub fn showed(&self, text: &str) {
        let tokens = u64::try_from(estimate_tokens(text)).unwrap_or(u64::MAX);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.answers = shown.answers.saturating_add(1);
        shown.tokens = shown.tokens.saturating_add(tokens);
    }

    /// What its model was shown since this was asked last.
    pub(crate) fn take_shown(&self) -> Shown {
        std::mem::take(&mut *self.shown.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A person has said so often, by now, that what sessions have seen may leave.
    pub(crate) fn cleared(&self, times: u64) {
        if self.cleared.fetch_max(times, Ordering::AcqRel) < times {
            self.taint.clear();
        }
    }

    /// Keeps a value and names it; a value that is kept already keeps its name. The handle is 80 bits of the operating
    /// system's randomness, so that a script of another session cannot guess it. What is dropped for it, [`Keeping`] says.
    pub fn keep(&self, value: Json) -> Handle {
        let mut kept = self.kept_results();
        if let Some(handle) = kept.handle_of(&value) {
            return handle;
        }
        let number = self.named.fetch_add(1, Ordering::Relaxed) + 1;
        let handle = Handle::new(format!("r{number}_{}", random_word(16)));
        kept.keep_value(handle.clone(), value, self.taint());
        handle
    }

    /// The kept value of this name. Whoever reads it sees again what the session had seen when it was kept.
    pub fn kept(&self, handle: &str) -> Option<Json> {
        let (value, taint) = self.kept_results().value(handle)?;
        self.saw(taint);
        Some(value)
    }

    /// How much this session keeps.
    pub fn keeps(&self) -> Keeping {
        self.kept_results().keeping()
    }

    fn kept_results(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
    fn a_value_that_is_kept_keeps_its_name() {
        let (session, value) = (Session::new(), Json::string("a"));
        let handle = session.keep(value.clone());
        assert_eq!(session.keep(value), handle);
        assert_ne!(session.keep(Json::string("a")), handle);
    }

    #[test]
    fn what_was_seen_while_there_is_a_workspace_is_seen_again_with_it_until_it_is_gone() {
        let (private, untrusted) =
            (Taint { private: true, untrusted: false }, Taint { private: false, untrusted: true });
        let session = Session::new();
        session.saw(private);
        session.opens_workspace();
        session.saw(untrusted);
        session.cleared(1);
        assert!(session.taint().is_clean());
        session.sees_workspace();
        assert_eq!(session.taint(), private.and(untrusted));
        session.loses_workspace();
        session.cleared(2);
        session.sees_workspace();
        assert!(session.taint().is_clean());
    }

    #[test]
    fn runs_are_counted_by_their_session_and_no_two_share_an_id() {
        let (one, other) = (Session::new(), Session::new());
        let ids = [one.next_run(), one.next_run(), other.next_run()];
        assert_eq!(ids.clone().map(|id| id.name().to_owned()), ["r1", "r2", "r1"]);
        assert_ne!(ids[0], ids[2]);
    }

    #[test]
    fn secret_names_of_runs_tell_nobody_the_next_one() {
        let session = Session::new().with_secret_names();
        let [one, other] = [session.next_run(), session.next_run()].map(|id| id.name().to_owned());
        assert!(one.starts_with("r1.") && other.starts_with("r2.") && one.len() == 15, "{one} {other}");
        assert_ne!(one[3..], other[3..]);
    }

    #[test]
    fn only_a_proved_principal_is_told_as_one() {
        let claimed = Session::new();
        claimed.set_client("ann".into());
        assert_eq!((claimed.principal(), claimed.client()), (None, "ann".into()));
        let proved = Session::new().proved(Some("ann".into()));
        assert_eq!((proved.principal(), proved.client()), (Some("ann"), "ann".into()));
    }
}
