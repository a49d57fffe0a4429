//! Reads the literate case files of `cases/`: parts divided by lines of `====` and `----`.
//!
//! Values that cases state are not looked at here: this crate runs nothing.

/// One case: what is given, what is said behind the dashes, and what is expected.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) given: &'static str,
    pub(crate) note: &'static str,
    /// Blanks at the ends of lines written as `·`.
    pub(crate) expected: &'static str,
}

/// The cases of a file, its head left out.
pub(crate) fn read(file: &'static str) -> Vec<Case> {
    let cases = file.split("\n====\n").skip(1).map(|case| {
        let (given, rest) = case.split_once("\n----").expect("a case has a line of dashes");
        let (note, expected) = rest.split_once('\n').expect("something is expected");
        Case { given, note: note.trim(), expected: expected.trim_end_matches('\n') }
    });
    cases.collect()
}

/// Blanks at the ends of lines written as `·`.
pub(crate) fn shown(text: &str) -> String {
    let lines = text.split('\n').map(|line| {
        let kept = line.trim_end_matches(' ');
        kept.to_owned() + &"·".repeat(line.len() - kept.len())
    });
    lines.collect::<Vec<_>>().join("\n")
}
