//! What a run has asked and has no answer to yet: what that holds, which of it waits for a person, and how many calls there
//! were. It makes no calls and knows no guest.

use std::collections::{BTreeMap, BTreeSet};

use tokio::task::AbortHandle;

use super::Progress;
use crate::{
    ids::RequestId,
    journal::Ending,
    json::Json,
    ports::engine::{GuestAsk, GuestRequest, Stopped},
};

/// The requests of one run.
#[derive(Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<RequestId, Open>,
    /// Those of them that wait for a person.
    asking: BTreeSet<RequestId>,
    /// Bytes of the arguments of those that are open.
    held: u64,
    last: Option<RequestId>,
    /// All that there were.
    counted: usize,
    /// Calls among them, and those that have an outcome.
    made: u32,
    done: u32,
}

/// A request without an answer yet, and the work for it if there is any.
#[derive(Debug)]
struct Open {
    request: GuestRequest,
    work: Option<AbortHandle>,
}

/// A guest that counts its requests otherwise than upwards is not ours any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OutOfOrder;

impl From<OutOfOrder> for Ending {
    fn from(_: OutOfOrder) -> Self {
        Self::Stopped(Stopped::Broken)
    }
}

impl Requests {
    /// Counts a request. Answers, effects and replay go by these numbers.
    pub(super) fn count(&mut self, request: &GuestRequest) -> Result<(), OutOfOrder> {
        if self.last.replace(request.id).is_some_and(|last| last >= request.id) {
            return Err(OutOfOrder);
        }
        self.counted += 1;
        self.made += u32::from(matches!(request.what, GuestAsk::Call { .. }));
        Ok(())
    }

    /// How many were counted.
    pub(super) fn counted(&self) -> usize {
        self.counted
    }

    /// The request waits for an answer from now on.
    pub(super) fn open(&mut self, request: GuestRequest, work: Option<AbortHandle>) {
        self.held += bytes(&request);
        self.open.insert(request.id, Open { request, work });
    }

    /// The request is not waited for any more.
    pub(super) fn close(&mut self, request: RequestId) {
        self.take(request);
    }

    /// Ends the work for a request that the script does not wait for any more; `what` names it as the script does. If its
    /// answer is there already, the guest gets it and has no use for it.
    pub(super) fn give_up(&mut self, what: &Json) {
        let Ok([request]) = what.read::<[RequestId; 1]>() else { return };
        if let Some(Open { work: Some(work), .. }) = self.take(request) {
            work.abort();
        }
    }

    fn take(&mut self, request: RequestId) -> Option<Open> {
        let was = self.open.remove(&request)?;
        self.asking.remove(&request);
        self.held = self.held.saturating_sub(bytes(&was.request));
        self.done += u32::from(matches!(was.request.what, GuestAsk::Call { .. }));
        Some(was)
    }

    /// Takes out all that are open, in their order; they are opened again.
    pub(super) fn take_open(&mut self) -> Vec<GuestRequest> {
        self.held = 0;
        std::mem::take(&mut self.open).into_values().map(|open| open.request).collect()
    }

    /// Those that are open, in their order.
    pub(super) fn still_open(&self) -> Vec<GuestRequest> {
        self.open.values().map(|open| open.request.clone()).collect()
    }

    /// Whether several are open.
    pub(super) fn are_several(&self) -> bool {
        self.open.len() > 1
    }

    /// The request waits for a person.
    pub(super) fn asks(&mut self, request: RequestId) {
        if self.open.contains_key(&request) {
            self.asking.insert(request);
        }
    }

    /// It does not any more.
    pub(super) fn asked(&mut self, request: RequestId) {
        self.asking.remove(&request);
    }

    /// Whether there are some and each of them waits for a person.
    pub(super) fn wait_for_people(&self) -> bool {
        !self.asking.is_empty() && self.asking.len() == self.open.len()
    }

    /// Whether the arguments of one more would exceed this many bytes.
    pub(super) fn would_exceed(&self, limit: u64, request: &GuestRequest) -> bool {
        self.held + bytes(request) > limit
    }

    /// How far the run is by them.
    pub(super) fn progress(&self, before: Progress, stands: bool) -> Progress {
        Progress {
            calls_made: self.made,
            calls_done: self.done,
            calls_asking: u32::try_from(self.asking.len()).unwrap_or(u32::MAX),
            stands,
            ..before
        }
    }
}

fn bytes(request: &GuestRequest) -> u64 {
    request.what.arguments().as_str().len() as u64
}
