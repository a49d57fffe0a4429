//! Where a socket lies: in a folder that is this user's alone, so that whoever can reach it is this user or root. It makes the
//! folder and the socket and looks at both; who comes in is asked once more by the server.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use tokio::net::UnixListener;

/// A folder that is this user's alone.
#[derive(Clone, Debug)]
pub struct Private(PathBuf);

/// A socket that listens, and who may come in.
#[derive(Debug)]
pub struct Door {
    pub(crate) listener: UnixListener,
    /// Its name, unless it has one only elsewhere.
    pub(crate) name: Option<Name>,
    /// The number of the user whose programs may come in; all who can reach it if there is none.
    pub(crate) admits: Option<u32>,
}

/// The name of a socket, and what it was given to.
#[derive(Debug)]
pub(crate) struct Name {
    pub(crate) path: PathBuf,
    identity: (u64, u64),
}

/// A socket cannot be there.
#[derive(Debug, thiserror::Error)]
pub enum NoPlace {
    /// The folder is not what it has to be.
    #[error("use {} for a socket: {what}; move it away, or make it yours alone (chmod 700)", path.display())]
    NotPrivate {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Something else has the socket's name.
    #[error("listen at {}: something that is no socket has this name", path.display())]
    Taken {
        /// The name.
        path: PathBuf,
    },
    /// The system says no.
    #[error("listen at {}", path.display())]
    System {
        /// The folder or the socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl Private {
    /// The folder, made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made, or is a link, another user's, or open to others.
    pub fn folder(path: &Path) -> Result<Self, NoPlace> {
        let failed = |source| NoPlace::System { path: path.to_owned(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
        let facts = fs::symlink_metadata(path).map_err(failed)?;
        let what = if !facts.is_dir() {
            "it is no folder"
        } else if facts.uid() != rustix::process::geteuid().as_raw() {
            "it belongs to another user"
        } else if facts.mode() & 0o077 != 0 {
            "others can open it"
        } else {
            return Ok(Self(path.to_owned()));
        };
        Err(NoPlace::NotPrivate { path: path.to_owned(), what })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// Listens at this name in the folder, for programs of this process's user. A socket that was left there is replaced: whoever
/// calls this knows that nobody serves it.
///
/// # Errors
/// If something else has the name, or the system says no. It must be called within a runtime of tokio.
pub fn open(folder: &Private, name: &str) -> Result<Door, NoPlace> {
    open_to(folder, name, 0o600, Some(rustix::process::geteuid().as_raw()))
}

/// Listens at this name in the folder, for whoever reaches it by another way than through the folder: the socket is shown
/// behind a wall, to programs of any number. A socket that was left there is replaced.
///
/// # Errors
/// As [`open`].
pub fn open_to_be_shown(folder: &Private, name: &str) -> Result<Door, NoPlace> {
    open_to(folder, name, 0o666, None)
}

fn open_to(folder: &Private, name: &str, mode: u32, admits: Option<u32>) -> Result<Door, NoPlace> {
    let path = folder.path().join(name);
    let failed = |source| NoPlace::System { path: path.clone(), source };
    match fs::symlink_metadata(&path) {
        Ok(facts) if facts.file_type().is_socket() => fs::remove_file(&path).map_err(failed)?,
        Ok(_) => return Err(NoPlace::Taken { path }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(&path).map_err(failed)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    let identity = identity(&path).map_err(failed)?;
    Ok(Door { listener, name: Some(Name { path, identity }), admits })
}

/// The device and the number of what has this name.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let facts = fs::symlink_metadata(path)?;
    Ok((facts.dev(), facts.ino()))
}

impl Name {
    /// Whether what has the name is still this socket.
    pub(crate) fn is_own(&self) -> bool {
        identity(&self.path).is_ok_and(|identity| identity == self.identity)
    }

    /// Takes the name away, unless it is another's.
    pub(crate) fn take_away(&self) -> io::Result<()> {
        if self.is_own() { fs::remove_file(&self.path) } else { Ok(()) }
    }
}

impl Door {
    /// A socket that has a name only behind a wall, so that whoever can reach it may come in. It must be called within a
    /// runtime of tokio, and listen by now.
    ///
    /// # Errors
    /// If the runtime does not take it.
    pub fn behind_a_wall(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, name: None, admits: None })
    }

    /// The same, for programs of this user instead.
    #[must_use]
    pub fn admitting(self, user: u32) -> Self {
        Self { admits: Some(user), ..self }
    }

    /// Where it is, if it has a name here.
    pub fn path(&self) -> Option<&Path> {
        self.name.as_ref().map(|name| name.path.as_path())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn a_socket_lies_in_a_folder_of_this_user_alone() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let folder = Private::folder(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        let door = open(&folder, "socket").unwrap();
        assert_eq!(fs::metadata(door.path().unwrap()).unwrap().mode() & 0o777, 0o600);
        drop(door);
        // One that nobody serves any more is replaced.
        open(&folder, "socket").unwrap();
        fs::write(path.join("file"), "precious").unwrap();
        assert!(matches!(open(&folder, "file"), Err(NoPlace::Taken { .. })));
        assert_eq!(fs::read_to_string(path.join("file")).unwrap(), "precious");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
        let open_to_others = Private::folder(&path).unwrap_err().to_string();
        assert!(open_to_others.contains("others can open it"), "{open_to_others}");
        let link = root.path().join("link");
        symlink(root.path(), &link).unwrap();
        assert!(matches!(Private::folder(&link), Err(NoPlace::NotPrivate { .. })));
    }
}
