//! Writes a package into its folder, and remembers in the folder what it wrote. It replaces and removes only that, and only if
//! nobody has changed it; a folder that holds something else is left alone. The record lies in the folder, which may come from
//! anywhere: it is believed of plain names and right hashes alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    package::{Files, Kind},
    replacing::{self, For},
};

/// The record.
const RECORD: &str = ".outboard-generated.json";
/// Version of the record. A newer one is refused and left alone.
const FORMAT: u32 = 1;
/// Longest file of ours that is looked at, in bytes: what is longer was not written by us.
const LONGEST: u64 = 256 << 20;

/// What came of writing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Files that are new or have another content.
    pub written: usize,
    /// Files that are as they were.
    pub same: usize,
    /// Files of modules that are not there any more.
    pub removed: usize,
}

/// A package was not written. Unless it says otherwise, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum NotWritten {
    /// The folder holds other files and no record.
    #[error("write into {}: it holds `{}`, and nothing that this command wrote", folder.display(), holds)]
    Other {
        /// The folder.
        folder: PathBuf,
        /// A file that it holds.
        holds: String,
    },
    /// A file that would be replaced or removed is not as it was written.
    #[error("replace {}: {what}", file.display())]
    Changed {
        /// The file.
        file: PathBuf,
        /// What became of it.
        what: &'static str,
    },
    /// The record cannot be used.
    #[error("use {}: {what}", file.display())]
    Record {
        /// The record.
        file: PathBuf,
        /// Why.
        what: String,
    },
    /// The system says no; files may have been written.
    #[error("write {}", path.display())]
    System {
        /// What was being written, removed or read.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Record {
    format: u32,
    language: String,
    /// Files by their paths within the folder, each with the hashes of what it may hold: of what is there, and, while it is
    /// being replaced, of what will be.
    files: BTreeMap<String, Vec<String>>,
}

/// Makes the folder hold this package.
///
/// # Errors
/// If the folder holds something else, or a file was changed since it was written, or the system says no.
pub fn write(folder: &Path, kind: Kind, files: &Files) -> Result<Written, NotWritten> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| NotWritten::System { path, source }
    };
    let record = folder.join(RECORD);
    let before = read_record(folder, &record, kind)?;
    let hashes: BTreeMap<&str, String> =
        files.iter().map(|(path, text)| (path.as_str(), hash(text.as_bytes()))).collect();
    let mut written = Written::default();
    let (mut new, mut stale) = (BTreeSet::new(), BTreeSet::new());
    let all: BTreeSet<&str> = before.files.keys().map(String::as_str).chain(hashes.keys().copied()).collect();
    for path in all {
        let there = held(folder, path)?;
        let ours = before.files.get(path).map_or(&[][..], Vec::as_slice);
        let wanted = hashes.get(path);
        match (&there, wanted) {
            (Some(there), Some(wanted)) if there == wanted => written.same += 1,
            (Some(there), _) if !ours.contains(there) => {
                let what = match ours {
                    [] => "it was not written by this command; move it away",
                    _ => {
                        "it was changed since it was written; move it away, or delete it to have it written anew"
                    }
                };
                return Err(NotWritten::Changed { file: folder.join(path), what });
            }
            (_, Some(_)) => drop(new.insert(path)),
            (Some(_), None) => drop(stale.insert(path)),
            (None, None) => {}
        }
    }
    // Whenever this is interrupted, all that is there by then is known as ours.
    let mut known =
        Record { format: FORMAT, language: kind.as_str().to_owned(), files: before.files.clone() };
    for (path, hash) in &hashes {
        let hashes = known.files.entry((*path).to_owned()).or_default();
        if !hashes.contains(hash) {
            hashes.push(hash.clone());
        }
    }
    if !new.is_empty() || !stale.is_empty() {
        fs::create_dir_all(folder).map_err(failed(folder))?;
        save(&record, &known)?;
    }
    for path in new {
        let file = folder.join(path);
        let parent = file.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(failed(parent))?;
        replace(&file, files[path].as_bytes())?;
        written.written += 1;
    }
    for path in stale {
        let file = folder.join(path);
        fs::remove_file(&file).map_err(failed(&file))?;
        written.removed += 1;
    }
    let files = hashes.into_iter().map(|(path, hash)| (path.to_owned(), vec![hash])).collect();
    let after = Record { files, ..known };
    if written.written + written.removed > 0 || after.files.len() != written.same {
        save(&record, &after)?;
    }
    Ok(written)
}

