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
    let mut frames: Vec<(Position, String)> = Vec::new();
    for frame in &thrown.frames {
        let ProgramPosition { line, column } = frame.position;
        // The error itself has the nearest place there is; calls that only our own code makes are not the script's.
        let place = match frames.is_empty() {
            true => prepared.positions.to_source(line, column),
            false => prepared.positions.to_written(line, column),
        };
        frames.extend(place.map(|place| (place, function_name(&frame.function))));
    }
    Failure { kind, position: frames.first().map(|(position, _)| *position), frames }
}

/// The guest names the functions of our own making by control characters.
fn function_name(name: &str) -> String {
    if name.contains(char::is_control) { String::new() } else { name.to_owned() }
}
