//! An engine for containers, if this machine has one that works without fetching anything, and a root file system for it that
//! is made of this machine's own programs. It makes no container that a test uses.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What tests of containers need.
#[derive(Debug)]
pub struct Engine {
    /// Its command.
    pub words: Vec<String>,
    /// A folder with a root file system in which nothing but links and empty folders lies.
    pub root: PathBuf,
    /// Folders of this machine that have to be shown in it.
    pub show: Vec<PathBuf>,
}

/// Engines that take a folder. The second is for machines whose first runtime does not get on with their cgroups.
const KNOWN: [&[&str]; 2] = [&["podman"], &["podman", "--runtime", "runc"]];

impl Engine {
    /// The first that makes a container, or what each says instead.
    ///
    /// # Errors
    /// If there is none.
    ///
    /// # Panics
    /// If the folder cannot be made.
    pub fn find() -> Result<Self, String> {
        let (root, show) = root();
        let mut said = Vec::new();
        for words in KNOWN {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]).args(["run", "--rm", "--network", "none"]);
            command.args(["--ulimit", "nproc=4096:4096", "--ulimit", "nofile=1024:1024"]);
            for folder in &show {
                command.args(["--volume", &format!("{0}:{0}:ro", folder.display())]);
            }
            let ran = command.args(["--rootfs", &format!("{}:O", root.display()), "/bin/true"]).output();
            match ran {
                Ok(ran) if ran.status.success() => {
                    let words = words.iter().map(|word| (*word).to_owned()).collect();
                    return Ok(Self { words, root, show });
                }
                Ok(ran) => said.push(String::from_utf8_lossy(&ran.stderr).trim().to_owned()),
                Err(error) => said.push(error.to_string()),
            }
        }
        remove(&root);
        Err(said.join("; "))
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        remove(&self.root);
    }
}

/// Leftovers in the temporary directory harm nobody.
fn remove(root: &Path) {
    let _ = std::fs::remove_dir_all(root);
}

/// The folder, and what has to be shown in it.
fn root() -> (PathBuf, Vec<PathBuf>) {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("outboard-root-{}-{number}", std::process::id()));
    for folder in ["etc", "proc", "sys", "dev", "tmp", "run", "usr"] {
        std::fs::create_dir_all(root.join(folder)).expect("make a temporary directory");
    }
    let mut show = vec![PathBuf::from("/usr")];
    for name in ["bin", "sbin", "lib", "lib64"] {
        let path = Path::new("/").join(name);
        match std::fs::read_link(&path) {
            Ok(target) => std::os::unix::fs::symlink(target, root.join(name)).expect("make a link"),
            Err(_) if path.is_dir() => show.push(path),
            Err(_) => {}
        }
    }
    (root, show)
}
