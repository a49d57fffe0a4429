//! The root of the jail: a small tree in memory with the system's programs, read-only, and the agent's own places.
//!
//! Everything of the host that is shown is taken before the new root is entered; after that nothing of the host can be
//! named. What is shown never leads to a device and gives nobody rights by its setuid bits.

use std::{
    fs, io,
    os::fd::OwnedFd,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::{
    HOME,
    order::{Limits, Order, Shown},
    protection::Protection,
    python::{self, Interpreter},
    sys,
};

/// The jail's root could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {source}")]
pub(crate) struct RootRefused {
    what: String,
    source: io::Error,
}

/// Folders of the system that are shown, if they are there. Where they are links into `/usr`, they are links here too.
const SYSTEM: [&str; 6] = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];
/// Files and folders of `/etc` that programs cannot do without. None of them says anything about this machine's people.
const ETC: [&str; 5] =
    ["/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/etc/mime.types", "/etc/magic"];
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Places to build the root at, of which one is there on every system. Only this process sees it.
const SITES: [&str; 4] = ["/tmp", "/mnt", "/run", "/var"];
/// Where the agent's file system is while its folders are put in their places.
const DESK: &str = ".desk";

/// A copy of something of the host that is not in its place yet.
struct Taken {
    tree: OwnedFd,
    inside: PathBuf,
    is_folder: bool,
}

/// What of the host is to be seen, taken while it can be named.
pub(crate) struct Shelf {
    taken: Vec<Taken>,
    links: Vec<(PathBuf, PathBuf)>,
}

impl Shelf {
    /// Takes the system and what the order names.
    pub(crate) fn take(order: &Order) -> Result<Self, RootRefused> {
        let (mut taken, mut links) = (Vec::new(), Vec::new());
        let system = sys::READ_ONLY | sys::NO_SETUID | sys::NO_DEVICES;
        take(&mut taken, Path::new("/usr"), Path::new("/usr"), system)?;
        for name in SYSTEM.map(Path::new) {
            match fs::read_link(name) {
                Ok(target) => links.push((name.to_owned(), target)),
                Err(_) if name.is_dir() => take(&mut taken, name, name, system)?,
                Err(_) => {}
            }
        }
        for name in ETC.map(Path::new).into_iter().filter(|name| name.exists()) {
            take(&mut taken, name, name, system | sys::NO_EXEC)?;
        }
        for device in DEVICES {
            let path = Path::new("/dev").join(device);
            take(&mut taken, &path, &path, sys::READ_ONLY | sys::NO_SETUID | sys::NO_EXEC)?;
        }
        for Shown { host, inside } in &order.shown {
            take(&mut taken, host, inside, system)?;
        }
        Ok(Self { taken, links })
    }
}

fn take(taken: &mut Vec<Taken>, host: &Path, inside: &Path, attributes: u64) -> Result<(), RootRefused> {
    let what = |what: &str| format!("{what} {}", host.display());
    let is_folder = host.metadata().map_err(refused(what("look at")))?.is_dir();
    let host = host.canonicalize().map_err(refused(what("find")))?;
    let tree = sys::copy_of_tree(&host).map_err(refused(what("take")))?;
    sys::restrict_tree(&tree, attributes).map_err(refused(what("restrict")))?;
    taken.push(Taken { tree, inside: inside.to_owned(), is_folder });
    Ok(())
}

/// Nothing that is mounted from now on is seen by anybody else.
pub(crate) fn part_from_host() -> Result<(), RootRefused> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .map_err(|error| refused("part from the host's mounts")(error.into()))
}

