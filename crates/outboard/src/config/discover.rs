//! Where configuration and state live: the user's directories, and the project's files found
//! upwards from the working directory. It only names places; it does not read configuration.

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use super::FileKind;

/// Outboard's own file, of a user or of a project.
const OWN: &str = "outboard.json";
/// The file that several clients share in a project.
const SHARED: &str = ".mcp.json";

/// The directories of this user.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// Holds the user's `outboard.json`. `OUTBOARD_CONFIG_DIR` sets it.
    pub(crate) config: PathBuf,
    /// Holds what Outboard remembers. `OUTBOARD_STATE_DIR` sets it.
    pub(crate) state: PathBuf,
    home: Option<PathBuf>,
}

/// A configuration file that a project brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProjectFile {
    pub(crate) path: PathBuf,
    pub(crate) kind: FileKind,
}

/// This user has no home directory, and no variables say where to look instead.
#[derive(Debug, thiserror::Error)]
#[error("find the user's home directory")]
pub(crate) struct NoHome(#[source] etcetera::HomeDirError);

impl Places {
    /// The directories by the platform's rules (XDG on Unix), unless the environment names others.
    pub(crate) fn of_user(variable: impl Fn(&str) -> Option<String>) -> Result<Self, NoHome> {
        let named = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let home = etcetera::home_dir().ok();
        if let (Some(config), Some(state)) = (named("OUTBOARD_CONFIG_DIR"), named("OUTBOARD_STATE_DIR")) {
            return Ok(Self { config, state, home });
        }
        let strategy = choose_app_strategy(AppStrategyArgs {
            top_level_domain: "dev".to_owned(),
            author: "outboard".to_owned(),
            app_name: "outboard".to_owned(),
        })
        .map_err(NoHome)?;
        Ok(Self {
            config: named("OUTBOARD_CONFIG_DIR").unwrap_or_else(|| strategy.config_dir()),
            state: named("OUTBOARD_STATE_DIR")
                .unwrap_or_else(|| strategy.state_dir().unwrap_or_else(|| strategy.data_dir().join("state"))),
            home,
        })
    }

    /// The user's own file, whether or not it exists.
    pub(crate) fn user_file(&self) -> PathBuf {
        self.config.join(OWN)
    }

    /// The user's home directory.
    pub(crate) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// The project's own `outboard.json`, whether or not it exists: in the directory that has a project's files, else
    /// in the repository's root, else here. None in the home directory, whose files are no project's.
    pub(crate) fn project_file(&self, start: &Path) -> Option<PathBuf> {
        let found = self
            .project_files(start)
            .into_iter()
            .next()
            .and_then(|file| file.path.parent().map(Path::to_owned));
        let root = || {
            let inside = start.ancestors().take_while(|directory| self.home.as_deref() != Some(*directory));
            inside.into_iter().find(|directory| directory.join(".git").exists()).map(Path::to_owned)
        };
        let directory = found.or_else(root).unwrap_or_else(|| start.to_owned());
        (self.home.as_deref() != Some(&directory))
            .then(|| directory.join(OWN))
            .filter(|file| *file != self.user_file())
    }

    /// The project's files: of the nearest directory from `start` upwards that has any, up to a repository's root,
    /// and never the home directory itself, whose files are no project's.
    pub(crate) fn project_files(&self, start: &Path) -> Vec<ProjectFile> {
        for directory in start.ancestors() {
            if self.home.as_deref() == Some(directory) {
                break;
            }
            let files: Vec<ProjectFile> = [(OWN, FileKind::Project), (SHARED, FileKind::Shared)]
                .into_iter()
                .map(|(name, kind)| ProjectFile { path: directory.join(name), kind })
                .filter(|file| file.path.is_file() && file.path != self.user_file())
                .collect();
            if !files.is_empty() {
                return files;
            }
            if directory.join(".git").exists() {
                break;
            }
        }
        Vec::new()
    }
}
