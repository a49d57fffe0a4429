//! Files of a workspace: which there are, one of them taken out, one put in, all of them taken out.
//!
//! Everything is done by the workspace's own programs within its wall, so that no link and no odd file in it can lead
//! anywhere else. What comes out is hostile: names are checked here before anything is written on the host.

use std::{
    io::{self, Write as _},
    path::{Component, Path, PathBuf},
    time::Duration,
};

use outboard_runtime::ports::workspace::{Command, End, Ran, Workspace, WorkspaceLost};

/// How long one step may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of the list of files.
const LIST: u64 = 8 << 20;
/// Bytes of one file that is put in or taken out.
pub const LARGEST: u64 = 48 << 20;
/// Bytes of the longest name on usual file systems.
const LONGEST_NAME: usize = 255;

/// A file of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path below the home of the agent, as it stands there.
    pub path: String,
    /// Its bytes.
    pub size: u64,
    /// Whether it is a plain file; anything else is not taken out.
    pub plain: bool,
}

/// Something with a workspace's files could not be done.
#[derive(Debug, thiserror::Error)]
pub enum FilesFailed {
    /// There is no workspace any more.
    #[error(transparent)]
    Lost(#[from] WorkspaceLost),
    /// The workspace's own program says no.
    #[error("`{path}`: {why}")]
    There {
        /// Which file.
        path: String,
        /// In its words.
        why: String,
    },
    /// It is more than is moved at once.
    #[error("`{path}` has more than {LARGEST} bytes")]
    TooLarge {
        /// Which file.
        path: String,
    },
    /// The folder on the host is no empty one of its own.
    #[error("{} is there already: name a folder that is not", .0.display())]
    Taken(PathBuf),
    /// The host's file system says no.
    #[error("write {}", path.display())]
    Here {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Files written.
    pub files: usize,
    /// Bytes of them.
    pub bytes: u64,
    /// What was left where it is, and why.
    pub left: Vec<(String, &'static str)>,
}

/// The files below the agent's home.
///
/// # Errors
/// If the workspace is gone, or does not say.
pub async fn list(workspace: &dyn Workspace) -> Result<Vec<Entry>, FilesFailed> {
    let find = ["/usr/bin/find", ".", "-xdev", "-mindepth", "1", "!", "-type", "d", "-printf", "%y %s %P\\0"];
    let ran = run(workspace, &find, None, LIST).await?;
    let said = done(".", &ran)?;
    Ok(entries(said))
}

/// What one file holds.
///
/// # Errors
/// If it is not there, no plain file, or too large.
pub async fn read(workspace: &dyn Workspace, path: &str) -> Result<Vec<u8>, FilesFailed> {
    // A plain file only, so that no pipe is waited for; one byte more than may be shows that there is more.
    let script = "if [ ! -f \"$1\" ]; then echo 'it is no plain file of the workspace' >&2; exit 1; fi; exec head -c \"$2\" -- \"$1\"";
    let most = (LARGEST + 1).to_string();
    let ran = run(workspace, &["/bin/bash", "-c", script, "-", path, &most], None, LARGEST + 1).await?;
    let bytes = done(path, &ran)?;
    if bytes.len() as u64 > LARGEST {
        return Err(FilesFailed::TooLarge { path: path.to_owned() });
    }
    Ok(bytes.to_vec())
}

/// Puts a file in, in place of one that is there. Folders on the way are made.
///
/// # Errors
/// If it does not fit, or something else is at its path.
pub async fn write(workspace: &dyn Workspace, path: &str, bytes: Vec<u8>) -> Result<(), FilesFailed> {
    if bytes.len() as u64 > LARGEST {
        return Err(FilesFailed::TooLarge { path: path.to_owned() });
    }
    // Nothing but a plain file is written to: a pipe would have to be waited for.
    let script = "if [ -e \"$1\" ] && [ ! -f \"$1\" ]; then echo 'something that is no plain file is there' >&2; exit 1; fi; \
        mkdir -p -- \"$(dirname -- \"$1\")\" && exec cat > \"$1\"";
    let ran = run(workspace, &["/bin/bash", "-c", script, "-", path], Some(bytes), 0).await?;
    done(path, &ran).map(drop)
}

/// Writes all plain files below the agent's home into a folder of the host, which must not be there yet.
///
/// # Errors
/// If the folder is there, cannot be written, or the workspace is gone.
pub async fn export(workspace: &dyn Workspace, folder: &Path) -> Result<Exported, FilesFailed> {
    let entries = list(workspace).await?;
    let here = |path: &Path, source| FilesFailed::Here { path: path.to_owned(), source };
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(FilesFailed::Taken(folder.to_owned()));
        }
        made => made.map_err(|source| here(folder, source))?,
    }
    let mut exported = Exported::default();
    for entry in entries {
        if !entry.plain {
            exported.left.push((entry.path, "no plain file"));
            continue;
        }
        let Some(below) = safe(&entry.path) else {
            exported.left.push((entry.path, "a name that this system could misread"));
            continue;
        };
        let bytes = match read(workspace, &entry.path).await {
            Ok(bytes) => bytes,
            Err(FilesFailed::TooLarge { .. }) => {
                exported.left.push((entry.path, "too large"));
                continue;
            }
            Err(FilesFailed::There { .. }) => {
                exported.left.push((entry.path, "gone or closed meanwhile"));
                continue;
            }
            Err(other) => return Err(other),
        };
        let path = folder.join(below);
        put_here(&path, &bytes).map_err(|source| here(&path, source))?;
        exported.files += 1;
        exported.bytes += bytes.len() as u64;
    }
    Ok(exported)
}

/// Writes a new file, whose folder is ours alone: nothing that is there is followed or replaced.
fn put_here(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}

/// A path that stays below wherever it is put, and holds nothing that a terminal or another system reads otherwise.
fn safe(path: &str) -> Option<&Path> {
    let plain = |name: &str| {
        !name.is_empty()
            && name.len() <= LONGEST_NAME
            && !name.chars().any(|c| {
                c.is_control() || matches!(c, '\\' | ':' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            })
    };
    let stays = Path::new(path).components().all(|component| match component {
        Component::Normal(name) => name.to_str().is_some_and(plain),
        _ => false,
    });
    (stays && !path.is_empty() && !path.ends_with('/')).then_some(Path::new(path))
}

/// What `find` said: a letter, a size and a path for each, with a NUL behind.
fn entries(said: &[u8]) -> Vec<Entry> {
    let lines = said.split(|byte| *byte == 0).filter_map(|line| std::str::from_utf8(line).ok());
    lines
        .filter_map(|line| {
            let mut parts = line.splitn(3, ' ');
            let (kind, size, path) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
            Some(Entry { path: path.to_owned(), size, plain: kind == "f" })
        })
        .collect()
}

async fn run(
    workspace: &dyn Workspace,
    argv: &[&str],
    input: Option<Vec<u8>>,
    output: u64,
) -> Result<Ran, FilesFailed> {
    let argv = argv.iter().map(|word| (*word).to_owned()).collect();
    // What a program says of its failure beside its output.
    let output = output + (4 << 10);
    Ok(workspace.run(Command { argv, input, merged: false, output, deadline: PATIENCE }).await?)
}

fn done<'a>(path: &str, ran: &'a Ran) -> Result<&'a [u8], FilesFailed> {
    if ran.end == End::Code(0) {
        return Ok(&ran.output);
    }
    let said = String::from_utf8_lossy(&ran.errors);
    let why = said.lines().next().map_or_else(|| format!("{:?}", ran.end), str::to_owned);
    Err(FilesFailed::There { path: path.to_owned(), why })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_stay_below_and_say_what_they_are_are_written() {
        for path in ["a", "a/b.txt", "über/naïve", ".hidden", "a b"] {
            assert_eq!(safe(path), Some(Path::new(path)));
        }
        let long = "x".repeat(256);
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../../x",
            "./x",
            "a/",
            "a\u{1b}[2J",
            "a\nb",
            "c:\\x",
            "x\u{202e}txt",
            &long,
        ] {
            assert_eq!(safe(path), None, "{path:?}");
        }
    }

    #[test]
    fn what_find_says_is_read_and_what_it_does_not_say_so_is_passed_over() {
        let said = b"f 12 a b\nc\0l 3 link\0p 0 pipe\0f x y\0f 1 \xff\0f\0";
        let entry = |path: &str, size, plain| Entry { path: path.to_owned(), size, plain };
        assert_eq!(
            entries(said),
            [entry("a b\nc", 12, true), entry("link", 3, false), entry("pipe", 0, false)]
        );
    }
}