/// Builds the root and enters it; it is still open. Gives why there is no `/proc`, if there is none.
pub(crate) fn build(
    shelf: &Shelf,
    order: &Order,
    interpreter: Option<&Interpreter>,
    off: &[Protection],
) -> Result<Option<String>, RootRefused> {
    let site = SITES.map(Path::new).into_iter().find(|site| site.is_dir());
    let site = site.ok_or_else(|| refused("find a folder")(io::ErrorKind::NotFound.into()))?;
    mount_memory(site, "mode=0755,size=64m,nr_inodes=32768", MsFlags::MS_NODEV)?;
    for folder in ["etc", "dev", "dev/shm", "proc", "tmp", "opt", "run/outboard", "home/agent"] {
        make_folder(&site.join(folder))?;
    }
    for (name, target) in &shelf.links {
        symlink(target, under(site, name)).map_err(refused(format!("link {}", name.display())))?;
    }
    for Taken { tree, inside, is_folder } in &shelf.taken {
        let place = under(site, inside);
        if *is_folder {
            make_folder(&place)?;
        } else {
            make_file(&place)?;
        }
        sys::attach(tree, &place).map_err(refused(format!("show {}", inside.display())))?;
    }
    for (name, target) in [
        ("dev/fd", "/proc/self/fd"),
        ("dev/stdin", "/proc/self/fd/0"),
        ("dev/stdout", "/proc/self/fd/1"),
        ("dev/stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, site.join(name)).map_err(refused(format!("link {name}")))?;
    }
    make_own_places(site, &order.limits, off)?;
    for (path, text) in &order.files {
        let place = under(site, path);
        make_file(&place)?;
        fs::write(&place, text).map_err(refused(format!("write {}", path.display())))?;
    }
    if let Some(interpreter) = interpreter {
        keep_ready(site, interpreter)?;
    }
    let proc = mount_proc(&site.join("proc")).err();
    enter(site, off.contains(&Protection::Root))?;
    Ok(proc)
}

/// The agent's places: one file system with one limit, seen at each of them.
fn make_own_places(site: &Path, limits: &Limits, off: &[Protection]) -> Result<(), RootRefused> {
    let desk = site.join(DESK);
    make_folder(&desk)?;
    let options = if off.contains(&Protection::Disk) {
        "mode=0755".to_owned()
    } else {
        format!("mode=0755,size={},nr_inodes={}", limits.disk, limits.files)
    };
    mount_memory(&desk, &options, MsFlags::MS_NODEV)?;
    for (name, mode, place) in [("home", 0o755, HOME), ("tmp", 0o1777, "/tmp"), ("shm", 0o1777, "/dev/shm")] {
        let folder = desk.join(name);
        make_folder(&folder)?;
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&folder, permissions).map_err(refused(format!("open {place}")))?;
        mount(Some(&folder), &under(site, Path::new(place)), None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|error| refused(format!("place {place}"))(error.into()))?;
    }
    umount2(&desk, MntFlags::MNT_DETACH).map_err(|error| refused("clear the desk")(error.into()))?;
    fs::remove_dir(&desk).map_err(refused("take the desk away"))
}

/// The interpreter's own file, and what stands for it on the path: the one place of ours from which programs are started, and
/// nothing can be changed in it.
fn keep_ready(site: &Path, interpreter: &Interpreter) -> Result<(), RootRefused> {
    let file = under(site, Path::new(python::FOLDER)).join("sitecustomize.py");
    make_file(&file)?;
    fs::write(&file, python::INTERPRETER).map_err(refused("write the interpreter's file"))?;
    let programs = under(site, Path::new(python::PROGRAMS));
    make_folder(&programs)?;
    mount_memory(&programs, "mode=0755,size=4m,nr_inodes=16", MsFlags::MS_NODEV)?;
    for name in &interpreter.names {
        let shim = programs.join(name);
        fs::write(&shim, python::SHIM).map_err(refused(format!("write {name}")))?;
        fs::set_permissions(&shim, fs::Permissions::from_mode(0o755))
            .map_err(refused(format!("open {name}")))?;
    }
    sys::restrict_mount(&programs, sys::READ_ONLY | sys::NO_SETUID | sys::NO_DEVICES)
        .map_err(refused("close the folder of programs"))
}

/// The processes of the jail and nothing else that `/proc` tells.
fn mount_proc(place: &Path) -> Result<(), String> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), place, Some("proc"), flags, Some("subset=pid")).map_err(|error| error.to_string())
}

/// Makes the tree at `site` the root and lets go of the old one, unless a test asks for its being kept.
fn enter(site: &Path, keep: bool) -> Result<(), RootRefused> {
    let step = |what: &'static str| move |error: nix::Error| refused(what)(error.into());
    nix::unistd::chdir(site).map_err(step("go to the new root"))?;
    if keep {
        nix::unistd::pivot_root(".", "run/outboard").map_err(step("enter the new root"))?;
        return nix::unistd::chdir("/").map_err(step("go to the root"));
    }
    nix::unistd::pivot_root(".", ".").map_err(step("enter the new root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(step("leave the old root"))?;
    nix::unistd::chdir("/").map_err(step("go to the root"))
}

/// Nothing can be made or changed in the root itself from now on.
pub(crate) fn close() -> Result<(), RootRefused> {
    sys::restrict_mount(Path::new("/"), sys::READ_ONLY | sys::NO_SETUID | sys::NO_DEVICES | sys::NO_EXEC)
        .map_err(refused("make the root read-only"))
}

fn mount_memory(place: &Path, options: &str, flags: MsFlags) -> Result<(), RootRefused> {
    mount(Some("tmpfs"), place, Some("tmpfs"), flags | MsFlags::MS_NOSUID, Some(options))
        .map_err(|error| refused("mount memory")(error.into()))
}

fn make_folder(path: &Path) -> Result<(), RootRefused> {
    fs::create_dir_all(path).map_err(refused(format!("make {}", path.display())))
}

fn make_file(path: &Path) -> Result<(), RootRefused> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    let made = fs::OpenOptions::new().create(true).append(true).open(path);
    made.map(drop).map_err(refused(format!("make {}", path.display())))
}

/// An absolute path of the jail as it is reached while the root is being built.
fn under(site: &Path, inside: &Path) -> PathBuf {
    site.join(inside.strip_prefix("/").unwrap_or(inside))
}

fn refused(what: impl Into<String>) -> impl FnOnce(io::Error) -> RootRefused {
    let what = what.into();
    move |source| RootRefused { what, source }
}
