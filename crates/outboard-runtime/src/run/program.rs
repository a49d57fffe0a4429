//! From a script's text to the program that a guest runs, and back from places in the program to
//! places in the script. The work is outboard-script's.

use outboard_script::{CatalogueView, Finding, Language, Position, Preparation, Prepared};

use super::{Failure, FailureKind};
use crate::ports::engine::{ProgramPosition, Thrown};

/// Parses the script; its mistakes otherwise.
pub(crate) fn prepare(
    source: &str,
    language: Option<Language>,
    catalogue: &dyn CatalogueView,
) -> Result<Prepared, Vec<Finding>> {
    let preparation = Preparation { language, catalogue, ..Preparation::default() };
    outboard_script::prepare_with(source, &preparation).map_err(|rejected| rejected.findings)
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
            false => prepared.positions.to_written_call(line, column),
        };
        frames.extend(place.map(|place| (place, function_name(&frame.function))));
    }
    Failure { kind, position: frames.first().map(|(position, _)| *position), frames }
}

/// The guest names the functions of our own making by control characters.
fn function_name(name: &str) -> String {
    if name.contains(char::is_control) { String::new() } else { name.to_owned() }
}

/// Console text with the places of printed stacks led back to the script: a line `    at f (script:3:5)` names the
/// script's own line and column, and one of our own calls is left out. Other text stays.
pub(crate) fn relocated(prepared: &Prepared, text: String) -> String {
    if prepared.language == Language::Python || !text.contains("(script:") {
        return text;
    }
    let lines = text.split('\n').filter_map(|line| match stack_line(line) {
        None => Some(line.to_owned()),
        Some((start, position, end)) => {
            let place = prepared.positions.to_written_call(position.line, position.column)?;
            Some(format!("{start}(script:{place}){end}"))
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A line of a printed stack: what stands before its place, the place, and what stands behind it.
fn stack_line(line: &str) -> Option<(&str, ProgramPosition, &str)> {
    let (start, rest) =
        line.split_once("(script:").filter(|(start, _)| start.trim_start().starts_with("at "))?;
    let (place, end) = rest.split_once(')')?;
    let (line, column) = place.split_once(':')?;
    Some((start, ProgramPosition { line: line.parse().ok()?, column: column.parse().ok()? }, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_stacks_name_the_scripts_own_places() {
        let prepared =
            outboard_script::prepare("const f = () => {\n  throw new Error('x')\n}\nf()", None).unwrap();
        let text =
            "Error: x\n    at f (script:3:9) { code: 1 }\n    at <eval> (script:6:2)\nsee (script:1:1)";
        let expected = "Error: x\n    at f (script:2:9) { code: 1 }\nsee (script:1:1)";
        assert_eq!(relocated(&prepared, text.to_owned()), expected);
    }
}
