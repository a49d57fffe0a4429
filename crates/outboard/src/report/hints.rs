//! What to do about an error: the one place that knows, from the error's own facts and not from its words.
//! An error about which there is nothing to say has no hint.

use std::{
    error::Error,
    io::{self, ErrorKind},
    path::Path,
};

use crate::{
    clients::install::InstallProblem,
    config::{FileProblem, NoHome, Wrong, edit::EditProblem, editing::EditingProblem, store::StoreProblem},
    state_file::StateProblem,
};

/// What to do about an error, or about one of its sources.
pub(super) fn of(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(hint) = one(error) {
            return Some(hint);
        }
        next = error.source();
    }
    None
}

fn one(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(problem) = error.downcast_ref::<FileProblem>() {
        return file(problem);
    }
    if let Some(wrong) = error.downcast_ref::<Wrong>() {
        return Some(wrong.hint.clone());
    }
    if let Some(problem) = error.downcast_ref::<EditingProblem>() {
        return editing(problem);
    }
    if let Some(problem) = error.downcast_ref::<InstallProblem>() {
        return install(problem);
    }
    if let Some(problem) = error.downcast_ref::<StoreProblem>() {
        return store(problem);
    }
    if let Some(problem) = error.downcast_ref::<EditProblem>() {
        return Some(edit(problem));
    }
    if let Some(problem) = error.downcast_ref::<StateProblem>() {
        return state(problem);
    }
    error
        .downcast_ref::<NoHome>()
        .map(|_| "set HOME, or OUTBOARD_CONFIG_DIR and OUTBOARD_STATE_DIR".to_owned())
}

fn file(problem: &FileProblem) -> Option<String> {
    match problem {
        FileProblem::Read { path, source } => access(path, source),
        // Its source tells.
        FileProblem::Syntax { .. } => None,
        FileProblem::NoText { .. } => Some("write it as UTF-8".to_owned()),
        FileProblem::TooLarge { path } => Some(format!("see what it is: ls -l {}", path.display())),
        FileProblem::Setting { wrong, more: 0, .. } => Some(wrong.hint.clone()),
        FileProblem::Setting { wrong, .. } => {
            Some(format!("{}\noutboard doctor tells the others", wrong.hint))
        }
    }
}

fn edit(problem: &EditProblem) -> String {
    match problem {
        EditProblem::Syntax { .. } => "mend the file at that place in an editor",
        EditProblem::Shape { .. } => "write an object there: { }",
        EditProblem::Repeated { .. } => "keep one of them",
        EditProblem::Elsewhere => "write the entry into the file yourself",
    }
    .to_owned()
}

fn store(problem: &StoreProblem) -> Option<String> {
    match problem {
        StoreProblem::Read { path, source } | StoreProblem::Write { path, source } => access(path, source),
        StoreProblem::ReadOnly { path } => Some(format!(
            "chmod u+w {}, or change it where it is made, if a program makes it",
            path.display()
        )),
        StoreProblem::Changed { .. } => Some("run the command again".to_owned()),
        StoreProblem::Unusable { path, .. } => Some(format!("see what it is: file {}", path.display())),
        // Its source tells.
        StoreProblem::Edit { .. } => None,
    }
}

fn access(path: &Path, error: &io::Error) -> Option<String> {
    match error.kind() {
        ErrorKind::PermissionDenied => {
            Some(format!("see who may use it: ls -ld {} {}", directory(path), path.display()))
        }
        ErrorKind::ReadOnlyFilesystem => Some("it is on a file system that cannot be written to".to_owned()),
        ErrorKind::StorageFull => Some("the disk is full".to_owned()),
        ErrorKind::NotADirectory => {
            Some(format!("a part of this path is a file and no directory: {}", directory(path)))
        }
        ErrorKind::NotFound => Some(format!("see what there is: ls -la {}", directory(path))),
        _ => Some(format!("see what it is: ls -ld {}", path.display())),
    }
}

