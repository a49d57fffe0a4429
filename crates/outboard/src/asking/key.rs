//! The key that signs answers: 32 random bytes in the state directory, for this user alone, made when it is first needed.
//! It keeps out other users and mistakes, not other programs of the same user.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use outboard_runtime::approval::SigningKey;

use crate::private_file;

/// The key cannot be had, so no answer of another process can be believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyProblem {
    #[error("use the key that signs answers, {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("use the key that signs answers: {} has not 32 bytes; move it away for a new one", path.display())]
    Size { path: PathBuf },
    #[error("use the key that signs answers: others may read {}; chmod 600 it, or move it away for a new one", path.display())]
    Open { path: PathBuf },
}

/// The key of this state directory, made if there is none.
pub(crate) fn load(state: &Path) -> Result<SigningKey, KeyProblem> {
    let path = state.join("approvals.key");
    let failed = |source| KeyProblem::File { path: path.clone(), source };
    if !path.exists() {
        make(state, &path).map_err(failed)?;
    }
    let bytes = fs::read(&path).map_err(failed)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        if fs::metadata(&path).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyProblem::Open { path });
        }
    }
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| KeyProblem::Size { path: path.clone() })?;
    Ok(SigningKey::new(bytes))
}

/// Makes the key whole and under its name at once, unless another process is faster.
fn make(state: &Path, path: &Path) -> io::Result<()> {
    let new = state.join(format!(".approvals.key-{}", std::process::id()));
    private_file::write(&new, &SigningKey::fresh())?;
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_only_for_its_user() {
        let home = tempfile::tempdir().unwrap();
        let state = home.path().join("state");
        load(&state).unwrap();
        let path = state.join("approvals.key");
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len(), fs::metadata(&path).unwrap().permissions().mode() & 0o777), (32, 0o600));
        load(&state).unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(load(&state), Err(KeyProblem::Open { .. })));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "short").unwrap();
        assert!(matches!(load(&state), Err(KeyProblem::Size { .. })));
    }
}
