//! Where the Outboard is that programs with generated packages reach: a socket for each user, state directory, configuration
//! directory and project, in a folder of its own, and the lock of whoever serves it. It serves nothing itself.
//!
//! A project has one of its own, because a project's servers are to be reached by that project's programs alone; where no
//! project's files have effect it is the user's. The lock is the system's: it is free when its holder is gone, however it went.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    os::unix::{fs::OpenOptionsExt as _, net::UnixStream},
    path::{Path, PathBuf},
};

use outboard_socket::{NoPlace, Private, package::Reach};

use crate::{
    clients::Program,
    config::{Places, hash},
    private_file,
    report::Failure,
};

/// The socket's name in its folder.
pub(crate) const SOCKET: &str = "socket";
/// Longest path of a socket, in bytes: what every system takes.
const LONGEST: usize = 100;

/// Where one daemon is, or is to be.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    folder: PathBuf,
    /// The project whose servers it has besides the user's own.
    pub(crate) project: Option<PathBuf>,
    config: PathBuf,
    state: PathBuf,
}

/// Whoever holds it serves the socket, and nobody else does.
#[derive(Debug)]
pub(crate) struct Holding {
    _lock: File,
}

impl Post {
    /// The post of this project, or of the user alone.
    pub(crate) fn here(project: Option<PathBuf>, places: &Places) -> Result<Self, Failure> {
        private_file::make_directory(&places.state).map_err(|error| Failure::could_not(&error))?;
        let resolved = |path: &Path| std::fs::canonicalize(path).or_else(|_| std::path::absolute(path));
        let failed = |error: io::Error| Failure::could_not(&error);
        let (state, config) =
            (resolved(&places.state).map_err(failed)?, resolved(&places.config).map_err(failed)?);
        let project = project.map(|project| resolved(&project)).transpose().map_err(failed)?;
        let key = |more: Option<&Path>| {
            let parts = [Some(config.as_path()), project.as_deref(), more];
            let parts = parts.map(|part| part.map(|path| path.as_os_str().as_encoded_bytes()));
            // With a length before each, no two places share a key.
            let text: Vec<u8> = parts
                .iter()
                .flat_map(|part| {
                    let part = part.unwrap_or_default();
                    [&(part.len() as u64).to_be_bytes()[..], part].concat()
                })
                .collect();
            hash(&text)[..16].to_owned()
        };
        let usual = state.join("daemon").join(key(None));
        let folder = if usual.join(SOCKET).as_os_str().len() <= LONGEST {
            usual
        } else {
            let user = rustix::process::geteuid().as_raw();
            PathBuf::from(format!("/tmp/outboard-{user}-{}", key(Some(&state))))
        };
        Ok(Self { folder, project, config, state })
    }

    /// Where the socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.join(SOCKET)
    }

    /// Where a daemon that nobody looks at writes what it has to say.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The folder, which is this user's alone.
    pub(crate) fn folder(&self) -> Result<Private, NoPlace> {
        Private::folder(&self.folder)
    }

    /// Whether somebody serves it.
    pub(crate) fn is_served(&self) -> bool {
        UnixStream::connect(self.socket()).is_ok()
    }

    /// The right to serve it, unless somebody has it.
    pub(crate) fn hold(&self) -> Result<Option<Holding>, io::Error> {
        let mut file = self.lock_file()?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // For people who look for it.
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Some(Holding { _lock: file }))
    }

    /// The process that serves it, if it has said so.
    pub(crate) fn holder(&self) -> Option<u32> {
        let mut text = String::new();
        let mut file = self.lock_file().ok()?;
        file.rewind().ok()?;
        file.read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn lock_file(&self) -> Result<File, io::Error> {
        let mut options = File::options();
        options.create(true).truncate(false).read(true).write(true).mode(0o600);
        options.open(self.folder.join("lock"))
    }

    /// How a package finds it, and what it starts where nobody serves it.
    pub(crate) fn reach(&self, program: &Program) -> Reach {
        let mut start = vec![program.command.clone(), "daemon".to_owned(), "--start".to_owned()];
        match &self.project {
            Some(project) => start.extend(["--project".to_owned(), project.display().to_string()]),
            None => start.push("--no-project".to_owned()),
        }
        let text = |path: &Path| path.display().to_string();
        let environment = [("OUTBOARD_CONFIG_DIR", &self.config), ("OUTBOARD_STATE_DIR", &self.state)];
        Reach {
            socket: Some(self.socket()),
            start,
            environment: environment.map(|(name, path)| (name.to_owned(), text(path))).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(root: &Path) -> Places {
        let text = |name: &str| Some(root.join(name).display().to_string());
        let variable = |name: &str| match name {
            "OUTBOARD_CONFIG_DIR" => text("config"),
            "OUTBOARD_STATE_DIR" => text("state"),
            _ => None,
        };
        Places::of_user(variable).unwrap()
    }

    #[test]
    fn each_project_has_a_post_of_its_own_and_short_paths() {
        let root = tempfile::tempdir().unwrap();
        let places = places(root.path());
        let of = |project: Option<&str>| Post::here(project.map(PathBuf::from), &places).unwrap();
        assert_eq!(of(None).socket(), of(None).socket());
        assert_ne!(of(None).socket(), of(Some("/p")).socket());
        assert_ne!(of(Some("/q")).socket(), of(Some("/p")).socket());
        assert!(of(None).socket().starts_with(std::fs::canonicalize(&places.state).unwrap()));

        let deep = root.path().join("x".repeat(120));
        let post = Post::here(None, &self::places(&deep)).unwrap();
        assert!(post.socket().as_os_str().len() <= LONGEST, "{post:?}");
    }

    #[test]
    fn one_serves_and_whoever_comes_after_it_can() {
        let root = tempfile::tempdir().unwrap();
        let post = Post::here(None, &places(root.path())).unwrap();
        post.folder().unwrap();
        let first = post.hold().unwrap().unwrap();
        assert!(post.hold().unwrap().is_none());
        assert_eq!(post.holder(), Some(std::process::id()));
        drop(first);
        assert!(post.hold().unwrap().is_some());
        assert!(!post.is_served());
    }
}
