//! Keeps the unpacked Python guest in a folder that this user alone can write to, because what lies there is run
//! as machine code. Refuses a folder or a file of anybody else. Does not know what the file is for.

use std::{
    fs::{self, File, Metadata},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use flate2::read::GzDecoder;

/// The unpacked guest cannot be kept or trusted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreUnfit {
    /// The file system refused something.
    #[error("{what} {}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody else can write there.
    #[error("use {}: it belongs to another user, or others can write to it", path.display())]
    NotOurs {
        /// The file or folder.
        path: PathBuf,
    },
    /// What this program carries is damaged.
    #[error("unpack {expected} bytes: there are {found}")]
    Damaged {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are.
        found: u64,
    },
}

/// The file `name` in `folder` with the unpacked content of `packed`, `size` bytes long. Unpacks it if it is not
/// there: part of a second. A file that is there is taken by its name, owner and size; its content is not read.
///
/// # Errors
/// When the folder or the file is not this user's alone, or cannot be written.
pub(crate) fn unpacked(folder: &Path, name: &str, size: u64, packed: &[u8]) -> Result<PathBuf, StoreUnfit> {
    own_folder(folder)?;
    let path = folder.join(name);
    match fs::symlink_metadata(&path) {
        Ok(found) if found.is_file() && found.len() == size => {
            only_ours(&path, &found)?;
            return Ok(path);
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(source) => return Err(StoreUnfit::Io { what: "look at", path, source }),
    }
    // Under another name first: a program that stops in the middle leaves nothing that looks whole.
    let made = folder.join(format!("{name}.{}", std::process::id()));
    let written = write(&made, size, packed).and_then(|()| {
        fs::rename(&made, &path).map_err(|source| StoreUnfit::Io {
            what: "write",
            path: path.clone(),
            source,
        })
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&made);
        return Err(error);
    }
    remove_older(folder, name);
    Ok(path)
}

fn write(path: &Path, size: u64, packed: &[u8]) -> Result<(), StoreUnfit> {
    let failed = |source| StoreUnfit::Io { what: "write", path: path.to_owned(), source };
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    let mut content = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    // One byte more than there should be shows that there is more.
    GzDecoder::new(packed).take(size + 1).read_to_end(&mut content).map_err(failed)?;
    let found = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if found != size {
        return Err(StoreUnfit::Damaged { expected: size, found });
    }
    file.write_all(&content).and_then(|()| file.sync_all()).map_err(failed)
}

/// Guests of other versions of this program; what cannot be removed stays.
fn remove_older(folder: &Path, name: &str) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let other = entry.file_name();
        let other = other.to_string_lossy();
        if other != name && other.starts_with("python-") && other.ends_with(".cwasm") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Makes the folder if it is not there, and takes from everybody else the right to write to it.
fn own_folder(folder: &Path) -> Result<(), StoreUnfit> {
    let failed = |what| move |source| StoreUnfit::Io { what, path: folder.to_owned(), source };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(failed("make the folder"))?;
    let found = fs::symlink_metadata(folder).map_err(failed("look at"))?;
    if !found.is_dir() {
        return Err(StoreUnfit::NotOurs { path: folder.to_owned() });
    }
    only_ours(folder, &found)
}

#[cfg(unix)]
fn only_ours(path: &Path, found: &Metadata) -> Result<(), StoreUnfit> {
    use std::os::unix::fs::MetadataExt;
    let ours = found.uid() == rustix::process::geteuid().as_raw() && found.mode() & 0o022 == 0;
    if ours { Ok(()) } else { Err(StoreUnfit::NotOurs { path: path.to_owned() }) }
}

/// Elsewhere a user's own folders are not open to others by what a mode could say.
#[cfg(not(unix))]
fn only_ours(_: &Path, _: &Metadata) -> Result<(), StoreUnfit> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn within(name: &str, check: impl FnOnce(&Path)) {
        let folder = std::env::temp_dir().join(format!("outboard-store-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        check(&folder);
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn it_is_unpacked_once_and_older_ones_go() {
        within("once", |folder| {
            let old = unpacked(folder, "python-1.cwasm", 3, &packed(b"old")).unwrap();
            let path = unpacked(folder, "python-2.cwasm", 3, &packed(b"new")).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"new");
            assert!(!old.exists());
            assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
            // Not even looked at again.
            assert_eq!(unpacked(folder, "python-2.cwasm", 3, b"no gzip").unwrap(), path);
        });
    }

    #[test]
    fn a_file_of_another_size_is_replaced_and_a_damaged_pack_leaves_nothing() {
        within("sizes", |folder| {
            let path = unpacked(folder, "python-1.cwasm", 3, &packed(b"abc")).unwrap();
            fs::write(&path, b"a").unwrap();
            unpacked(folder, "python-1.cwasm", 3, &packed(b"abc")).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"abc");
            let damaged = unpacked(folder, "python-3.cwasm", 3, &packed(b"abcd"));
            assert_eq!(damaged.unwrap_err().to_string(), "unpack 3 bytes: there are 4");
            assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
        });
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_write_to_is_refused() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        within("others", |folder| {
            let path = unpacked(folder, "python-1.cwasm", 3, &packed(b"abc")).unwrap();
            let again = || unpacked(folder, "python-1.cwasm", 3, &packed(b"abc"));
            for (place, mode) in [(path.as_path(), 0o666), (folder, 0o770), (folder, 0o702)] {
                let before = fs::metadata(place).unwrap().permissions();
                fs::set_permissions(place, fs::Permissions::from_mode(mode)).unwrap();
                assert!(matches!(again(), Err(StoreUnfit::NotOurs { .. })), "{mode:o}");
                fs::set_permissions(place, before).unwrap();
            }
            assert!(again().is_ok());
            let link = folder.join("link");
            symlink(folder, &link).unwrap();
            assert!(matches!(
                unpacked(&link, "python-1.cwasm", 3, &packed(b"abc")),
                Err(StoreUnfit::NotOurs { .. })
            ));
        });
    }
}
