//! Reads the files that the rules look at.
//! Talks to the file system. Skips what is built, installed or not text, and follows no symbolic link.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Folders that hold nothing written by hand.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__", ".venv", ".idea", ".vscode"];
/// Endings of the files that some rule reads.
const READ: &[&str] = &["rs", "md", "toml", "c", "h", "js", "mjs", "ts", "py", "sh"];

/// A text file of the repository.
#[derive(Debug)]
pub(crate) struct File {
    /// The path from the workspace root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Reads every file below `root` that some rule looks at, ordered by path.
///
/// # Errors
/// When a folder or file cannot be read, a file is not UTF-8, or there is not a single Rust file.
pub(crate) fn read(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    descend(root, "", &mut files)?;
    ensure!(files.iter().any(|file| file.path.ends_with(".rs")), "no Rust file below {}", root.display());
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn descend(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<()> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("list {}", folder.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().with_context(|| format!("look at {}", entry.path().display()))?;
        let path = format!("{prefix}{name}");
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            descend(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() && is_read(&path) {
            let text = std::fs::read_to_string(entry.path())
                .with_context(|| format!("read {}", entry.path().display()))?;
            files.push(File { path, text });
        }
    }
    Ok(())
}

fn is_read(path: &str) -> bool {
    path.starts_with(".ci/") || path.rsplit_once('.').is_some_and(|(_, ending)| READ.contains(&ending))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_and_binary_files_are_left_out() {
        let root = std::env::temp_dir().join(format!("outboard-xtask-tree-{}", std::process::id()));
        for path in ["a/b.rs", "target/c.rs", "a/node_modules/d.js", "README.md", ".ci/run", "picture.png"] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let paths: Vec<_> = read(&root).unwrap().into_iter().map(|file| file.path).collect();
        std::fs::remove_dir_all(&root).unwrap();
        assert_eq!(paths, [".ci/run", "README.md", "a/b.rs"]);
    }

    #[test]
    fn a_tree_without_rust_is_a_mistake() {
        let root = std::env::temp_dir().join(format!("outboard-xtask-bare-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        let outcome = read(&root);
        std::fs::remove_dir_all(&root).unwrap();
        assert!(outcome.unwrap_err().to_string().contains("no Rust file"));
    }
}
