//! Which protections a container has, by what is seen from within before anything else runs in it: what an engine was asked
//! for and left out is told as not in force. It is an image's own programs that tell, so it is no proof against an image.

use outboard_jail::{HOME, Protection, Standing, order::Limits};

/// Without these no container is a workspace, whatever else is required. A user namespace is not among them: engines that run
/// as root make none by themselves.
const ALWAYS: [Protection; 7] = [
    Protection::Root,
    Protection::ReadOnlyRoot,
    Protection::PidNamespace,
    Protection::NetNamespace,
    Protection::Seccomp,
    Protection::Capabilities,
    Protection::NoNewPrivileges,
];

/// What is looked at, each line of it behind its name.
pub(super) const LOOK: &str = r#"
look() { while IFS= read -r line; do printf '%s %s\n' "$1" "$line"; done; }
look status < /proc/self/status
look limit < /proc/self/limits
look mount < /proc/self/mountinfo
look net < /proc/net/dev
look user < /proc/self/uid_map
for kind in user mnt pid net ipc uts cgroup; do printf 'space %s %s\n' "$kind" "$(readlink /proc/self/ns/$kind)"; done
for file in memory/memory.limit_in_bytes memory.max pids/pids.max pids.max cpu/cpu.cfs_quota_us cpu.max; do
  if [ -r "/sys/fs/cgroup/$file" ]; then look "group $file" < "/sys/fs/cgroup/$file"; fi
done
"#;

/// Namespaces by the kernel's names for them, and the number that the first of each has, if that is always the same.
const SPACES: [(Protection, &str, &str); 7] = [
    (Protection::UserNamespace, "user", "user:[4026531837]"),
    (Protection::Root, "mnt", ""),
    (Protection::PidNamespace, "pid", "pid:[4026531836]"),
    (Protection::NetNamespace, "net", ""),
    (Protection::IpcNamespace, "ipc", "ipc:[4026531839]"),
    (Protection::UtsNamespace, "uts", "uts:[4026531838]"),
    (Protection::CgroupNamespace, "cgroup", "cgroup:[4026531835]"),
];

/// What was seen.
struct Look<'a>(&'a str);

impl<'a> Look<'a> {
    /// Lines that were seen under this name.
    fn under(&self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    /// What stands behind this word of the process's status.
    fn status(&self, word: &str) -> &'a str {
        self.under("status").find_map(|line| line.strip_prefix(word)).unwrap_or_default().trim()
    }

    fn mount(&self, place: &str) -> Option<&'a str> {
        self.under("mount").find(|line| line.split(' ').nth(4) == Some(place))
    }

    /// The first number in any of these files of the container's group.
    fn group(&self, files: [&str; 2]) -> Option<u64> {
        let line = |file: &str| {
            self.under("group")
                .find_map(|line| line.strip_prefix(file).and_then(|rest| rest.strip_prefix(' ')))
        };
        files.into_iter().filter_map(line).find_map(|line| line.split(' ').next()?.parse().ok())
    }
}

