//! Sessions on disk: one file each, whole, for this user alone (0600 in a folder of 0700). They are not encrypted: who
//! can read this user's files can use them. Whoever changes one holds its lock, over all processes.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::Session;

/// Version of the format. A newer one is refused, never overwritten.
const FORMAT: u32 = 1;
/// A file larger than this is none of ours.
const LARGEST: u64 = 1 << 20;
/// How long another process may hold the lock: it renews a token.
const PATIENCE: Duration = Duration::from_secs(60);

/// The sessions of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    folder: PathBuf,
}

/// What a session is bound to: whoever asks for it with anything else finds none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A session that nobody else changes meanwhile.
#[derive(Debug)]
pub struct Locked {
    path: PathBuf,
    _lock: File,
}

/// A session cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreProblem {
    /// The file cannot be read, locked or written.
    #[error("use the tokens in {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others could have read it.
    #[error("use the tokens in {}: others may read it; chmod 600 it, or sign out and in again", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// A later version wrote it.
    #[error("use the tokens in {}: it has format {found}, this version knows {FORMAT}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
    },
    /// Another process holds it.
    #[error("use the tokens in {}: another Outboard has been renewing them for {PATIENCE:?}", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
}

#[derive(Serialize)]
struct Stored<'a> {
    format: u32,
    session: &'a Session,
}

/// What is read first: a newer format may have other content.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

#[derive(Deserialize)]
struct Read {
    session: Session,
}

impl Key {
    /// The key for what is bound.
    pub fn of(bound: &[u8]) -> Self {
        Self(Sha256::digest(bound).iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl Store {
    /// The sessions that are kept in this folder.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The session, if a person has signed in.
    ///
    /// # Errors
    /// When its file cannot be read or others may read it.
    pub fn read(&self, key: &Key) -> Result<Option<Session>, StoreProblem> {
        read(&self.path(key))
    }

    /// The session for a change, once no other process has it.
    ///
    /// # Errors
    /// When it cannot be locked, or not in time.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn lock(&self, key: &Key) -> Result<Locked, StoreProblem> {
        let path = self.path(key);
        let place = path.with_extension("lock");
        let failed = {
            let path = path.clone();
            move |source| StoreProblem::File { path: path.clone(), source }
        };
        make_folder(&self.folder).map_err(&failed)?;
        // A lock is waited for where it may take long. One that comes too late is dropped with its file.
        let waiting = tokio::task::spawn_blocking(move || {
            let mut options = OpenOptions::new();
            options.create(true).truncate(false).write(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let file = options.open(place)?;
            file.lock().map(|()| file)
        });
        match tokio::time::timeout(PATIENCE, waiting).await {
            Err(_) => Err(StoreProblem::Busy { path }),
            Ok(locked) => {
                let lock = locked.map_err(io::Error::other).and_then(|locked| locked).map_err(&failed)?;
                Ok(Locked { path, _lock: lock })
            }
        }
    }

    fn path(&self, key: &Key) -> PathBuf {
        self.folder.join(format!("{}.json", key.0))
    }
}

impl Locked {
    /// The session as it is now.
    ///
    /// # Errors
    /// When its file cannot be read or others may read it.
    pub fn read(&self) -> Result<Option<Session>, StoreProblem> {
        read(&self.path)
    }

    /// Replaces the session. A reader sees the old one or this.
    ///
    /// # Errors
    /// When it cannot be written, or a later version has written it.
    pub fn write(&self, session: &Session) -> Result<(), StoreProblem> {
        self.refuse_newer()?;
        let failed = |source| StoreProblem::File { path: self.path.clone(), source };
        let text =
            serde_json::to_vec(&Stored { format: FORMAT, session }).map_err(|error| failed(error.into()))?;
        replace(&self.path, &text).map_err(failed)
    }

    /// Takes the session away. Tells whether there was one.
    ///
    /// # Errors
    /// When it cannot be taken away.
    pub fn remove(&self) -> Result<bool, StoreProblem> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreProblem::File { path: self.path.clone(), source }),
        }
    }

