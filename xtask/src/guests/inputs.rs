//! Whether something has to be built again: by the content of its inputs, never by dates.
//! Talks to the file system. Knows nothing of guests.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// A hash of everything that a build depends on.
pub(crate) struct Inputs<'a> {
    root: &'a Path,
    hash: Sha256,
}

impl<'a> Inputs<'a> {
    /// No inputs yet. Paths are taken relative to `root`, so that clones agree.
    pub(crate) fn new(root: &'a Path) -> Self {
        Self { root, hash: Sha256::new() }
    }

    /// Adds a named text.
    pub(crate) fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.add(name, text.as_bytes());
        self
    }

    /// Adds a file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn file(&mut self, path: &Path) -> Result<&mut Self> {
        let content = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        let name = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().replace('\\', "/");
        self.add(&name, &content);
        Ok(self)
    }

    /// Adds all files directly in a folder.
    ///
    /// # Errors
    /// When it or a file in it cannot be read.
    pub(crate) fn folder(&mut self, path: &Path) -> Result<&mut Self> {
        let entries = fs::read_dir(path).with_context(|| format!("read {}", path.display()))?;
        let mut files = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>()?;
        files.sort();
        for file in files.iter().filter(|file| file.is_file()) {
            self.file(file)?;
        }
        Ok(self)
    }

    /// The hash so far, in hexadecimal.
    pub(crate) fn digest(&self) -> String {
        self.hash.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Runs `build` unless `outputs` are there and were built from the same inputs, which `stamp` remembers.
    ///
    /// # Errors
    /// What `build` failed with, or when the stamp cannot be written.
    pub(crate) fn unless_unchanged(
        &self,
        outputs: &[&Path],
        stamp: &Path,
        build: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let digest = self.digest();
        let same = fs::read_to_string(stamp).is_ok_and(|known| known == digest);
        if same && outputs.iter().all(|output| output.exists()) {
            return Ok(());
        }
        build()?;
        fs::write(stamp, digest).with_context(|| format!("write {}", stamp.display()))
    }

    fn add(&mut self, name: &str, content: &[u8]) {
        for part in [name.as_bytes(), content] {
            self.hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            self.hash.update(part);
        }
    }
}

/// A folder for what is being made, on the file system of `place`, so that it can be moved there in one go.
///
/// # Errors
/// When it cannot be made.
pub(crate) fn scratch(place: &Path) -> Result<PathBuf> {
    let folder = place.parent().context("find the folder of the guest cache")?.join("work");
    fs::create_dir_all(&folder).with_context(|| format!("make the folder {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_folder(name: &str, check: impl FnOnce(&Path)) {
        let folder = std::env::temp_dir().join(format!("outboard-xtask-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        check(&folder);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn inputs_differ_by_content_and_by_name_and_not_by_place() {
        with_folder("inputs", |folder| {
            let digest = |root: &str, name: &str, content: &str| {
                let root = folder.join(root);
                fs::create_dir_all(root.join("src")).unwrap();
                let file = root.join("src").join(name);
                fs::write(&file, content).unwrap();
                let mut inputs = Inputs::new(&root);
                inputs.folder(&root.join("src")).unwrap();
                fs::remove_file(&file).unwrap();
                inputs.digest()
            };
            let first = digest("one", "a.c", "x");
            assert_eq!(digest("two", "a.c", "x"), first);
            assert_ne!(digest("one", "a.c", "y"), first);
            assert_ne!(digest("one", "b.c", "x"), first);
        });
    }

    #[test]
    fn a_build_runs_when_an_input_changed_or_an_output_is_gone_and_not_otherwise() {
        with_folder("stamp", |folder| {
            let (output, stamp) = (folder.join("out"), folder.join("stamp"));
            let runs = |text: &str| {
                let mut ran = false;
                let mut inputs = Inputs::new(folder);
                inputs.text("source", text);
                inputs
                    .unless_unchanged(&[&output], &stamp, || {
                        ran = true;
                        Ok(fs::write(&output, "built")?)
                    })
                    .unwrap();
                ran
            };
            assert!(runs("1"));
            assert!(!runs("1"));
            assert!(runs("2"));
            fs::remove_file(&output).unwrap();
            assert!(runs("2"));
        });
    }
}