/// How each protection stands. `ours` gives the namespace of a kind that this process is in, if it is on the same kernel.
pub(super) fn standings(look: &str, limits: &Limits, ours: impl Fn(&str) -> Option<String>) -> Vec<Standing> {
    let look = Look(look);
    let of = |protection: Protection| -> Result<String, String> {
        let yes = |is: bool, why: &str| if is { Ok(String::new()) } else { Err(why.to_owned()) };
        match protection {
            Protection::NetNamespace if look.under("net").filter(|line| line.contains(':')).count() > 1 => {
                Err("it has a network".to_owned())
            }
            Protection::UserNamespace
            | Protection::Root
            | Protection::PidNamespace
            | Protection::NetNamespace
            | Protection::IpcNamespace
            | Protection::UtsNamespace
            | Protection::CgroupNamespace => yes(own_space(&look, protection, &ours), "it is the host's"),
            Protection::OwnUser => own_user(&look),
            Protection::ReadOnlyRoot => {
                let options = look.mount("/").and_then(|line| line.split(' ').nth(5)).unwrap_or_default();
                yes(options.split(',').any(|option| option == "ro"), "it can be written")
            }
            Protection::Seccomp => yes(look.status("Seccomp:") == "2", "no list of system calls is in force"),
            Protection::Landlock => Err("containers have none".to_owned()),
            Protection::Capabilities => {
                let none = ["CapEff:", "CapPrm:", "CapBnd:"].map(look_zero(&look));
                yes(none == [true; 3], "there are some, or some are to be had")
            }
            Protection::NoNewPrivileges => {
                yes(look.status("NoNewPrivs:") == "1", "programs can give new rights")
            }
            Protection::NonDumpable => Err("its first process is of the same user".to_owned()),
            Protection::ProcessLimits => {
                let open = look.under("limit").find_map(|line| line.strip_prefix("Max open files"));
                let open = open.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
                yes(open.is_some_and(|open| open <= limits.open_files), "open files have no limit")
            }
            Protection::ProcessCount => {
                let most = look.group(["pids/pids.max", "pids.max"]);
                yes(most.is_some_and(|most| most <= limits.processes), "the engine does not limit it here")
            }
            Protection::Memory => {
                let most = look.group(["memory/memory.limit_in_bytes", "memory.max"]);
                yes(most.is_some_and(|most| most <= limits.memory), "the engine does not limit it here")
            }
            Protection::Processor => {
                let quota = look.group(["cpu/cpu.cfs_quota_us", "cpu.max"]);
                yes(quota.is_some(), "the engine does not limit it here")
            }
            Protection::Disk => {
                let home = look.mount(HOME).unwrap_or_default();
                yes(home.contains("size="), "it has no limit").map(|_| {
                    let files = if home.contains("nr_inodes=") { "" } else { ", not the number of files" };
                    format!("bytes of each place{files}")
                })
            }
        }
    };
    Protection::ALL
        .into_iter()
        .map(|protection| {
            let (in_force, note) = match of(protection) {
                Ok(note) => (true, note),
                Err(why) => (false, why),
            };
            Standing { protection, in_force, note }
        })
        .collect()
}

/// The first protection without which this is no workspace, and why it is not there.
pub(super) fn missing(standings: &[Standing], required: &[Protection]) -> Option<(Protection, String)> {
    let needed = |protection| ALWAYS.contains(&protection) || required.contains(&protection);
    let missing = standings.iter().find(|standing| !standing.in_force && needed(standing.protection))?;
    Some((missing.protection, missing.note.clone()))
}

fn look_zero<'a>(look: &'a Look<'a>) -> impl Fn(&str) -> bool + 'a {
    |word| {
        let set = look.status(word);
        !set.is_empty() && set.chars().all(|digit| digit == '0')
    }
}

fn own_space(look: &Look<'_>, protection: Protection, ours: &impl Fn(&str) -> Option<String>) -> bool {
    let Some((_, kind, first)) = SPACES.into_iter().find(|(of, ..)| *of == protection) else { return false };
    let mut seen = look.under("space").filter_map(|line| line.split_once(' '));
    let seen = seen.find(|(of, _)| *of == kind).map_or("", |(_, seen)| seen);
    !seen.is_empty() && seen != first && ours(kind).is_none_or(|ours| ours != seen)
}

