//! What decides where a client keeps its files: the home directory, the variables and the operating system.
//! It is handed in, so that nothing of the machine is read behind a test's back.

use std::path::{Path, PathBuf};

/// Where this user's clients are looked for.
pub(crate) struct Surroundings<'a> {
    pub(crate) home: PathBuf,
    /// The directory in which the command was given.
    pub(crate) directory: PathBuf,
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) os: Os,
}

/// The systems on which clients keep their files in different places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Os {
    Linux,
    Macos,
    Windows,
}

impl Os {
    /// The system that this program was built for.
    pub(crate) fn current() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Macos
        } else {
            Self::Linux
        }
    }
}

impl Surroundings<'_> {
    /// The directory that a variable names, if it is set to an absolute one.
    pub(super) fn named(&self, variable: &str) -> Option<PathBuf> {
        (self.variable)(variable).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// `~/.config`, unless the XDG variable names another directory.
    pub(super) fn xdg_config(&self) -> PathBuf {
        self.named("XDG_CONFIG_HOME").unwrap_or_else(|| self.home.join(".config"))
    }

    /// `%APPDATA%`.
    pub(super) fn app_data(&self) -> PathBuf {
        self.named("APPDATA").unwrap_or_else(|| self.home.join("AppData").join("Roaming"))
    }

    /// Where desktop programs keep what they are set to.
    pub(super) fn applications(&self) -> PathBuf {
        match self.os {
            Os::Linux => self.xdg_config(),
            Os::Macos => self.home.join("Library").join("Application Support"),
            Os::Windows => self.app_data(),
        }
    }

    /// Whether the home directory would not be found by this name alone.
    pub(crate) fn short(&self, path: &Path) -> String {
        match path.strip_prefix(&self.home) {
            Ok(rest) if self.os != Os::Windows => format!("~/{}", rest.display()),
            _ => path.display().to_string(),
        }
    }
}
