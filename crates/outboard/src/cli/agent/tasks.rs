//! Finds the task that is meant, and the user for whom it is done: whoever calls, or the demo's own.
//! A task's file names no commands, so it may be a stranger's.

use std::path::{Component, Path, PathBuf};

use outboard_agent::{
    Task,
    task::{NoTask, Servers},
};
use outboard_demo::{Scratch, tasks};

use crate::{
    cli::{context::Context, input},
    report::{Failure, USAGE, escaped},
};

/// The task that is named, or stands in a file, or is the text itself.
pub(in crate::cli) fn find(given: &str) -> Result<Task, Failure> {
    let wrong = |problem: &NoTask| Failure::could_not(problem).code(USAGE);
    if let Some(task) = tasks::named(given.trim()) {
        return task.map_err(|problem| wrong(&problem));
    }
    let path = Path::new(given);
    let kind = path.extension().and_then(|kind| kind.to_str()).map(str::to_ascii_lowercase);
    let is_name = !given.contains(char::is_whitespace) || path.is_file();
    let read = match kind.as_deref() {
        Some("toml") if is_name => Task::toml(&input::read(path, "the task")?, &beside(path)),
        Some("md" | "markdown") if is_name => Task::markdown(&input::read(path, "the task")?, &beside(path)),
        _ if given == "-" => Ok(Task::text(&input::read(path, "the task")?)),
        _ if path.is_file() => Ok(Task::text(&input::read(path, "the task")?)),
        _ => Ok(Task::text(given)),
    };
    let task = read.map_err(|problem| {
        let names: Vec<&str> = tasks::names().collect();
        wrong(&problem).hint(format_args!("built-in tasks to look at: {}", names.join(", ")))
    })?;
    if task.prompt.is_empty() {
        return Err(Failure::new("there is no task: the text is empty").code(USAGE));
    }
    Ok(task)
}

/// Texts of files in the folder of a task's file, and of none elsewhere: the file may be a stranger's.
fn beside(path: &Path) -> impl Fn(&str) -> Result<String, String> {
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    move |name| {
        // A name and no path: a folder on the way may be a link, too.
        let mut parts = Path::new(name).components();
        let is_name = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        if !is_name {
            return Err(format!("`{}` is no file beside the task", escaped(name)));
        }
        let file = folder.join(name);
        // What is a link leads anywhere.
        let is_file = file.symlink_metadata().is_ok_and(|data| data.is_file());
        if !is_file {
            return Err(format!("there is no file `{}` beside the task", escaped(name)));
        }
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", escaped(name)))
    }
}

/// For whom a task is done.
pub(in crate::cli) enum Place {
    /// Whoever calls.
    Caller,
    /// A user who has the demo's services alone, and whose directories go with this.
    Demo(Scratch),
}

impl Place {
    /// The place of a task; with latency the demo's services answer as slowly as real ones.
    pub(in crate::cli) fn of(task: &Task, latency: bool) -> Result<Self, Failure> {
        match task.servers {
            Servers::Configured => Ok(Self::Caller),
            Servers::Demo => Self::demo(latency),
        }
    }

    /// The demo's user.
    pub(in crate::cli) fn demo(latency: bool) -> Result<Self, Failure> {
        let exe = std::env::current_exe().map_err(|error| Failure::could_not(&error))?;
        tasks::user(&exe, latency).map(Self::Demo).map_err(|error| Failure::could_not(&error))
    }

    /// What holds there.
    pub(in crate::cli) fn context(&self) -> Result<Context, Failure> {
        match self {
            Self::Caller => Context::load(),
            Self::Demo(scratch) => {
                let variables = scratch.environment();
                let directory: PathBuf = scratch.work();
                Context::of_other_user(&directory, move |name| {
                    variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
                })
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    #[test]
    fn a_task_reads_files_of_its_own_folder_and_no_others() {
        let (own, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = own.path();
        fs::write(folder.join("code.ts"), "return 1").unwrap();
        fs::write(other.path().join("secret"), "secret").unwrap();
        symlink(other.path(), folder.join("folder")).unwrap();
        symlink(other.path().join("secret"), folder.join("link")).unwrap();
        let task = folder.join("task.toml");
        let read = beside(&task);
        assert_eq!(read("code.ts").unwrap(), "return 1");
        let absolute = other.path().join("secret").display().to_string();
        for name in ["folder/secret", "folder", "link", "../x", "..", ".", "", "./code.ts/..", &absolute] {
            let told = read(name).unwrap_err();
            assert!(told.ends_with("beside the task"), "{name}: {told}");
        }
        assert!(read("a\u{202e}\u{1b}").unwrap_err().contains("`a\\u{202e}\\u{1b}`"));
    }
}
