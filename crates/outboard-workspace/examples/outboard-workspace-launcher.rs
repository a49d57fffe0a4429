//! The launcher for this crate's tests: what Outboard is under the launcher's name, and nothing else.

use std::process::ExitCode;

fn main() -> ExitCode {
    outboard_jail::hand_over().unwrap_or(ExitCode::FAILURE)
}
