//! A group of processes (cgroup, version 1 or 2) for one jail, where this user may make one.
//! It limits all processes together; where it cannot be had, other modules do what they can.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::order::Limits;

/// How often this is looked at in its period, in microseconds.
const PERIOD: u64 = 100_000;
/// What our groups are called, with the launcher's pid after it.
const PREFIX: &str = "outboard-jail-";
/// Where processes enter a group.
const PROCESSES: &str = "cgroup.procs";

/// What a group can limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Memory,
    Processes,
    Processor,
}

impl What {
    const ALL: [Self; 3] = [Self::Memory, Self::Processes, Self::Processor];

    /// The controller of version 1, and of version 2.
    fn controller(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Processes => "pids",
            Self::Processor => "cpu",
        }
    }

    /// A file that a group has if it can limit this.
    fn file(self, version: u8) -> &'static str {
        match (self, version) {
            (Self::Memory, 1) => "memory.limit_in_bytes",
            (Self::Memory, _) => "memory.max",
            (Self::Processes, _) => "pids.max",
            (Self::Processor, 1) => "cpu.cfs_quota_us",
            (Self::Processor, _) => "cpu.max",
        }
    }

    /// Files and what is written into them; those that may be missing come with `false`.
    fn settings(self, version: u8, limits: &Limits) -> Vec<(&'static str, String, bool)> {
        // The launcher is in the group too.
        let (memory, processes) = (limits.memory.to_string(), (limits.processes + 1).to_string());
        let quota = limits.cpu_percent * PERIOD / 100;
        match (self, version) {
            (Self::Memory, 1) => vec![
                ("memory.limit_in_bytes", memory.clone(), true),
                ("memory.memsw.limit_in_bytes", memory, false),
                ("memory.swappiness", "0".to_owned(), false),
            ],
            (Self::Memory, _) => {
                vec![("memory.max", memory, true), ("memory.swap.max", "0".to_owned(), false)]
            }
            (Self::Processes, _) => vec![("pids.max", processes, true)],
            (Self::Processor, 1) => vec![
                ("cpu.cfs_period_us", PERIOD.to_string(), true),
                ("cpu.cfs_quota_us", quota.to_string(), true),
            ],
            (Self::Processor, _) => vec![("cpu.max", format!("{quota} {PERIOD}"), true)],
        }
    }
}

/// Where groups of one controller can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Hierarchy {
    version: u8,
    /// Folders that may serve, best first.
    parents: Vec<PathBuf>,
}

/// The groups of one jail, with this process in them. They are removed when this is dropped, which takes that all other
/// processes in them have ended.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    places: Vec<Place>,
    problems: Vec<(What, String)>,
}

/// A group of one hierarchy.
#[derive(Debug)]
struct Place {
    version: u8,
    folder: PathBuf,
    /// Where this process was before.
    before: PathBuf,
    limits: Vec<What>,
}

impl Groups {
    /// Makes what can be made of them here, without limits yet, and enters them with this process: what comes of it is in
    /// them from its first instruction. To enter takes the kernel longer than all the rest of a jail, so it comes early.
    pub(crate) fn enter(wanted: impl Fn(What) -> bool) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let (mounts, own) = (read("/proc/self/mountinfo"), read("/proc/self/cgroup"));
        let mut groups = Self::default();
        for what in What::ALL.into_iter().filter(|what| wanted(*what)) {
            match hierarchy(&mounts, &own, what.controller()) {
                Some(hierarchy) => groups.add(what, &hierarchy),
                None => groups.problems.push((what, "no cgroup of this kind is mounted".to_owned())),
            }
        }
        groups
    }

    fn add(&mut self, what: What, hierarchy: &Hierarchy) {
        let mut problem = "no place for a cgroup".to_owned();
        for parent in &hierarchy.parents {
            let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
            // Of version 2 it may serve another controller already.
            if let Some(place) = self.places.iter_mut().find(|place| place.folder == folder) {
                if folder.join(what.file(place.version)).exists() {
                    place.limits.push(what);
                    return;
                }
                continue;
            }
            sweep(parent);
            match make(&folder, what.file(hierarchy.version)) {
                Ok(()) => {
                    let before = hierarchy.parents.first().unwrap_or(parent).clone();
                    self.places.push(Place {
                        version: hierarchy.version,
                        folder,
                        before,
                        limits: vec![what],
                    });
                    return;
                }
                Err(error) => problem = format!("{}: {error}", folder.display()),
            }
        }
        self.problems.push((what, problem));
    }

    /// Sets the limits. What cannot be set is a problem.
    pub(crate) fn limit(&mut self, limits: &Limits) {
        for place in &mut self.places {
            let (folder, version, problems) = (&place.folder, place.version, &mut self.problems);
            place.limits.retain(|what| {
                let set = set(folder, &what.settings(version, limits));
                set.map_err(|error| problems.push((*what, format!("{}: {error}", folder.display())))).is_ok()
            });
        }
    }

    /// Why this is not limited by a group, if it is not.
    pub(crate) fn problem(&self, what: What) -> Option<String> {
        if self.places.iter().any(|place| place.limits.contains(&what)) {
            return None;
        }
        let known = self.problems.iter().find(|(of, _)| *of == what).map(|(_, problem)| problem.clone());
        Some(known.unwrap_or_else(|| "not asked for".to_owned()))
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for Place { folder, before, .. } in &self.places {
            // This process goes back to where it was: of version 2 no other group takes it, one that limits its children least of
            // all. What the kernel has not let go of yet, the next jail sweeps away.
            let _ = fs::write(before.join(PROCESSES), std::process::id().to_string());
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Makes a group that can be limited by this file, and enters it.
fn make(folder: &Path, file: &str) -> io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let entered = if folder.join(file).exists() {
        fs::OpenOptions::new().write(true).open(folder.join(PROCESSES)).and_then(|mut processes| {
            io::Write::write_all(&mut processes, std::process::id().to_string().as_bytes())
        })
    } else {
        Err(io::Error::other(format!("it has no {file}")))
    };
    if entered.is_err() {
        let _ = fs::remove_dir(folder);
    }
    entered
}

/// Takes away the groups of launchers that were killed: only groups without processes can be removed.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn set(folder: &Path, settings: &[(&str, String, bool)]) -> io::Result<()> {
    for (file, value, needed) in settings {
        // A file that is not there would be made by writing it where this is no cgroup.
        let written = fs::OpenOptions::new().write(true).open(folder.join(file));
        let written = written.and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()));
        if let (Err(error), true) = (written, needed) {
            return Err(io::Error::new(error.kind(), format!("{file}: {error}")));
        }
    }
    Ok(())
}

