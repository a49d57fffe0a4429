//! Bounds what the TypeScript parser can be asked to do: nesting, and the work that its look-ahead can cost.
//!
//! The parser recurses on the machine stack and tries some texts twice, so both must be bounded from
//! outside. Talks to `scan`. It does not decide whether a script is well-formed.

mod scan;

use crate::finding::Findings;
use scan::Measure;

/// Brackets, templates and type arguments inside of one another. The guest's own parser has less room.
const MAX_NESTING: usize = 256;
/// Operators and keywords in one stretch without a `;`, `,` or new statement.
const MAX_STRETCH: usize = 20_000;
/// Tokens, each counted once for every construct around it that the parser may read twice.
const MAX_WORK: u64 = 2_000_000;

/// Stack that any script may need, and for each level of nesting: `MAX_NESTING` brackets were measured to need
/// 1.3 MB, and are given five times as much.
const BASE_STACK: usize = 512 << 10;
const LEVEL_STACK: usize = 24 << 10;
/// Stack for one token of a stretch, twice the measured need of the worst kind.
const STRETCH_STACK: usize = 2_560;

/// Checks a script of `text` against the bounds and tells how much stack parsing and visiting it takes;
/// `None` when a finding says why it will not be parsed.
pub(crate) fn stack_for(text: &str, findings: &mut Findings<'_>) -> Option<usize> {
    let Measure { nesting, stretch, work, unclear, brackets } = scan::measure(text);
    if let Some(at) = nesting.first_above(MAX_NESTING) {
        let message = format!("nested more than {MAX_NESTING} levels deep");
        findings.add(at, at + 1, message, Some("build deep values in steps, with variables".to_owned()));
    } else if unclear || work > MAX_WORK {
        let message =
            "too intricate to be parsed within bounds: too much code inside of nested parentheses or `<`";
        findings.add(0, 1, message, Some("split it into statements with variables".to_owned()));
    } else if let Some(at) = stretch.first_above(MAX_STRETCH) {
        let message = format!("more than {MAX_STRETCH} operators in one statement");
        findings.add(
            at,
            at + 1,
            message,
            Some("split it, or put the data into an array and loop".to_owned()),
        );
    } else {
        let levels = nesting.highest.max(brackets);
        return Some(BASE_STACK + levels * LEVEL_STACK + stretch.highest * STRETCH_STACK);
    }
    None
}
