//! The program that makes containers: which there is, and what it takes.
//! It makes none, and asks none whether it works.

use std::{env, ffi::OsStr, path::Path};

/// Programs that are looked for where none is named, best first: the first needs no daemon and no rights.
const KNOWN: [&str; 2] = ["podman", "docker"];

/// The command of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// `docker`, `podman` or another that takes the same arguments, with arguments that come before all others.
    words: Vec<String>,
}

/// There is no program that makes containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no engine for containers: neither podman nor docker is on the path")]
pub struct NoEngine;

impl Engine {
    /// The engine of this command: a program, and arguments that come before all others.
    pub fn of(program: impl Into<String>, arguments: impl IntoIterator<Item = String>) -> Self {
        Self { words: [program.into()].into_iter().chain(arguments).collect() }
    }

    /// The first known engine in these folders of programs, as `PATH` names them.
    ///
    /// # Errors
    /// If there is none.
    pub fn find(search_path: &OsStr) -> Result<Self, NoEngine> {
        let is_there =
            |name: &&str| env::split_paths(search_path).any(|folder| is_program(&folder.join(name)));
        KNOWN.into_iter().find(is_there).map(|name| Self::of(name, [])).ok_or(NoEngine)
    }

    /// Its name, as a person gave it.
    pub fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    /// Whether it is Podman, which takes what Docker does not.
    pub(super) fn is_podman(&self) -> bool {
        Path::new(self.name()).file_name().is_some_and(|name| name == "podman")
    }

    /// Its command, without what it is to do. Ends when it is dropped.
    pub(super) fn command(&self) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(self.name());
        command.args(self.words.iter().skip(1)).stdin(std::process::Stdio::null()).kill_on_drop(true);
        command
    }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|of| of.is_file() && of.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_is_taken_before_docker_and_nothing_that_is_no_program() {
        use std::os::unix::fs::PermissionsExt as _;
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let path = env::join_paths(folders.iter().map(tempfile::TempDir::path)).unwrap();
        let find = || Engine::find(&path);
        let put = |at: usize, name: &str, mode: u32| {
            let path = folders[at].path().join(name);
            std::fs::write(&path, "").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        assert_eq!(find(), Err(NoEngine));
        put(0, "podman", 0o644);
        put(0, "docker", 0o755);
        assert_eq!(find().unwrap().name(), "docker");
        put(1, "podman", 0o755);
        assert_eq!(find().unwrap().name(), "podman");
        let engine = Engine::of("/opt/podman", ["--runtime".to_owned()]);
        assert!(engine.is_podman() && !Engine::of("docker", []).is_podman());
    }
}