/// Who the agent is outside of the container.
fn own_user(look: &Look<'_>) -> Result<String, String> {
    let user = u64::from(super::arguments::USER);
    let outside = look.under("user").find_map(|line| {
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [first, outside, count] if (first..first + count).contains(&user) => Some(outside + user - first),
            _ => None,
        }
    });
    match outside {
        // What is given out for containers (`/etc/subuid`) begins behind those of people.
        Some(outside) if outside >= 65_536 => Ok(format!("uid {outside}")),
        Some(outside) => Err(format!("outside it is uid {outside}")),
        None => Err("nobody tells who it is outside".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOTLESS: &str = "status CapPrm:\t0000000000000000\nstatus CapEff:\t0000000000000000\nstatus CapBnd:\t0000000000000000\n\
        status NoNewPrivs:\t1\nstatus Seccomp:\t2\nlimit Max open files            1024                 1024                 files     \n\
        mount 73 48 0:40 / / ro,relatime - overlay overlay rw\n\
        mount 90 73 0:52 / /home/agent rw,nosuid,nodev,relatime - tmpfs tmpfs rw,size=32768k\n\
        net Inter-|   Receive\nnet     lo:       0\nuser          0       1001          1\nuser          1     165536      65536\n\
        space user user:[4026532001]\nspace mnt mnt:[4026532002]\nspace pid pid:[4026532003]\nspace net net:[4026532004]\n\
        space ipc ipc:[4026532005]\nspace uts uts:[4026532006]\nspace cgroup cgroup:[4026532007]\n\
        group memory.max 1073741824\ngroup pids.max 256\ngroup cpu.max 100000 100000\n";

    fn not_in_force(look: &str) -> Vec<&'static str> {
        let ours = |kind: &str| Some(format!("{kind}:[1]"));
        let standings = standings(look, &Limits::default(), ours);
        standings.iter().filter(|one| !one.in_force).map(|one| one.protection.name()).collect()
    }

    #[test]
    fn what_is_seen_is_told_and_what_is_not_seen_is_not_claimed() {
        assert_eq!(not_in_force(ROOTLESS), ["landlock", "non-dumpable"]);
        let all: Vec<&str> = Protection::ALL.iter().map(|protection| protection.name()).collect();
        assert_eq!(not_in_force(""), all);
        for (seen, instead, missing) in [
            ("user:[4026532001]", "user:[4026531837]", "user-namespace"),
            ("mnt:[4026532002]", "mnt:[1]", "root"),
            ("/ / ro,", "/ / rw,", "read-only-root"),
            ("net     lo:       0", "net lo: 0\nnet eth0: 0", "net-namespace"),
            ("Seccomp:\t2", "Seccomp:\t0", "seccomp"),
            ("CapBnd:\t0000000000000000", "CapBnd:\t00000000a80425fb", "capabilities"),
            ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "no-new-privileges"),
            ("memory.max 1073741824", "memory/memory.limit_in_bytes 9223372036854771712", "memory"),
            ("pids.max 256", "pids.max max", "process-count"),
            ("cpu.max 100000 100000", "cpu/cpu.cfs_quota_us -1", "processor"),
            ("1024                 1024", "1048576              1048576", "process-limits"),
            ("1     165536      65536", "1000 1000 1", "own-user"),
            (",size=32768k", "", "disk"),
        ] {
            let look = ROOTLESS.replace(seen, instead);
            let found = not_in_force(&look);
            assert_eq!(found.len(), 3, "{missing}: {found:?}");
            assert!(found.contains(&missing), "{missing}: {found:?}");
        }
    }

    #[test]
    fn what_no_container_goes_without_and_what_is_required_refuses() {
        let of = |look: &str, required: &[Protection]| {
            let standings = standings(look, &Limits::default(), |_| None);
            missing(&standings, required).map(|(protection, _)| protection)
        };
        assert_eq!(of(ROOTLESS, &[]), None);
        assert_eq!(of(ROOTLESS, &[Protection::Landlock]), Some(Protection::Landlock));
        assert_eq!(of(&ROOTLESS.replace("Seccomp:\t2", ""), &[]), Some(Protection::Seccomp));
        let as_root = ROOTLESS.replace("user:[4026532001]", "user:[4026531837]");
        assert_eq!(of(&as_root, &[]), None);
        assert_eq!(of(&as_root, &[Protection::UserNamespace]), Some(Protection::UserNamespace));
    }
}