impl Kind {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TypeScript => "typescript",
            Self::Python => "python",
        }
    }
}

/// What was written into this folder; nothing if it is empty or not there.
fn read_record(folder: &Path, record: &Path, kind: Kind) -> Result<Record, NotWritten> {
    let failed = |source| NotWritten::System { path: folder.to_owned(), source };
    let wrong = |what: String| NotWritten::Record { file: record.to_owned(), what };
    let text = match fs::symlink_metadata(record) {
        Ok(facts) if facts.is_file() && facts.len() <= LONGEST => fs::read(record).map_err(failed)?,
        Ok(_) => return Err(wrong("it is no file of this command".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let holds = match fs::read_dir(folder) {
                Ok(mut entries) => entries.next().transpose().map_err(failed)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => None,
                Err(error) => return Err(failed(error)),
            };
            return match holds {
                None => Ok(Record::default()),
                Some(entry) => Err(NotWritten::Other {
                    folder: folder.to_owned(),
                    holds: entry.file_name().to_string_lossy().escape_debug().to_string(),
                }),
            };
        }
        Err(error) => return Err(failed(error)),
    };
    let found: Record = serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
    if found.format > FORMAT {
        return Err(wrong(format!("it has format {}, this version knows {FORMAT}", found.format)));
    }
    if found.language != kind.as_str() {
        let language = found.language.escape_debug();
        return Err(wrong(format!(
            "the folder holds a package in {language}; each language has its own folder"
        )));
    }
    if let Some(odd) = found.files.keys().find(|path| !is_plain(path)) {
        return Err(wrong(format!("it names `{}`, which this command never writes", odd.escape_debug())));
    }
    Ok(found)
}

/// Whether a path is one that packages have: up to two names of letters, digits, `_`, `-` and dots within.
fn is_plain(path: &str) -> bool {
    let mut parts = path.split('/');
    let name = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain)
    };
    parts.clone().count() <= 2 && parts.all(name)
}