/// Where groups of this controller can be made, by the text of `/proc/self/mountinfo` and `/proc/self/cgroup`.
fn hierarchy(mounts: &str, own: &str, controller: &str) -> Option<Hierarchy> {
    let own_path = |of: &dyn Fn(&str) -> bool| {
        own.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':').skip(1);
            let (controllers, path) = (parts.next()?, parts.next()?);
            of(controllers).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    let mounted = |kind: &str, of: &dyn Fn(&str) -> bool| {
        mounts.lines().find_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut after = after.split(' ');
            let (file_system, options) = (after.next()?, after.nth(1)?);
            let place = before.split(' ').nth(4)?;
            (file_system == kind && of(options)).then(|| PathBuf::from(place))
        })
    };
    let named = |list: &str| list.split(',').any(|name| name == controller);
    if let Some(mount) = mounted("cgroup", &named) {
        let own = own_path(&named).unwrap_or_default();
        return Some(Hierarchy { version: 1, parents: places(&mount, &own) });
    }
    let mount = mounted("cgroup2", &|_| true)?;
    let own = own_path(&str::is_empty).unwrap_or_default();
    Some(Hierarchy { version: 2, parents: places(&mount, &own) })
}

/// Below the own group; beside it, because a group of version 2 that holds processes can have no limited children; and
/// below the root.
fn places(mount: &Path, own: &str) -> Vec<PathBuf> {
    let below = mount.join(own);
    let mut places = vec![below.clone()];
    if let Some(beside) = below.parent().filter(|beside| beside.starts_with(mount)) {
        places.push(beside.to_owned());
    }
    places.push(mount.to_owned());
    places.dedup();
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_found_where_they_are_mounted() {
        let hybrid = "28 27 0:24 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
            36 27 0:32 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
            37 27 0:33 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
        let own = "4:memory:/a/b\n3:cpu,cpuacct:/\n0::/\n";
        let place = |path: &str| PathBuf::from("/sys/fs/cgroup").join(path);
        assert_eq!(
            hierarchy(hybrid, own, "memory"),
            Some(Hierarchy {
                version: 1,
                parents: vec![place("memory/a/b"), place("memory/a"), place("memory")]
            })
        );
        assert_eq!(hierarchy(hybrid, own, "cpu").unwrap().version, 1);
        assert_eq!(hierarchy(hybrid, own, "pids").unwrap().version, 2);
        let unified = "30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(
            hierarchy(unified, "0::/user.slice/s.scope\n", "pids"),
            Some(Hierarchy {
                version: 2,
                parents: vec![place("user.slice/s.scope"), place("user.slice"), place("")]
            })
        );
        assert_eq!(hierarchy("", "", "pids"), None);
    }

    #[test]
    fn where_no_file_takes_a_limit_none_is_claimed_and_nothing_stays() {
        let parent = std::env::temp_dir().join(format!("outboard-cgroup-{}", std::process::id()));
        fs::create_dir_all(&parent).unwrap();
        let hierarchy = Hierarchy { version: 2, parents: vec![parent.clone()] };
        let mut groups = Groups::default();
        groups.add(What::Memory, &hierarchy);
        assert!(groups.problem(What::Memory).unwrap().contains("memory.max"));
        assert_eq!(fs::read_dir(&parent).unwrap().count(), 0);
        fs::remove_dir(&parent).unwrap();
    }
}
