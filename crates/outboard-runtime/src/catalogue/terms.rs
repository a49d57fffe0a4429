//! What a person's configuration says of one upstream, beside how it is reached.
//! The catalogue applies the filter and the gate the rest; nothing here is sent to the upstream.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use super::ToolFilter;
use crate::policy::{Labels, Pins};

/// The terms on which one upstream is used. The default restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// Which of its tools count.
    pub tools: ToolFilter,
    /// Time that one call may take, from being sent to its answer, instead of the run's
    /// [`call`](crate::limits::Limits::call). Neither queueing nor the start of the upstream counts.
    pub timeout: Option<Duration>,
    /// Calls in flight at once, of all runs together; further ones queue in the order of asking. Does not count calls
    /// that were in flight already when the number was changed, nor those of another Outboard.
    pub concurrency: Option<NonZeroU32>,
    /// The user trusts it: its tools run unless they are declared destructive.
    pub trusted: bool,
    /// What the user says of its data.
    pub labels: Labels,
    /// Its tools as a person accepted them; `None` if nobody has.
    pub accepted: Option<Arc<Pins>>,
}