    fn refuse_newer(&self) -> Result<(), StoreProblem> {
        match read(&self.path) {
            Err(newer @ StoreProblem::Newer { .. }) => Err(newer),
            // Whatever else is wrong with it is mended by replacing it.
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<Option<Session>, StoreProblem> {
    let failed = |source| StoreProblem::File { path: path.to_owned(), source };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if file.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(StoreProblem::Open { path: path.to_owned() });
        }
    }
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    let format = serde_json::from_slice::<Versioned>(&bytes).map_err(|error| failed(plain(&error)))?.format;
    if format > FORMAT {
        return Err(StoreProblem::Newer { path: path.to_owned(), found: format });
    }
    let stored: Read = serde_json::from_slice(&bytes).map_err(|error| failed(plain(&error)))?;
    Ok(Some(stored.session))
}

/// Where a file is wrong, without what stands there: it may be a secret.
fn plain(error: &serde_json::Error) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("it is damaged at line {}, column {}; sign in again", error.line(), error.column()),
    )
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    // Such a file is made for this user alone.
    let mut new =
        tempfile::Builder::new().prefix(".new-").tempfile_in(path.parent().unwrap_or(Path::new(".")))?;
    new.write_all(content)?;
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn session(access: &str) -> Session {
        Session {
            upstream: "pets".to_owned(),
            client: "me".to_owned(),
            token_endpoint: "https://auth.example/token".to_owned(),
            origins: vec!["https://api.example".to_owned()],
            access: access.to_owned(),
            refresh: None,
            given: 7,
            ends: None,
            scope: None,
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("the file is there").permissions().mode() & 0o777
    }

    #[tokio::test]
    async fn a_session_is_its_users_alone_and_found_by_what_it_is_bound_to() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path().join("tokens"));
        let (key, other) = (Key::of(b"one"), Key::of(b"other"));
        assert_eq!(store.read(&key).unwrap(), None);
        let locked = store.lock(&key).await.unwrap();
        locked.write(&session("t0ken")).unwrap();
        locked.write(&session("t1ken")).unwrap();
        drop(locked);
        assert_eq!(store.read(&key).unwrap(), Some(session("t1ken")));
        assert_eq!(store.read(&other).unwrap(), None);
        let files: Vec<PathBuf> =
            fs::read_dir(home.path().join("tokens")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 2, "a session and its lock: {files:?}");
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
        assert_eq!(mode(&home.path().join("tokens")), 0o700);
        assert!(!format!("{:?}", session("t0ken")).contains("t0ken"));
        let locked = store.lock(&key).await.unwrap();
        assert!(locked.remove().unwrap() && !locked.remove().unwrap());
        assert_eq!(store.read(&key).unwrap(), None);
    }

    #[tokio::test]
    async fn one_changes_a_session_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path().to_owned());
        let key = Key::of(b"one");
        let held = store.lock(&key).await.unwrap();
        let mut other = std::pin::pin!(store.lock(&key));
        assert!(tokio::time::timeout(Duration::from_millis(50), &mut other).await.is_err());
        // Another session is not held up.
        store.lock(&Key::of(b"other")).await.unwrap();
        drop(held);
        other.await.unwrap();
    }

    #[tokio::test]
    async fn what_others_may_read_is_not_used_and_what_is_newer_is_not_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::at(home.path().to_owned());
        let key = Key::of(b"one");
        let path = store.path(&key);
        let locked = store.lock(&key).await.unwrap();
        locked.write(&session("t0ken")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(store.read(&key), Err(StoreProblem::Open { .. })));
        // Signing in again mends it.
        locked.write(&session("t0ken")).unwrap();
        assert_eq!(mode(&path), 0o600);
        for (text, newer) in [
            ("{\"format\":2,\"session\":\"s3cret\"}", true),
            ("{\"format\":1,\"session\":\"s3cret\"}", false),
        ] {
            fs::write(&path, text).unwrap();
            let problem = store.read(&key).unwrap_err();
            let told = format!("{problem:?} {problem}");
            assert_eq!(matches!(problem, StoreProblem::Newer { .. }), newer);
            assert!(!told.contains("s3cret"), "{told}");
            assert_eq!(locked.write(&session("t0ken")).is_err(), newer);
        }
    }
}
