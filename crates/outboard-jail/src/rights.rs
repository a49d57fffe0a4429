//! What a process in the jail may not do, whatever it finds: no capabilities, none to be had, limits of its own.
//! System calls and files are other modules' matter.

use std::io;

use nix::sys::resource::{Resource, setrlimit};

use crate::{order::Limits, sys};

/// A core file of at most one byte is none, and tells a kernel that pipes core files to a program not to start it.
const NO_CORE: u64 = 1;
/// Bytes of locked memory: what runtimes lock, and no more.
const LOCKED: u64 = 64 << 10;
/// Bytes of addresses of one process, used or not.
const ADDRESSES: u64 = 64 << 30;

/// Gives up every capability.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    sys::drop_capabilities()
}

/// No program that is started gives more rights than its runner has.
pub(crate) fn no_new_privileges() -> nix::Result<()> {
    nix::sys::prctl::set_no_new_privs()
}

/// The memory of this process is closed to others of the same user, its environment and its program too.
pub(crate) fn close_memory() -> nix::Result<()> {
    nix::sys::prctl::set_dumpable(false)
}

/// Limits this process and each that comes of it. Hard, so that none is raised again.
pub(crate) fn limit_process(limits: &Limits) -> nix::Result<()> {
    let set = |resource, value| setrlimit(resource, value, value);
    set(Resource::RLIMIT_CORE, NO_CORE)?;
    set(Resource::RLIMIT_CPU, limits.cpu_seconds)?;
    set(Resource::RLIMIT_NOFILE, limits.open_files)?;
    set(Resource::RLIMIT_FSIZE, limits.disk)?;
    // Private memory that can be written counts; address space that is only reserved does not, as engines reserve much.
    set(Resource::RLIMIT_DATA, limits.memory)?;
    set(Resource::RLIMIT_AS, ADDRESSES)?;
    set(Resource::RLIMIT_MEMLOCK, LOCKED)?;
    set(Resource::RLIMIT_MSGQUEUE, 0)?;
    set(Resource::RLIMIT_RTPRIO, 0)?;
    set(Resource::RLIMIT_NICE, 0)?;
    set(Resource::RLIMIT_SIGPENDING, limits.processes.saturating_mul(4))
}

/// Limits the processes of this user in this namespace, wherever they come from.
pub(crate) fn limit_processes(limits: &Limits) -> nix::Result<()> {
    setrlimit(Resource::RLIMIT_NPROC, limits.processes, limits.processes)
}
