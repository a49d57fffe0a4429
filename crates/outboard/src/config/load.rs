//! All configuration put together: the user's file first, then what the project's accepted files
//! add. A name that stands twice is the user's; nothing a project says replaces it.

use std::path::{Path, PathBuf};

use super::{ConfigFile, Entry, FileKind, FileProblem, Places, Settings};
use crate::trust::Trust;

/// What Outboard is to do.
#[derive(Debug, Default)]
pub(crate) struct Configuration {
    /// The upstreams, in the order of their files.
    pub(crate) upstreams: Vec<Configured>,
    pub(crate) settings: Settings,
    /// Project files that nobody has accepted; they have no effect.
    pub(crate) untrusted: Vec<Untrusted>,
    /// What a person may want to know, a line each.
    pub(crate) notes: Vec<String>,
}

/// One upstream and where it is configured.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// The entry, or what is wrong with it.
    pub(crate) entry: Result<Entry, String>,
}

/// A project's file that nobody has accepted as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Untrusted {
    pub(crate) path: PathBuf,
    /// Whether an earlier content was accepted.
    pub(crate) changed: bool,
}

/// Loads what holds for `directory`. A file of the user's that cannot be used is an error; one of the project's
/// that cannot be used is a note, because a cloned repository must not be able to stop anything.
pub(crate) fn load(
    places: &Places,
    directory: &Path,
    trust: &Trust,
    this_program: Option<&Path>,
) -> Result<Configuration, FileProblem> {
    let mut all = Configuration::default();
    let user = places.user_file();
    if user.exists() {
        let file = ConfigFile::read(&user, FileKind::User)?;
        all.settings = file.settings.clone();
        all.add(file, this_program);
    }
    for project in places.project_files(directory) {
        let file = match ConfigFile::read(&project.path, project.kind) {
            Ok(file) => file,
            Err(problem) => {
                all.notes.push(format!("could not {}; the file is ignored", crate::report::chain(&problem)));
                continue;
            }
        };
        if file.entries.is_empty() {
            continue;
        }
        if trust.accepts(&file.path, &file.hash) {
            all.add(file, this_program);
        } else {
            all.untrusted.push(Untrusted { changed: trust.knows(&file.path), path: file.path });
        }
    }
    Ok(all)
}

impl Configuration {
    fn add(&mut self, file: ConfigFile, this_program: Option<&Path>) {
        for (name, entry) in file.entries {
            if entry.as_ref().is_ok_and(|entry| entry.is_outboard(this_program)) {
                self.notes
                    .push(format!("`{name}` in {} is Outboard itself and is skipped", file.path.display()));
            } else if let Some(first) = self.upstreams.iter().find(|upstream| upstream.name == name) {
                self.notes.push(format!(
                    "`{name}` in {} is not used: {} has the same name and comes first",
                    file.path.display(),
                    first.file.display()
                ));
            } else {
                self.upstreams.push(Configured { name, file: file.path.clone(), entry });
            }
        }
    }
}
