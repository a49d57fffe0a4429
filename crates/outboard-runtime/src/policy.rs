//! Policy: may this operation happen? It judges facts that others gathered; it does not ask anyone
//! (that is [`crate::approval`]) and sends nothing.

mod defaults;
mod facts;
mod labels;
mod limits;
mod pins;
mod rulebook;
mod rules;
mod suggest;
mod verdict;

pub use defaults::{AllowAll, Defaults};
pub use facts::{Counts, Facts, Standing};
pub(crate) use labels::Tainted;
pub use labels::{Labels, Taint};
pub use limits::LimitText;
pub use pins::{Difference, Pin, Pins};
pub use rulebook::{BadPolicy, PolicyText, Rulebook};
pub use rules::{BadRule, RuleText, Word};
pub use suggest::{Past, Suggestion};
pub use verdict::{Decider, Reason, Verdict};

/// Judges operations.
pub trait Policy: Send + Sync + 'static {
    /// The verdict on an operation. It takes microseconds and waits for nothing.
    fn judge(&self, facts: &Facts<'_>) -> Verdict;

    /// Why every operation of this name is denied, whatever its arguments and whatever was done before: told before a
    /// script that asks for it runs. `None` if that cannot be known; [`judge`](Self::judge) has the last word either way.
    fn denied_outright(&self, _facts: &Facts<'_>) -> Option<Reason> {
        None
    }

    /// One line about the policy in force, for people.
    fn describe(&self) -> String;
}
