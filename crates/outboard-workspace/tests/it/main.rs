//! Workspaces as the rest of Outboard uses them, each in a real jail.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod commands;
mod container;
mod daytona;
mod moving;

use std::path::PathBuf;

use outboard_jail::order::Limits;
use outboard_workspace::{
    furnishing::Furnishing,
    jail::{Jail, Launcher, order},
};

/// A jail that is small enough for whatever a test does in it.
async fn jail() -> Jail {
    let limits =
        Limits { memory: 256 << 20, disk: 64 << 20, files: 2_000, processes: 32, ..Limits::default() };
    let furnishing = Furnishing { readme: "# Workspace\n".to_owned(), limits, ..Furnishing::default() };
    Launcher::start(&launcher()).unwrap().make(&order(&furnishing)).await.unwrap().0
}

/// What `cargo test` built beside the tests.
fn launcher() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let path = test.ancestors().nth(2).unwrap().join("examples/outboard-workspace-launcher");
    assert!(path.is_file(), "no launcher: run `cargo build -p outboard-workspace --examples`");
    path
}
