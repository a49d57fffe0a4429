//! What a command is given to work on: the text of a file or of standard input.
//! It does not look at what the text says.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

use outboard_runtime::json::Json;

use crate::report::{self, Failure, USAGE};

/// A text that could not be read.
#[derive(Debug, thiserror::Error)]
#[error("read {}", path.display())]
struct Unread {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// The text of a file, or of standard input for `-`. At a terminal it says that it waits for `what`.
pub(super) fn read(path: &Path, what: &str) -> Result<String, Failure> {
    let unread =
        |path: &Path, source| Failure::could_not(&Unread { path: path.to_owned(), source }).code(USAGE);
    if path != Path::new("-") {
        return std::fs::read_to_string(path).map_err(|source| unread(path, source));
    }
    if io::stdin().is_terminal() {
        report::note(format_args!("reading {what} from the terminal; Ctrl-D ends it"));
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .read_to_string(&mut text)
        .map_err(|source| unread(Path::new("standard input"), source))?;
    Ok(text)
}

/// One JSON object that a person gives as it is, as `-` for standard input, or as `@FILE`.
pub(super) fn json_object(given: &str, what: &str) -> Result<Json, Failure> {
    let text = match given.strip_prefix('@') {
        Some(file) => read(Path::new(file), what)?,
        None if given == "-" => read(Path::new("-"), what)?,
        None => given.to_owned(),
    };
    let wrong = |why: &dyn std::fmt::Display| {
        Failure::new(format_args!("the arguments must be one JSON object: {why}"))
            .hint(r#"for example: outboard call github.get_issue '{"owner": "rust-lang", "issue": 1}'"#)
            .code(USAGE)
    };
    let json = Json::parse(text.trim().trim_start_matches('\u{feff}')).map_err(|error| wrong(&error))?;
    if json.as_str().starts_with('{') { Ok(json) } else { Err(wrong(&"this is JSON, but no object")) }
}
