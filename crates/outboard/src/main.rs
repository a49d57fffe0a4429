//! The `outboard` binary: hands over to the command line, or to the launcher of jails.
//! No decision is made here.

mod accepted;
mod asking;
mod cli;
mod clients;
mod config;
mod daemon;
mod observed;
mod private_file;
mod report;
mod state_file;
mod tainted;
mod trust;
mod wiring;
mod workspace;

fn main() -> std::process::ExitCode {
    // Started under its name, this program is the launcher of a jail and nothing else: before any thread and any file.
    outboard_jail::hand_over().unwrap_or_else(cli::main)
}
