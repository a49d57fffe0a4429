//! A user of Outboard who has nothing but what the demo needs: directories that vanish with it, and the environment in
//! which its processes run. The user who runs the demo is left alone: configuration, state, environment, working directory.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;
use tempfile::TempDir;

/// The directories, and the `outboard` executable that is started in them.
pub struct Scratch {
    exe: String,
    folder: TempDir,
}

impl Scratch {
    /// Makes the directories; nothing is configured.
    ///
    /// # Errors
    /// If they cannot be made.
    pub fn prepare(exe: &Path) -> io::Result<Self> {
        let exe = std::path::absolute(exe)?;
        let exe = exe.into_os_string().into_string().map_err(|exe| {
            let what = format!("the path of the executable is not UTF-8: {}", Path::new(&exe).display());
            io::Error::new(io::ErrorKind::InvalidInput, what)
        })?;
        let scratch = Self { exe, folder: tempfile::tempdir()? };
        for directory in [scratch.config(), scratch.state(), scratch.work()] {
            fs::create_dir(directory)?;
        }
        Ok(scratch)
    }

    /// Writes the user's `outboard.json`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn configure(&self, configuration: &Value) -> io::Result<()> {
        fs::write(self.config().join("outboard.json"), configuration.to_string())
    }

    /// The `outboard` executable.
    pub fn exe(&self) -> &str {
        &self.exe
    }

    /// The user's configuration directory.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    /// Where processes are started.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// All variables that processes see.
    pub fn environment(&self) -> Vec<(String, String)> {
        let variables = [
            ("HOME", self.folder.path().to_owned()),
            ("OUTBOARD_CONFIG_DIR", self.config()),
            ("OUTBOARD_STATE_DIR", self.state()),
        ];
        let text = |path: PathBuf| path.to_string_lossy().into_owned();
        variables.map(|(name, path)| (name.to_owned(), text(path))).into()
    }
}
