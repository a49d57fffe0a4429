//! How a client is to start Outboard: by its name where that finds this very program, else by its path.
//! It only looks; it changes no search path.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};

use super::NAME;

/// The command that starts Outboard as a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) command: String,
    /// Variables that it needs to find the same configuration.
    pub(crate) env: Map<String, Value>,
}

/// Variables that say where Outboard's own files are.
const PLACES: [&str; 2] = ["OUTBOARD_CONFIG_DIR", "OUTBOARD_STATE_DIR"];

impl Program {
    /// This program, for a client that may need its absolute path.
    pub(crate) fn this(
        executable: &Path,
        variable: &dyn Fn(&str) -> Option<String>,
        needs_absolute: bool,
    ) -> Self {
        let on_path = variable("PATH").and_then(|path| found(executable, OsStr::new(&path)));
        let command = match on_path {
            Some(_) if !needs_absolute => NAME.to_owned(),
            // The place on the search path outlives an update that moves the program itself.
            Some(place) => place.display().to_string(),
            None => executable.display().to_string(),
        };
        let set = PLACES.into_iter().filter_map(|name| {
            let value = variable(name).filter(|value| !value.is_empty())?;
            let value = std::path::absolute(&value).map_or(value, |path| path.display().to_string());
            Some((name.to_owned(), Value::from(value)))
        });
        Self { command, env: set.collect() }
    }

    /// What every client hands over.
    pub(super) fn args() -> Value {
        Value::from(vec!["serve"])
    }
}

/// The first `outboard` on the search path, if it is this program.
fn found(executable: &Path, path: &OsStr) -> Option<PathBuf> {
    let name = format!("{NAME}{}", std::env::consts::EXE_SUFFIX);
    let first =
        std::env::split_paths(path).map(|directory| directory.join(&name)).find(|file| file.is_file())?;
    let same = std::fs::canonicalize(&first).ok()? == std::fs::canonicalize(executable).ok()?;
    (same && first.is_absolute()).then_some(first)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_used_where_it_finds_this_very_program() {
        let home = tempfile::tempdir().unwrap();
        let (bin, other, real) =
            (home.path().join("bin"), home.path().join("other"), home.path().join("real"));
        for directory in [&bin, &other, &real] {
            std::fs::create_dir(directory).unwrap();
        }
        let executable = real.join("outboard-1.0");
        std::fs::write(&executable, "").unwrap();
        std::fs::write(other.join("outboard"), "").unwrap();
        std::os::unix::fs::symlink(&executable, bin.join("outboard")).unwrap();
        let text = |path: &Path| path.display().to_string();
        for (path, absolute, expected) in [
            (text(&bin), false, "outboard".to_owned()),
            (text(&bin), true, text(&bin.join("outboard"))),
            (format!("{}:{}", text(&other), text(&bin)), false, text(&executable)),
            (String::new(), false, text(&executable)),
        ] {
            let variable = |name: &str| match name {
                "PATH" => Some(path.clone()),
                "OUTBOARD_STATE_DIR" => Some("/s".to_owned()),
                _ => None,
            };
            let program = Program::this(&executable, &variable, absolute);
            let env = Map::from_iter([("OUTBOARD_STATE_DIR".to_owned(), Value::from("/s"))]);
            assert_eq!(program, Program { command: expected, env }, "{path}");
        }
    }
}