fn directory(path: &Path) -> String {
    path.parent().unwrap_or(path).display().to_string()
}

fn state(problem: &StateProblem) -> Option<String> {
    match problem {
        StateProblem::Read { path, source } | StateProblem::Write { path, source } => access(path, source),
        StateProblem::Content { path, .. } => {
            Some(format!("move it away, and what it remembers is forgotten: mv {0} {0}.old", path.display()))
        }
        StateProblem::Newer { .. } => Some("use the newer Outboard that wrote it".to_owned()),
    }
}

fn install(problem: &InstallProblem) -> Option<String> {
    match problem {
        InstallProblem::Taken { .. } => {
            Some("give that server another name there, then install again".to_owned())
        }
        InstallProblem::NotOurs { name, .. } => Some(format!("take `{name}` out of that file yourself")),
        InstallProblem::NoFile { .. } => {
            Some("a client's configuration can name it by hand: {\"command\": \"outboard\", \"args\": [\"serve\"]}".to_owned())
        }
        InstallProblem::Edit { source, .. } => Some(edit(source)),
        // Told by what they are made of.
        InstallProblem::Store(problem) => store(problem),
        InstallProblem::Records(problem) => state(problem),
    }
}

fn editing(problem: &EditingProblem) -> Option<String> {
    match problem {
        EditingProblem::Exists { .. } => Some("--force replaces it".to_owned()),
        EditingProblem::Missing { there, .. } if there.is_empty() => {
            Some("no outboard.json names any server: outboard add".to_owned())
        }
        EditingProblem::Missing { there, .. } => Some(format!("there are: {}", there.join(", "))),
        EditingProblem::Ambiguous { .. } => Some("say which: --scope user, or --scope project".to_owned()),
        EditingProblem::Shared { file, .. } => {
            Some(format!("other clients read {} too: edit it yourself", file.display()))
        }
        EditingProblem::HomeIsNoProject => {
            Some("go to the project's directory, or leave --scope project out".to_owned())
        }
        EditingProblem::NoFile => Some("outboard add --scope project makes one".to_owned()),
        EditingProblem::Rule { hint, .. } => Some(hint.clone()),
        EditingProblem::Unusable(problem) => file(problem),
        EditingProblem::Store(problem) => store(problem),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::{ConfigFile, FileKind};

    #[test]
    fn every_error_of_a_configuration_file_says_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("outboard.json");
        for (content, hint) in [
            (&b"{"[..], "mend the file at that place"),
            (b"[]", "for example: "),
            (b"{\"mcpServers\": []}", "for example: "),
            (b"{\"a\": 1,\n\"a\": 2}", "keep one of them"),
            (b"{\"limits\": {\"calls\": -1}}", "leave it out for the default"),
            (b"{\"limit\": {}}", "did you mean `limits`?"),
            (&[0xff], "write it as UTF-8"),
        ] {
            std::fs::write(&path, content).unwrap();
            let problem = ConfigFile::read(&path, FileKind::User).unwrap_err();
            assert!(of(&problem).is_some_and(|told| told.contains(hint)), "{problem:?}: {:?}", of(&problem));
        }
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let problem = ConfigFile::read(&path, FileKind::User).unwrap_err();
        assert!(of(&problem).unwrap().starts_with("see what it is: ls -ld "), "{problem:?}");
    }

    #[test]
    fn the_nearest_source_that_says_something_is_heard() {
        let denied = || io::Error::from(ErrorKind::PermissionDenied);
        let path = PathBuf::from("/etc/outboard/outboard.json");
        let problem = EditingProblem::Store(StoreProblem::Write { path: path.clone(), source: denied() });
        assert!(of(&problem).unwrap().contains("ls -ld /etc/outboard "), "{problem}");
        let problem = StoreProblem::Edit { path, source: EditProblem::Elsewhere };
        assert_eq!(of(&problem).as_deref(), Some("write the entry into the file yourself"));
        assert_eq!(of(&io::Error::from(ErrorKind::BrokenPipe)), None);
    }
}
