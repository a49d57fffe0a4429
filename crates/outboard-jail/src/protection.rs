//! The protections that a jail is made of, and how they stand in one jail.
//! Each is named by what it keeps away. What is done for it stands where it is done.

use serde::{Deserialize, Serialize};

/// One wall of the jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// A user namespace: rights that reach no further than the jail.
    UserNamespace,
    /// A uid that nobody else on the machine has.
    OwnUser,
    /// A mount namespace with a root of its own (`pivot_root`): nothing of the host's files but what is put there.
    Root,
    /// That root, and the system in it, cannot be written.
    ReadOnlyRoot,
    /// A pid namespace: no process outside can be seen, signalled or outlived.
    PidNamespace,
    /// A network namespace without a network.
    NetNamespace,
    /// An IPC namespace.
    IpcNamespace,
    /// A UTS namespace: a host name of its own.
    UtsNamespace,
    /// A cgroup namespace: no path of the host's groups is seen.
    CgroupNamespace,
    /// A list of allowed system calls.
    Seccomp,
    /// Landlock: files once more, whatever the mounts say, and signals and abstract sockets stay inside.
    Landlock,
    /// No capabilities, and none to be had.
    Capabilities,
    /// No program gives its runner new rights (`no_new_privs`).
    NoNewPrivileges,
    /// The memory of the jail's first process cannot be read.
    NonDumpable,
    /// Limits of each process: open files, file sizes, processor time, memory, core files.
    ProcessLimits,
    /// A limit on the number of processes.
    ProcessCount,
    /// A limit on the memory of all processes together.
    Memory,
    /// A share of the processor that cannot be exceeded.
    Processor,
    /// A limit on bytes and on the number of files.
    Disk,
}

impl Protection {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 19] = [
        Self::UserNamespace,
        Self::OwnUser,
        Self::Root,
        Self::ReadOnlyRoot,
        Self::PidNamespace,
        Self::NetNamespace,
        Self::IpcNamespace,
        Self::UtsNamespace,
        Self::CgroupNamespace,
        Self::Seccomp,
        Self::Landlock,
        Self::Capabilities,
        Self::NoNewPrivileges,
        Self::NonDumpable,
        Self::ProcessLimits,
        Self::ProcessCount,
        Self::Memory,
        Self::Processor,
        Self::Disk,
    ];

    /// Without these no jail is made, whatever else is required: what remains would be no wall.
    pub const ALWAYS: [Self; 8] = [
        Self::UserNamespace,
        Self::Root,
        Self::ReadOnlyRoot,
        Self::PidNamespace,
        Self::NetNamespace,
        Self::Seccomp,
        Self::Capabilities,
        Self::NoNewPrivileges,
    ];

    /// Its name in configuration and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::UserNamespace => "user-namespace",
            Self::OwnUser => "own-user",
            Self::Root => "root",
            Self::ReadOnlyRoot => "read-only-root",
            Self::PidNamespace => "pid-namespace",
            Self::NetNamespace => "net-namespace",
            Self::IpcNamespace => "ipc-namespace",
            Self::UtsNamespace => "uts-namespace",
            Self::CgroupNamespace => "cgroup-namespace",
            Self::Seccomp => "seccomp",
            Self::Landlock => "landlock",
            Self::Capabilities => "capabilities",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::NonDumpable => "non-dumpable",
            Self::ProcessLimits => "process-limits",
            Self::ProcessCount => "process-count",
            Self::Memory => "memory",
            Self::Processor => "processor",
            Self::Disk => "disk",
        }
    }

    /// The protection of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|protection| protection.name() == name)
    }
}

/// How one protection stands in one jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which.
    pub protection: Protection,
    /// Whether it is in force.
    pub in_force: bool,
    /// How, or why not.
    pub note: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protection_has_one_name_everywhere() {
        for protection in Protection::ALL {
            let written = serde_json::to_value(protection).unwrap();
            assert_eq!(written, protection.name());
            assert_eq!(Protection::named(protection.name()), Some(protection));
        }
        assert_eq!(Protection::named("walls"), None);
    }
}
