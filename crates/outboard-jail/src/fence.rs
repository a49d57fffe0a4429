//! Landlock: which files may be touched and how, said once more to a part of the kernel that does not look at mounts.
//! It also keeps signals and abstract sockets inside.

use std::path::Path;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, PathBeneath, PathFd, Ruleset,
    RulesetAttr as _, RulesetCreatedAttr as _, RulesetError, RulesetStatus, Scope,
};

/// The newest rules that are asked for; an older kernel enforces what it knows.
const NEWEST: ABI = ABI::V6;
/// What may be read and started: the system, and what was put there for the agent. Not the root itself, nor `/dev`.
const READ: [&str; 8] = ["/usr", "/bin", "/lib", "/lib64", "/etc", "/opt", "/proc", "/node_modules"];
/// What may be written too.
const WRITE: [&str; 3] = [crate::HOME, "/tmp", "/dev/shm"];
/// Devices that may be read and written.
const DEVICES: [&str; 5] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"];

/// Restricts this process and all that come of it. Tells what of it the kernel enforces, or `None` if nothing.
pub(crate) fn put_up() -> Result<Option<&'static str>, RulesetError> {
    let everything = AccessFs::from_all(NEWEST);
    let read = AccessFs::from_read(NEWEST);
    // Nothing of the agent's can be a device.
    let write = everything & !(AccessFs::MakeChar | AccessFs::MakeBlock | AccessFs::IoctlDev);
    let mut rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(everything)?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let device = AccessFs::ReadFile | AccessFs::WriteFile;
    let groups = [(&READ[..], read), (&WRITE[..], write), (&DEVICES[..], device)];
    for (paths, access) in groups {
        for path in paths.iter().filter(|path| Path::new(path).exists()) {
            // It was there a moment ago and nobody else is in the jail yet.
            if let Ok(place) = PathFd::new(path) {
                rules = rules.add_rule(PathBeneath::new(place, access))?;
            }
        }
    }
    let status = rules.restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Some("files, signals and abstract sockets"),
        RulesetStatus::PartiallyEnforced => Some("files; what this kernel does not know of is left out"),
        RulesetStatus::NotEnforced => None,
    })
}
