//! A process in namespaces of its own, and who it is there.
//! It mounts nothing and limits nothing.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
};

use nix::unistd::{Gid, Pid, Uid, getegid, geteuid, setgroups, setresgid, setresuid};

use crate::{
    protection::{Protection, Standing},
    sys,
};

/// Who one is in the jail.
pub(crate) const USER: u32 = 1000;
/// From here on no system gives uids to anybody, by the table of systemd's; the launcher's pid makes the difference.
const FIRST_OWN: u32 = 0x7000_0000;
/// The highest uid that small user namespaces have.
const NOBODY: u32 = 65_534;

/// The namespaces and the protection that each is.
const KINDS: [(Protection, libc::c_int); 6] = [
    (Protection::UserNamespace, libc::CLONE_NEWUSER),
    (Protection::Root, libc::CLONE_NEWNS),
    (Protection::PidNamespace, libc::CLONE_NEWPID),
    (Protection::NetNamespace, libc::CLONE_NEWNET),
    (Protection::IpcNamespace, libc::CLONE_NEWIPC),
    (Protection::UtsNamespace, libc::CLONE_NEWUTS),
];

/// The flags of all namespaces that are not switched off. There is always a user namespace, because without its rights
/// nothing else can be had, and a mount namespace: what is mounted for the jail must not be mounted for the host.
pub(crate) fn flags(off: &[Protection]) -> libc::c_int {
    let wanted = KINDS.iter().filter(|(protection, _)| {
        !off.contains(protection) || matches!(protection, Protection::Root | Protection::UserNamespace)
    });
    wanted.fold(0, |flags, (_, flag)| flags | flag)
}

/// Why namespaces are not to be had, in words that lead on.
pub(crate) fn why_not(error: &io::Error) -> String {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    if read("/proc/sys/user/max_user_namespaces") == "0" {
        return "user namespaces are switched off (sysctl user.max_user_namespaces is 0)".to_owned();
    }
    if read("/proc/sys/kernel/unprivileged_userns_clone") == "0" {
        return "user namespaces are only for root here (sysctl kernel.unprivileged_userns_clone is 0)"
            .to_owned();
    }
    if read("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1" {
        return "AppArmor keeps user namespaces from programs without a profile (sysctl kernel.apparmor_restrict_unprivileged_userns is 1)".to_owned();
    }
    format!("the kernel does not make user namespaces here: {error}")
}

/// Gives the process its only user, from outside. As root it is one that nobody else has.
pub(crate) fn map_user(child: Pid, off: &[Protection]) -> io::Result<Standing> {
    let (uid, gid) = (geteuid(), getegid());
    let own = if uid.is_root() && !off.contains(&Protection::OwnUser) { own_user() } else { None };
    let (outer_uid, outer_gid) = own.map_or((uid.as_raw(), gid.as_raw()), |own| (own, own));
    let place = format!("/proc/{child}");
    if own.is_none() {
        // Who may not drop groups may not be given any either.
        fs::write(format!("{place}/setgroups"), "deny")?;
    }
    fs::write(format!("{place}/gid_map"), format!("{USER} {outer_gid} 1"))?;
    fs::write(format!("{place}/uid_map"), format!("{USER} {outer_uid} 1"))?;
    let note = match own {
        Some(own) => format!("uid {own}"),
        None if uid.is_root() => "no spare uid is mapped here".to_owned(),
        None => "only root can give one; outside it is the uid of this user".to_owned(),
    };
    Ok(Standing { protection: Protection::OwnUser, in_force: own.is_some(), note })
}

/// A uid that nobody has and that this user namespace knows.
fn own_user() -> Option<u32> {
    let maps = fs::read_to_string("/proc/self/uid_map").ok()?;
    let groups = fs::read_to_string("/proc/self/gid_map").ok()?;
    let candidates = [FIRST_OWN + (std::process::id() & 0xff_ffff), NOBODY];
    candidates.into_iter().find(|uid| maps_to(&maps, *uid) && maps_to(&groups, *uid))
}

fn maps_to(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&id.into()))
    })
}

/// Root leaves the groups that came with its login; others cannot.
pub(crate) fn leave_groups() {
    // Without the right to do so nothing is lost: no file of the host is there that a group could open.
    let _ = setgroups(&[]);
}

/// Becomes the only user of the namespace. Capabilities in it stay.
pub(crate) fn become_user() -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(USER), Gid::from_raw(USER));
    setresgid(gid, gid, gid)?;
    setresuid(uid, uid, uid)
}

/// Holds a new process until it is told what is known of it outside.
pub(crate) struct Gate {
    reader: File,
    writer: File,
}

impl Gate {
    pub(crate) fn new() -> nix::Result<Self> {
        let (reader, writer) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
        Ok(Self { reader: reader.into(), writer: writer.into() })
    }

    /// In the parent: lets the child go on with this.
    pub(crate) fn open(mut self, told: &[u8]) -> io::Result<()> {
        self.writer.write_all(told)
    }

    /// In the child: waits for it. `None` if the parent ended instead.
    pub(crate) fn pass(self) -> Option<Vec<u8>> {
        let Self { mut reader, writer } = self;
        drop(writer);
        let mut told = Vec::new();
        reader.read_to_end(&mut told).ok().filter(|count| *count > 0).map(|_| told)
    }
}

/// Hides the path of the group of processes that this one has been put in.
pub(crate) fn hide_cgroups() -> nix::Result<()> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWCGROUP)
}

/// A process like this one in those namespaces; `None` in the new one.
pub(crate) fn enter(off: &[Protection]) -> io::Result<Option<Pid>> {
    sys::fork_into(flags(off))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_known_only_within_a_range_of_the_map() {
        for (map, id, known) in [
            ("         0          0 4294967295\n", 0x7000_0001, true),
            ("0 1000 1\n1 100000 65536\n", 65_534, true),
            ("0 1000 1\n", 65_534, false),
            ("0 1000 1\n1 100000 65536\n", 0x7000_0001, false),
            ("", 0, false),
            ("x y z\n", 0, false),
        ] {
            assert_eq!(maps_to(map, id), known, "{map:?} {id}");
        }
    }
}
