//! What a container is furnished with, as one script for its own shell: files, and then a look at what keeps it in.
//! It shows nothing of the host; that is asked of the engine.

use std::path::Path;

use super::standing;
use crate::furnishing::Furnishing;

/// Reads a script from standard input as a whole, which is faster than as it runs, and runs it.
pub(super) const RUN: &str = "eval \"$(cat)\"";

/// Writes every file, and tells on standard output what [`standing`] reads.
pub(super) fn script(furnishing: &Furnishing) -> String {
    let mut script = "set -e\n".to_owned();
    let mut folder = None;
    for (path, text) in furnishing.written() {
        let above = path.parent().map(Path::to_owned);
        if above != folder {
            if let Some(above) = &above {
                script.push_str(&format!("mkdir -p -- {}\n", quoted(&above.to_string_lossy())));
            }
            folder = above;
        }
        // A shell cannot hold the byte 0, and no file of these has one.
        script.push_str(&format!("printf %s {} > {}\n", quoted(text), quoted(&path.to_string_lossy())));
    }
    script + standing::LOOK
}

/// One word of a shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn files_are_written_as_they_are_and_nothing_in_them_is_run() {
        let text = "it's $(touch x) `touch y`\n\\n \"z\" ${HOME}\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's").join("a b");
        let furnishing = Furnishing {
            packages: vec![(path.clone(), text.to_owned()), (PathBuf::from("/x/y"), String::new())],
            ..Furnishing::default()
        };
        let whole = script(&furnishing);
        assert!(
            whole.contains("mkdir -p -- '/home/agent'\n") && whole.contains("mkdir -p -- '/x'\n"),
            "{whole}"
        );
        let only: String =
            whole.lines().skip_while(|line| !line.contains("it'")).collect::<Vec<_>>().join("\n");
        let only = only.split("mkdir -p -- '/x'").next().unwrap();
        let done =
            std::process::Command::new("/bin/bash").args(["-c", only]).current_dir(folder.path()).status();
        assert!(done.unwrap().success(), "{only}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing was run");
    }
}
