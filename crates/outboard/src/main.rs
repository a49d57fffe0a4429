//! The `outboard` binary: hands over to the command line.
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

fn main() -> std::process::ExitCode {
    cli::main()
}
