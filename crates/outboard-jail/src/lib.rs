//! The launcher of the workspace's jail: a process of its own that shuts itself in and then runs what it is told.
//!
//! The program that holds it calls [`hand_over`] first thing, and starts itself under the name [`NAME`] when it wants a
//! jail. What is said over its standard input is in [`order`] and [`frame`]. It decides nothing about who may run what.

pub mod frame;
pub mod order;
pub mod protection;

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod fence;
#[cfg(target_os = "linux")]
mod filter;
#[cfg(target_os = "linux")]
mod launcher;
#[cfg(target_os = "linux")]
mod namespaces;
#[cfg(target_os = "linux")]
mod python;
#[cfg(target_os = "linux")]
mod rights;
#[cfg(target_os = "linux")]
mod root;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod warden;
#[cfg(target_os = "linux")]
mod watch;

use std::process::ExitCode;

pub use protection::{Protection, Standing};

/// The name (`argv[0]`) under which a program is the launcher and nothing else.
pub const NAME: &str = "outboard-jail";

/// The home of whoever is in the jail, as they see it.
pub const HOME: &str = "/home/agent";
/// Where in the jail the `python3` lies that is ready before it is asked for; to come first on the path.
pub const PYTHON: &str = "/opt/outboard/bin";
/// The socket for tool calls, as it is seen in the jail.
pub const TOOLS: &str = "/run/outboard/tools.sock";

/// If this process was started under the name of the launcher, is the launcher to its end and gives its exit code.
/// To be called before anything else, while the process has one thread.
pub fn hand_over() -> Option<ExitCode> {
    hand_over_without(&[])
}

/// The same with some protections switched off: for the proof that each of them holds something back. No option and no
/// message leads here; only a program made for that proof calls it.
#[doc(hidden)]
pub fn hand_over_without(off: &[Protection]) -> Option<ExitCode> {
    let named = std::env::args_os().next().is_some_and(|name| name == NAME);
    named.then(|| launch(off))
}

/// A socket that is bound to nothing yet: one copy of it goes to the launcher, which has it listen in the jail, the other
/// accepts outside. So nothing of it lies on the host's file system.
///
/// # Errors
/// If there are no Unix sockets, or too many are open.
#[cfg(target_os = "linux")]
pub fn unbound_socket() -> std::io::Result<std::os::fd::OwnedFd> {
    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
    Ok(socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?)
}

#[cfg(target_os = "linux")]
fn launch(off: &[Protection]) -> ExitCode {
    launcher::main(off)
}

#[cfg(not(target_os = "linux"))]
fn launch(_off: &[Protection]) -> ExitCode {
    ExitCode::FAILURE
}
