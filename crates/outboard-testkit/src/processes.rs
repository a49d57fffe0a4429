//! Which processes are alive, read from `/proc`, so that a test can show that none was left behind.
//! Zombies do not count: they have ended. Linux only.

use std::{fs, path::Path};

/// Living processes of the process group `group`.
pub fn alive_in_group(group: u32) -> Vec<u32> {
    living(|stat| stat.group == group)
}

/// Whether `pid` is a living process.
pub fn is_alive(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.alive)
}

fn living(wanted: impl Fn(&Stat) -> bool) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc lists the processes");
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| stat(*pid).is_some_and(|stat| stat.alive && wanted(&stat)))
        .collect()
}

/// The process group of a living process.
pub fn group_of(pid: u32) -> Option<u32> {
    stat(pid).filter(|stat| stat.alive).map(|stat| stat.group)
}

struct Stat {
    alive: bool,
    parent: u32,
    group: u32,
}

fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    // The second field is the program's name in parentheses and may itself contain some.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let ended = matches!(fields.next()?, "Z" | "X");
    // The first thread ends before others, which may still hold the process's files.
    let threads =
        || fs::read_dir(Path::new("/proc").join(pid.to_string()).join("task")).map_or(0, Iterator::count);
    let alive = !ended || threads() > 1;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some(Stat { alive, parent, group })
}

/// Living processes whose parent is `pid`.
pub fn children_of(pid: u32) -> Vec<u32> {
    living(|stat| stat.parent == pid)
}

/// Sends a signal, for example `INT`, with the system's `kill`.
///
/// # Panics
/// If it cannot be sent.
pub fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "send SIG{name} to {pid}");
}
