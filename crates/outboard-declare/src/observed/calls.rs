//! In which calls something was seen, as far as that matters: the first three of them, by number.
//! Kept as a set, so that what is seen thrice in one call, or merged twice, is still seen in one.

use serde::{Deserialize, Serialize};

/// So many calls let a name in.
pub(super) const ENOUGH: usize = 3;

/// Up to three numbers of calls, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Calls(Vec<u32>);

impl Calls {
    pub(super) fn of(call: u32) -> Self {
        Self(vec![call])
    }

    /// Also in these.
    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend(&others.0);
        self.0.sort_unstable();
        self.0.dedup();
        self.0.truncate(ENOUGH);
    }

    /// Whether it was seen in three calls or more.
    pub(super) fn enough(&self) -> bool {
        self.0.len() >= ENOUGH
    }
}
