//! From a script's text to the program that a guest runs, and back from places in the program to
//! places in the script. The work is outboard-script's.

use outboard_script::{Finding, Position, Prepared};

use super::{Failure, FailureKind};
use crate::ports::engine::{ProgramPosition, Thrown};

/// Parses the script; its mistakes otherwise.
pub(crate) fn prepare(source: &str) -> Result<Prepared, Vec<Finding>> {
    outboard_script::prepare(source).map_err(|rejected| rejected.findings)
}

/// The place in the script.
pub(crate) fn in_source(prepared: &Prepared, position: ProgramPosition) -> Option<Position> {
    prepared.positions.to_source(position.line, position.column)
}

/// A failure for an exception, with its places in the script.
pub(crate) fn thrown(prepared: &Prepared, thrown: &Thrown, kind: FailureKind) -> Failure {
    let frames: Vec<(Position, String)> = thrown
        .frames
        .iter()
        .filter_map(|frame| Some((in_source(prepared, frame.position)?, frame.function.clone())))
        .collect();
    Failure { kind, position: frames.first().map(|(position, _)| *position), frames }
}