/// The hash of what a file holds; `None` if it is not there. A link is nothing that we wrote, wherever it stands.
fn held(folder: &Path, path: &str) -> Result<Option<String>, NotWritten> {
    let mut file = folder.to_owned();
    let mut parts = path.split('/').peekable();
    while let Some(part) = parts.next() {
        file.push(part);
        let facts = match fs::symlink_metadata(&file) {
            Ok(facts) => facts,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(NotWritten::System { path: file, source }),
        };
        let fits = if parts.peek().is_some() { facts.is_dir() } else { facts.is_file() };
        if !fits || facts.len() > LONGEST && facts.is_file() {
            let what = "it was not written by this command; move it away";
            return Err(NotWritten::Changed { file, what });
        }
    }
    let bytes = fs::read(&file).map_err(|source| NotWritten::System { path: file, source })?;
    Ok(Some(hash(&bytes)))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn save(file: &Path, record: &Record) -> Result<(), NotWritten> {
    let text = serde_json::to_vec_pretty(record)
        .map_err(|error| NotWritten::System { path: file.to_owned(), source: error.into() })?;
    replace(file, &text)
}

fn replace(file: &Path, content: &[u8]) -> Result<(), NotWritten> {
    replacing::replace(file, content, For::Everybody)
        .map_err(|source| NotWritten::System { path: file.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
    }

    fn counts(written: usize, same: usize, removed: usize) -> Written {
        Written { written, same, removed }
    }

    #[test]
    fn a_folder_is_brought_up_to_date_and_what_is_not_ours_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("new/mcp_tools");
        let one = package(&[("a.py", "1"), ("aio/a.py", "2"), ("b.py", "3")]);
        assert_eq!(write(&folder, Kind::Python, &one).unwrap(), counts(3, 0, 0));
        assert_eq!(write(&folder, Kind::Python, &one).unwrap(), counts(0, 3, 0));
        // Python leaves such things behind, and people put their own beside.
        fs::create_dir(folder.join("__pycache__")).unwrap();
        fs::write(folder.join("mine.py"), "mine").unwrap();
        let two = package(&[("a.py", "1"), ("b.py", "4"), ("c.py", "5")]);
        assert_eq!(write(&folder, Kind::Python, &two).unwrap(), counts(2, 1, 1));
        assert!(!folder.join("aio/a.py").exists() && folder.join("mine.py").exists());
        assert_eq!(fs::read_to_string(folder.join("b.py")).unwrap(), "4");
        // One that somebody deleted is written again.
        fs::remove_file(folder.join("a.py")).unwrap();
        assert_eq!(write(&folder, Kind::Python, &two).unwrap(), counts(1, 2, 0));
        let leftovers = fs::read_dir(&folder).unwrap().filter_map(Result::ok);
        let names: Vec<String> = leftovers.map(|entry| entry.file_name().into_string().unwrap()).collect();
        assert!(names.iter().all(|name| !name.starts_with(".new-")), "{names:?}");
    }

    #[test]
    fn what_is_not_ours_is_never_replaced_or_removed() {
        type Spoil = fn(&Path);
        let cases: [(Spoil, &str); 8] = [
            (|folder| fs::write(folder.join("a.py"), "edited").unwrap(), "a.py: it was changed"),
            (|folder| fs::write(folder.join("b.py"), "edited").unwrap(), "b.py: it was changed"),
            (|folder| fs::write(folder.join("c.py"), "mine").unwrap(), "c.py: it was not written"),
            (
                |folder| {
                    fs::remove_file(folder.join("a.py")).unwrap();
                    std::os::unix::fs::symlink(folder.join("b.py"), folder.join("a.py")).unwrap();
                },
                "a.py: it was not written",
            ),
            (|folder| fs::remove_file(folder.join(RECORD)).unwrap(), "nothing that this command wrote"),
            (
                |folder| {
                    let record = fs::read_to_string(folder.join(RECORD)).unwrap();
                    fs::write(folder.join(RECORD), record.replace("\"b.py\"", "\"../b.py\"")).unwrap();
                },
                "it names `../b.py`",
            ),
            (
                |folder| {
                    let record = fs::read_to_string(folder.join(RECORD)).unwrap();
                    fs::write(folder.join(RECORD), record.replace("\"format\": 1", "\"format\": 2")).unwrap();
                },
                "it has format 2",
            ),
            (
                |folder| {
                    fs::rename(folder.join("aio"), folder.join("other")).unwrap();
                    std::os::unix::fs::symlink(folder.join("other"), folder.join("aio")).unwrap();
                },
                "aio: it was not written",
            ),
        ];
        for (spoil, says) in cases {
            let root = tempfile::tempdir().unwrap();
            let folder = root.path().join("tools");
            write(&folder, Kind::Python, &package(&[("a.py", "1"), ("b.py", "2"), ("aio/a.py", "3")]))
                .unwrap();
            spoil(&folder);
            let before = contents(root.path());
            let next = package(&[("a.py", "7"), ("c.py", "8"), ("aio/a.py", "9")]);
            let told = write(&folder, Kind::Python, &next).unwrap_err().to_string();
            assert!(told.contains(says), "{told}");
            assert_eq!(contents(root.path()), before, "{says}");
        }
    }

    #[test]
    fn a_folder_has_one_language() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), Kind::Python, &package(&[("a.py", "")])).unwrap();
        let told = write(root.path(), Kind::TypeScript, &package(&[("a.js", "")])).unwrap_err().to_string();
        assert!(told.contains("holds a package in python"), "{told}");
    }

    #[test]
    fn a_run_that_was_interrupted_is_taken_up() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), Kind::Python, &package(&[("a.py", "1"), ("b.py", "1")])).unwrap();
        // As it is when it ends between two files: the record knows both contents.
        let hashes = |text: &str| vec![hash(b"1"), hash(text.as_bytes())];
        let files = [("a.py", "2"), ("b.py", "2")].map(|(path, text)| (path.to_owned(), hashes(text)));
        let record = Record { format: FORMAT, language: "python".to_owned(), files: files.into() };
        save(&root.path().join(RECORD), &record).unwrap();
        fs::write(root.path().join("a.py"), "2").unwrap();
        let next = package(&[("a.py", "3"), ("b.py", "3")]);
        assert_eq!(write(root.path(), Kind::Python, &next).unwrap(), counts(2, 0, 0));
    }

    /// Every file and link below a folder with what it holds.
    fn contents(folder: &Path) -> BTreeMap<PathBuf, String> {
        let mut all = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_symlink() {
                all.insert(path.clone(), fs::read_link(&path).unwrap().display().to_string());
            } else if path.is_dir() {
                all.extend(contents(&path));
            } else {
                all.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
        all
    }
}
