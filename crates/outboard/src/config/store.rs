//! Configuration files on disk: read whole, replaced whole, under one lock for every Outboard of this user. Links
//! stay links, and permissions and owner stay what they were. It cannot hold back other programs that write them.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use super::edit::EditProblem;

/// A configuration file larger than this is not read: it would be something else.
const LARGEST: u64 = 64 << 20;

/// A file as it was read, or its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    /// As it is named.
    pub(crate) path: PathBuf,
    /// The file itself, where links lead.
    target: PathBuf,
    /// Its content; none if there is no such file.
    pub(crate) text: Option<String>,
}

/// What a file is created with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// For this user alone.
    Private,
    /// As the user's other files.
    Shared,
}

/// A configuration file that cannot be read or changed. It is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreProblem {
    #[error("read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("read {}: it is {what}", path.display())]
    Unusable { path: PathBuf, what: &'static str },
    #[error("use {}", path.display())]
    Edit {
        path: PathBuf,
        #[source]
        source: EditProblem,
    },
    #[error("change {}: it is read-only", path.display())]
    ReadOnly { path: PathBuf },
    #[error("change {}: another program has just changed it", path.display())]
    Changed { path: PathBuf },
    #[error("write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

/// Held while a file is read, edited and written, by one process at a time. Released when dropped.
#[derive(Debug)]
pub(crate) struct Lock(#[expect(dead_code, reason = "the lock lasts as long as the file is open")] File);

impl Lock {
    /// Waits for the lock of this state directory.
    pub(crate) fn take(state: &Path) -> Result<Self, StoreProblem> {
        let path = state.join("edit.lock");
        let locked = crate::private_file::make_directory(state)
            .and_then(|()| OpenOptions::new().create(true).truncate(false).write(true).open(&path))
            .and_then(|file| file.lock().map(|()| file));
        locked.map(Self).map_err(|source| StoreProblem::Write { path, source })
    }
}

impl Original {
    /// Reads a file; its absence is no problem.
    pub(crate) fn read(path: &Path) -> Result<Self, StoreProblem> {
        let failed = |source| StoreProblem::Read { path: path.to_owned(), source };
        let unusable = |what| StoreProblem::Unusable { path: path.to_owned(), what };
        let target = target(path).map_err(failed)?;
        let mut original = Self { path: path.to_owned(), target, text: None };
        match fs::metadata(&original.target) {
            Ok(metadata) if !metadata.is_file() => return Err(unusable("no regular file")),
            Ok(metadata) if metadata.len() > LARGEST => {
                return Err(unusable("too large for a configuration file"));
            }
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(original),
            Err(error) => return Err(failed(error)),
        }
        let mut bytes = Vec::new();
        File::open(&original.target)
            .and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
            .map_err(failed)?;
        original.text = Some(String::from_utf8(bytes).map_err(|_| unusable("not text in UTF-8"))?);
        Ok(original)
    }

    /// The content, empty if there is no file.
    pub(crate) fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Replaces the file's content, or makes the file. The directories that had to be made, outermost first.
    pub(crate) fn write(
        &self,
        _lock: &Lock,
        text: &str,
        privacy: Privacy,
    ) -> Result<Vec<PathBuf>, StoreProblem> {
        self.check()?;
        let failed = |source| StoreProblem::Write { path: self.path.clone(), source };
        let directory = self.target.parent().unwrap_or(Path::new("."));
        let made: Vec<PathBuf> =
            directory.ancestors().take_while(|ancestor| !ancestor.exists()).map(Path::to_owned).collect();
        match privacy {
            Privacy::Private => crate::private_file::make_directory(directory),
            Privacy::Shared => fs::create_dir_all(directory),
        }
        .map_err(failed)?;
        let new = directory.join(format!(".outboard-new-{}", std::process::id()));
        // Under the lock such a file can only be what a process that was killed left behind.
        let _ = fs::remove_file(&new);
        let written = write_new(&new, text, privacy)
            .and_then(|file| self.keep_ownership(&file))
            .and_then(|()| fs::rename(&new, &self.target));
        if written.is_err() {
            // The old content stands; the half-written file is of no use to anyone.
            let _ = fs::remove_file(&new);
        }
        written.map_err(failed)?;
        Ok(made.into_iter().rev().collect())
    }

    /// Removes the file, and then those of these directories that are empty.
    pub(crate) fn remove(&self, _lock: &Lock, directories: &[PathBuf]) -> Result<(), StoreProblem> {
        self.check()?;
        fs::remove_file(&self.target)
            .map_err(|source| StoreProblem::Write { path: self.path.clone(), source })?;
        for directory in directories.iter().rev() {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Whether the file may be changed, and is still what was read.
    fn check(&self) -> Result<(), StoreProblem> {
        // A rename would replace a file that its user has protected.
        if fs::metadata(&self.target).is_ok_and(|metadata| metadata.permissions().readonly()) {
            return Err(StoreProblem::ReadOnly { path: self.path.clone() });
        }
        if Self::read(&self.path)? != *self {
            return Err(StoreProblem::Changed { path: self.path.clone() });
        }
        Ok(())
    }

    #[cfg(unix)]
    fn keep_ownership(&self, file: &File) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        let Ok(old) = fs::metadata(&self.target) else { return Ok(()) };
        let new = file.metadata()?;
        if (old.uid(), old.gid()) != (new.uid(), new.gid()) {
            fchown(file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(old.permissions())
    }

    #[cfg(not(unix))]
    fn keep_ownership(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
}

fn write_new(path: &Path, text: &str, privacy: Privacy) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if privacy == Privacy::Private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

/// Where a path leads, also through a link to a file that is not there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    match fs::canonicalize(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        other => return other,
    }
    match fs::read_link(path) {
        Ok(link) => Ok(path.parent().unwrap_or(Path::new(".")).join(link)),
        Err(_) => Ok(path.to_owned()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
    }

    #[test]
    fn a_file_keeps_its_permissions_and_a_new_private_one_is_its_users_alone() {
        let home = tempfile::tempdir().unwrap();
        let lock = Lock::take(&home.path().join("state")).unwrap();
        let old = home.path().join("old.json");
        fs::write(&old, "1").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o640)).unwrap();
        Original::read(&old).unwrap().write(&lock, "2", Privacy::Private).unwrap();
        assert_eq!((mode(&old), fs::read_to_string(&old).unwrap().as_str()), (0o640, "2"));

        let new = home.path().join("a/b/new.json");
        let made = Original::read(&new).unwrap().write(&lock, "3", Privacy::Private).unwrap();
        assert_eq!((mode(&new), made), (0o600, vec![home.path().join("a"), home.path().join("a/b")]));
    }

    #[test]
    fn a_link_stays_a_link_even_to_a_file_that_is_not_there() {
        let home = tempfile::tempdir().unwrap();
        let lock = Lock::take(home.path()).unwrap();
        for (name, content) in [("there", Some("1")), ("not-there", None)] {
            let real = home.path().join(format!("{name}.real"));
            if let Some(content) = content {
                fs::write(&real, content).unwrap();
            }
            let link = home.path().join(name);
            symlink(format!("{name}.real"), &link).unwrap();
            let original = Original::read(&link).unwrap();
            assert_eq!(original.text.as_deref(), content);
            original.write(&lock, "new", Privacy::Shared).unwrap();
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        }
    }

    #[test]
    fn what_may_not_be_changed_is_not_changed() {
        let home = tempfile::tempdir().unwrap();
        let lock = Lock::take(home.path()).unwrap();
        let path = home.path().join("file");
        fs::write(&path, "1").unwrap();
        let original = Original::read(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let refused = original.write(&lock, "2", Privacy::Shared);
        assert!(matches!(refused, Err(StoreProblem::ReadOnly { .. })), "{refused:?}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(&path, "other").unwrap();
        let refused = original.write(&lock, "2", Privacy::Shared);
        assert!(matches!(refused, Err(StoreProblem::Changed { .. })), "{refused:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "other");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "no half-written file is left");
    }

    #[test]
    fn what_is_no_text_file_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("bytes"), [0xff, 0xfe]).unwrap();
        for (name, what) in [("bytes", "not text in UTF-8"), (".", "no regular file")] {
            let problem = Original::read(&home.path().join(name)).unwrap_err();
            assert!(problem.to_string().ends_with(what), "{problem}");
        }
    }
}
