//! The launcher for the escape suite: the same as in Outboard, but protections whose names are its arguments are switched
//! off, so that it can be shown what each of them holds back. It is part of no release.

use std::process::ExitCode;

use outboard_jail::{Protection, hand_over_without};

fn main() -> ExitCode {
    let names: Vec<String> = std::env::args().skip(1).collect();
    let off: Option<Vec<Protection>> = names.iter().map(|name| Protection::named(name)).collect();
    off.and_then(|off| hand_over_without(&off)).unwrap_or(ExitCode::FAILURE)
}
