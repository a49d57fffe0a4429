//! Files that only this user may read, replaced whole: a reader sees the old content or the new.
//! It does not lock: of two writers the later one stands.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

use outboard_socket::replacing::{self, For};

/// Replaces the content of `path`, making its directory if needed. On Unix the file is 0600 and a directory made
/// here 0700.
pub(crate) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    make_directory(directory)?;
    replacing::replace(path, content, For::User)
}

/// Opens a file to add to it, made for this user alone if it is not there.
pub(crate) fn append(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a directory, and on Unix those made here for this user alone.
pub(crate) fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}
