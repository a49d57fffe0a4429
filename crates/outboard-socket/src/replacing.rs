//! Replaces files whole: readers see the old content or the new. What is written first has a name that nobody knows before, and
//! is made new, so that nothing which lies in its place is written through. It does not lock: of two writers the later one stands.

use std::{
    fs::{self, OpenOptions},
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

/// For whom a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum For {
    /// This user alone. The content is on the disk before it stands there.
    User,
    /// Whoever this user's files are for.
    Everybody,
}

/// Replaces the content of a file, whose directory is there.
///
/// # Errors
/// If the system says no; then the old content stands.
pub fn replace(file: &Path, content: &[u8], readers: For) -> io::Result<()> {
    let new = file.with_file_name(format!(".new-{:016x}", RandomState::new().build_hasher().finish()));
    replace_through(&new, file, content, readers)
}

fn replace_through(new: &Path, file: &Path, content: &[u8], readers: For) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if readers == For::User {
        options.mode(0o600);
    }
    // What is there already is not ours, and stays.
    let mut made = options.open(new)?;
    let written = made.write_all(content).and_then(|()| match readers {
        For::User => made.sync_all(),
        For::Everybody => Ok(()),
    });
    let written = written.and_then(|()| fs::rename(new, file));
    if written.is_err() {
        // The old content stands; the half-written file is of no use to anyone.
        let _ = fs::remove_file(new);
    }
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn nothing_that_lies_in_wait_is_written_through() {
        let root = tempfile::tempdir().unwrap();
        let [precious, new, file] = ["precious", ".new", "file"].map(|name| root.path().join(name));
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, &new).unwrap();
        let error = replace_through(&new, &file, b"mine", For::Everybody).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
        assert!(fs::symlink_metadata(&new).unwrap().is_symlink() && !file.exists());
    }

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        for content in ["one", "two"] {
            replace(&file, content.as_bytes(), For::User).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), content);
        }
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
        assert!(replace(root.path(), b"x", For::Everybody).is_err());
    }
}
