//! Runs a parser on a stack that fits what it was measured to need: parsing recurses, and callers' stacks are small.
//! The caller's own is used where enough of it is left, because most scripts are small. It measures no script itself.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::finding::{Findings, Rejected};
use crate::position::SourceText;

/// What `work` gives on a stack of at least `bytes`. A parser that panics costs its script only.
pub(crate) fn run<T>(bytes: usize, text: &SourceText, work: impl FnOnce() -> T) -> Result<T, Rejected> {
    let on_stack = || stacker::maybe_grow(bytes, bytes, work);
    catch_unwind(AssertUnwindSafe(on_stack)).map_err(|_| {
        let mut findings = Findings::new(text);
        findings.add(0, 1, "the parser failed on this script; write it otherwise", None);
        findings.into_rejected()
    })
}
