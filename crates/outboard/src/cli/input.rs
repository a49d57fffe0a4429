//! What a command is given to work on: the text of a file or of standard input.
//! It does not look at what the text says.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::{Path, PathBuf},
};

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
