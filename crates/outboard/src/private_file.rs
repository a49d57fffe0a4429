//! Files that only this user may read, replaced whole: a reader sees the old content or the new.
//! It does not lock: of two writers the later one stands.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

static WRITES: AtomicU32 = AtomicU32::new(0);

/// Replaces the content of `path`, making its directory if needed. On Unix the file is 0600 and a directory made
/// here 0700.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    let number = WRITES.fetch_add(1, Ordering::Relaxed);
    let new = directory.join(format!(".new-{}-{number}", std::process::id()));
    let written = write_new(&new, content).and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // The old content stands; the half-written file is of no use to anyone.
        let _ = fs::remove_file(&new);
    }
    written
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a directory, and on Unix those made here for this user alone.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
