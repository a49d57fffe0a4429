//! Checkers as child processes: what they are told, what bounds them, and that none is left behind.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod bounds;
mod real;

use std::path::PathBuf;

use outboard_runtime::{Language, ports::types::Typed};
use outboard_typecheck::Program;

/// The fixture, which does as it is told.
pub(crate) fn fixture(how: &str) -> Program {
    let mut path: PathBuf = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples/outboard-typecheck-fixture");
    Program { language: Language::TypeScript, path, arguments: vec![how.into()] }
}

pub(crate) fn typed(text: &str) -> Typed {
    let lines = u32::try_from(text.lines().count()).unwrap();
    Typed { language: Language::TypeScript, text: text.to_owned(), before: 0, lines }
}
