//! Fixtures for tests across the project: a scripted MCP server that misbehaves on demand, a fake of
//! model APIs, an engine for containers, and a look at which processes are left behind. Nothing here is part of what is installed.
//!
//! A package that wants the fixture adds an example of three lines, which cargo builds together with
//! the package's tests, and finds it with [`fixture_path`]:
//!
//! ```text
//! //! The scripted upstream of this package's tests.
//! fn main() {
//!     outboard_testkit::fixture::main();
//! }
//! ```
//!
//! Name the example after its package (`outboard-upstream-fixture`), so that two packages tested
//! together do not write the same file.

pub mod client;
#[cfg(unix)]
pub mod container;
#[cfg(unix)]
pub mod daytona;
pub mod fixture;
pub mod model;
pub mod processes;

use std::{env, path::PathBuf};

/// The fixture that cargo built for the running test: `examples/PACKAGE-fixture` or
/// `examples/fixture` beside the test executable.
///
/// # Panics
/// If neither is there, which happens when cargo was asked for one test target only.
pub fn fixture_path() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own executable");
    let profile = test.ancestors().nth(2).expect("cargo puts tests two folders below the profile's");
    let package = env::var("CARGO_PKG_NAME").unwrap_or_default();
    let names = [format!("{package}-fixture"), "fixture".to_owned()];
    names
        .iter()
        .map(|name| profile.join("examples").join(name).with_extension(env::consts::EXE_EXTENSION))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!("no fixture in {}: run `cargo build --examples -p {package}`", profile.display())
        })
}

/// Says that a test cannot run here. It is written past the test harness, which hides what passing tests print, in
/// the form that `cargo xtask test` counts.
///
/// # Panics
/// If standard error is closed.
pub fn skip(why: &str) {
    use std::io::Write as _;
    writeln!(std::io::stderr(), "SKIPPED: {why}").expect("stderr is open");
}
