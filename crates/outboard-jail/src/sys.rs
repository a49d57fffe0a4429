//! System calls that no library of ours wraps: the one place of the launcher where `unsafe` stands.
//! Each function is as small as the call; what they are for stands where they are used.

#![expect(unsafe_code, reason = "the calls of this file have no safe form anywhere")]

use std::{
    ffi::{CStr, CString},
    io,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd, RawFd},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

use nix::{
    sys::signal::{SigHandler, SigSet, Signal, signal},
    unistd::Pid,
};

/// A mount cannot be written.
pub(crate) const READ_ONLY: u64 = 0x1;
/// Its setuid bits mean nothing.
pub(crate) const NO_SETUID: u64 = 0x2;
/// Its device files lead nowhere.
pub(crate) const NO_DEVICES: u64 = 0x4;
/// Its programs cannot be started.
pub(crate) const NO_EXEC: u64 = 0x8;

const MOVE_MOUNT_F_EMPTY_PATH: libc::c_uint = 0x4;
const OPEN_TREE_CLONE: libc::c_uint = 1;
const KEYCTL_JOIN_SESSION_KEYRING: libc::c_int = 1;
/// Version 3 of the interface: two words of each set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// The highest capability that a kernel may know; unknown ones are refused, which is as good.
const CAPABILITIES: libc::c_ulong = 63;

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: libc::c_int,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct CapabilitySets {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// A process like this one, in namespaces of these kinds; as `fork`, `None` in the new one.
pub(crate) fn fork_into(namespaces: libc::c_int) -> io::Result<Option<Pid>> {
    let flags = libc::c_long::from(namespaces | libc::SIGCHLD);
    // SAFETY: without CLONE_VM and without a stack this is `fork`: the child goes on with a copy of everything. The
    // launcher has one thread, so no lock is held by a thread that the child does not have.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    match checked(pid)? {
        0 => Ok(None),
        pid => Ok(Some(Pid::from_raw(i32::try_from(pid).map_err(io::Error::other)?))),
    }
}

/// A copy of what is mounted at a path and below it, attached nowhere.
pub(crate) fn copy_of_tree(path: &Path) -> io::Result<OwnedFd> {
    let path = text(path)?;
    let flags = OPEN_TREE_CLONE | libc::AT_RECURSIVE as libc::c_uint | libc::O_CLOEXEC as libc::c_uint;
    // SAFETY: the path is a string with its end, which outlives the call.
    let fd = unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) };
    owned(fd)
}

/// Adds these attributes to everything mounted in a tree that is open.
pub(crate) fn restrict_tree(tree: &OwnedFd, attributes: u64) -> io::Result<()> {
    set_attributes(tree.as_raw_fd(), c"", libc::AT_EMPTY_PATH | libc::AT_RECURSIVE, attributes)
}

/// Adds these attributes to what is mounted at this path alone.
pub(crate) fn restrict_mount(path: &Path, attributes: u64) -> io::Result<()> {
    set_attributes(libc::AT_FDCWD, &text(path)?, 0, attributes)
}

fn set_attributes(from: RawFd, path: &CStr, flags: libc::c_int, attributes: u64) -> io::Result<()> {
    let change = MountAttributes { set: attributes, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the path and the structure, of the size that is given, outlive the call, which only reads them.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            from,
            path.as_ptr(),
            flags,
            &raw const change,
            size_of::<MountAttributes>(),
        )
    };
    checked(done).map(drop)
}

/// Attaches a tree at a path that exists.
pub(crate) fn attach(tree: &OwnedFd, path: &Path) -> io::Result<()> {
    let path = text(path)?;
    // SAFETY: both paths are strings with their ends, which outlive the call.
    let done = unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            path.as_ptr(),
            MOVE_MOUNT_F_EMPTY_PATH,
        )
    };
    checked(done).map(drop)
}

/// Closes every descriptor from this one on.
pub(crate) fn close_from(first: RawFd) -> io::Result<()> {
    // SAFETY: the caller owns nothing from `first` on yet: this is the first thing that the launcher does.
    let done = unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) };
    checked(done).map(drop)
}

/// Leaves the session's keyring for an empty one.
pub(crate) fn leave_keyring() -> io::Result<()> {
    // SAFETY: the null name asks for a keyring without one; nothing else is passed.
    let done = unsafe {
        libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, std::ptr::null::<libc::c_char>())
    };
    checked(done).map(drop)
}

/// Takes every capability out of every set.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    for capability in 0..=CAPABILITIES {
        // SAFETY: the call takes numbers only. Beyond what the kernel knows it fails, which changes nothing.
        let done = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if done != 0 && io::Error::last_os_error().raw_os_error() != Some(libc::EINVAL) {
            return Err(io::Error::last_os_error());
        }
    }
    // SAFETY: the call takes numbers only.
    let done = unsafe { libc::prctl(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) };
    checked(done.into())?;
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let none = [CapabilitySets { effective: 0, permitted: 0, inheritable: 0 }; 2];
    // SAFETY: version 3 reads a header and two of these structures, which outlive the call.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    checked(done).map(drop)
}

/// Has every signal do again what the system has it do, and blocks none: a program is started with what its starter ignored.
/// But for SIGPIPE, which Rust's library has ignored here and not in what it starts.
pub(crate) fn forget_signals() -> io::Result<()> {
    let kept = [Signal::SIGKILL, Signal::SIGSTOP, Signal::SIGPIPE];
    for of in Signal::iterator().filter(|of| !kept.contains(of)) {
        // SAFETY: no handler is set, so no code runs on a signal.
        unsafe { signal(of, SigHandler::SigDfl) }?;
    }
    Ok(SigSet::empty().thread_set_mask()?)
}

/// This process is ended when its parent is.
pub(crate) fn die_with_parent() -> io::Result<()> {
    // SAFETY: the call takes numbers only.
    checked(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) }.into()).map(drop)
}

fn text(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from)
}

fn owned(fd: libc::c_long) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(checked(fd)?).map_err(io::Error::other)?;
    // SAFETY: the call that gave it succeeded, so it is open, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
