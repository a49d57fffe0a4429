//! Runs a parser on a thread whose stack fits what it was measured to need: parsing recurses, and callers' stacks
//! are small. It measures nothing itself.

use crate::finding::{Findings, Rejected};
use crate::position::SourceText;

/// What `work` gives on a stack of `bytes`.
pub(crate) fn run<T: Send>(
    bytes: usize,
    text: &SourceText,
    work: impl FnOnce() -> T + Send,
) -> Result<T, Rejected> {
    let failed = |message: &str| {
        let mut findings = Findings::new(text);
        findings.add(0, 1, message, None);
        findings.into_rejected()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("script".to_owned()).stack_size(bytes);
        match thread.spawn_scoped(scope, work) {
            Ok(thread) => {
                thread.join().map_err(|_| failed("the parser failed on this script; write it otherwise"))
            }
            Err(error) => Err(failed(&format!("no thread to parse the script on: {error}"))),
        }
    })
}
