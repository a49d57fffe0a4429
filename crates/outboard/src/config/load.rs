//! All configuration put together: the user's file first, then what the project's accepted files
//! add. A name that stands twice is the user's; nothing a project says replaces it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{ConfigFile, Entry, FileKind, FileProblem, Places, Settings, Wrong, file::Examined};
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
    /// What cannot be used of the files. Only where that was asked for; otherwise the first such ends the loading.
    pub(crate) problems: Vec<FileProblem>,
    /// The files that have effect, as they were read.
    files: Vec<Arc<ConfigFile>>,
}

/// One upstream and where it is configured.
#[derive(Clone, Debug)]
pub(crate) struct Configured {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    /// The entry, or what is wrong with it.
    pub(crate) entry: Result<Entry, Wrong>,
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
    put_together(places, directory, trust, this_program, &Otherwise::Fail)
}

/// Loads what can be used of what holds for `directory`, and tells what cannot.
pub(crate) fn examine(
    places: &Places,
    directory: &Path,
    trust: &Trust,
    this_program: Option<&Path>,
) -> Configuration {
    // Nothing that is wrong is an error here.
    put_together(places, directory, trust, this_program, &Otherwise::Tell).unwrap_or_default()
}

/// Loads again what holds for `directory`. Of a file that cannot be used now, what it said `before` goes on, with a
/// note; of a project's file only as long as that is accepted.
pub(crate) fn reload(
    places: &Places,
    directory: &Path,
    trust: &Trust,
    this_program: Option<&Path>,
    before: &Configuration,
) -> Result<Configuration, FileProblem> {
    put_together(places, directory, trust, this_program, &Otherwise::Before(before))
}

/// What is done about a file that cannot be used.
enum Otherwise<'a> {
    /// One of the user's is an error, one of the project's is ignored with a note.
    Fail,
    /// What can be used of it is, and the rest is told of.
    Tell,
    /// What it said before goes on, with a note.
    Before(&'a Configuration),
}

fn put_together(
    places: &Places,
    directory: &Path,
    trust: &Trust,
    this_program: Option<&Path>,
    otherwise: &Otherwise<'_>,
) -> Result<Configuration, FileProblem> {
    let mut all = Configuration::default();
    let user = places.user_file();
    if user.exists()
        && let Some(file) = all.read(&user, FileKind::User, otherwise)?
    {
        all.settings = file.settings.clone();
        all.add(file, this_program);
    }
    for project in places.project_files(directory) {
        let Some(file) = all.read(&project.path, project.kind, otherwise)? else { continue };
        if file.entries.is_empty() {
            continue;
        }
        if trust.accepts(&file.path, &file.hash) {
            all.add(file, this_program);
        } else {
            let path = file.path.clone();
            all.untrusted.push(Untrusted { changed: trust.knows(&path), path });
        }
    }
    Ok(all)
}

impl Configuration {
    /// Reads one file, or does about it what is to be done otherwise.
    fn read(
        &mut self,
        path: &Path,
        kind: FileKind,
        otherwise: &Otherwise<'_>,
    ) -> Result<Option<Arc<ConfigFile>>, FileProblem> {
        if matches!(otherwise, Otherwise::Tell) {
            let examined = ConfigFile::examine(path, kind);
            return Ok(match examined {
                Ok(Examined { file, problems }) => {
                    // A project's file counts as a whole or not at all.
                    let counts = problems.is_empty() || kind == FileKind::User;
                    self.problems.extend(problems);
                    counts.then(|| Arc::new(file))
                }
                Err(problem) => {
                    self.problems.push(problem);
                    None
                }
            });
        }
        match (ConfigFile::read(path, kind), otherwise) {
            (Ok(file), _) => Ok(Some(Arc::new(file))),
            (Err(problem), Otherwise::Before(before)) => Ok(self.fall_back(&problem, before, path)),
            (Err(problem), _) if kind == FileKind::User => Err(problem),
            (Err(problem), _) => {
                self.ignored(&problem);
                Ok(None)
            }
        }
    }

    /// What the file said before, if it had effect then.
    fn fall_back(&mut self, problem: &FileProblem, before: &Self, path: &Path) -> Option<Arc<ConfigFile>> {
        let earlier = before.files.iter().find(|file| file.path == path).map(Arc::clone);
        match earlier {
            Some(_) => self.notes.push(format!(
                "could not {}; what the file said before goes on",
                crate::report::chain(problem)
            )),
            None => self.ignored(problem),
        }
        earlier
    }

    fn ignored(&mut self, problem: &FileProblem) {
        self.notes.push(format!("could not {}; the file is ignored", crate::report::chain(problem)));
    }

    fn add(&mut self, file: Arc<ConfigFile>, this_program: Option<&Path>) {
        for (name, entry) in &file.entries {
            if entry.as_ref().is_ok_and(|entry| entry.is_outboard(this_program)) {
                self.notes
                    .push(format!("`{name}` in {} is Outboard itself and is skipped", file.path.display()));
            } else if let Some(first) = self.upstreams.iter().find(|upstream| upstream.name == *name) {
                self.notes.push(format!(
                    "`{name}` in {} is not used: {} has the same name and comes first",
                    file.path.display(),
                    first.file.display()
                ));
            } else {
                let mut entry = entry.clone();
                if file.kind != FileKind::User {
                    self.keep_limits(&file.path, name, &mut entry);
                }
                self.upstreams.push(Configured { name: name.clone(), file: file.path.clone(), entry });
            }
        }
        self.files.push(file);
    }

    /// A project may shorten the time of its calls and not lengthen it.
    fn keep_limits(&mut self, file: &Path, name: &str, entry: &mut Result<Entry, Wrong>) {
        let Ok(entry) = entry else { return };
        let most = self.settings.limits.call;
        let timeout = &mut entry.usage.terms.timeout;
        if timeout.is_some_and(|timeout| timeout > most) {
            *timeout = None;
            self.notes.push(format!(
                "{}: mcpServers.{name}.timeout is longer than your `limits.callSeconds`, which holds",
                file.display()
            ));
        }
    }
}
