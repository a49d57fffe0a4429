//! What every workspace is furnished with, whatever its wall: what is written there, what is shown of the host, what it may
//! use, and where programs find what was put there. It makes nothing.

use std::path::{Path, PathBuf};

use outboard_jail::{HOME, Protection, order::Limits};

/// Where Python finds packages that are put there.
pub const PYTHON_PACKAGES: &str = "/opt/outboard/python";
/// Where node finds packages from the agent's home and from `/tmp`: it looks in the folders above a file, and for `import`
/// nowhere else.
pub const NODE_PACKAGES: &str = "/node_modules";

/// What a workspace is furnished with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Furnishing {
    /// What stands in the workspace's `README.md`.
    pub readme: String,
    /// Files of generated packages: their absolute paths in the workspace, below [`PYTHON_PACKAGES`] or [`NODE_PACKAGES`], and
    /// their texts. A jail shows them read-only.
    pub packages: Vec<(PathBuf, String)>,
    /// Files and folders of the host that are shown, read-only, where they are on the host too.
    pub shown: Vec<PathBuf>,
    /// What it may use.
    pub limits: Limits,
    /// Protections that it must have beside those that none lacks.
    pub required: Vec<Protection>,
    /// Whether tool calls are answered.
    pub tools: bool,
}

impl Furnishing {
    /// Variables of every command, beside the path of its programs.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("HOME", HOME),
            ("USER", "agent"),
            ("LANG", "C.UTF-8"),
            ("TERM", "dumb"),
            ("PYTHONPATH", PYTHON_PACKAGES),
            ("PYTHONDONTWRITEBYTECODE", "1"),
            ("NODE_PATH", NODE_PACKAGES),
        ];
        if self.tools {
            variables.push(("OUTBOARD_SOCKET", outboard_jail::TOOLS));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    /// The folders of programs of what is shown, and these after them.
    pub(crate) fn search_path(&self, system: &[&str]) -> String {
        let own = self.shown.iter().map(|folder| folder.join("bin")).filter(|folder| folder.is_dir());
        let own = own.filter_map(|folder| folder.to_str().map(str::to_owned));
        own.chain(system.iter().map(|folder| (*folder).to_owned())).collect::<Vec<_>>().join(":")
    }

    /// Everything that is written before anything runs: absolute paths, and texts.
    pub(crate) fn written(&self) -> impl Iterator<Item = (PathBuf, &str)> {
        let readme = (Path::new(HOME).join("README.md"), self.readme.as_str());
        [readme].into_iter().chain(self.packages.iter().map(|(path, text)| (path.clone(), text.as_str())))
    }
}
