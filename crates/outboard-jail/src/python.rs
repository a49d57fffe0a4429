//! Python that is ready before it is asked for: an interpreter that has started and imported what scripts use, and forks itself for
//! each `python3` of the jail. This says where its parts lie and how it is started; what they do stands in `python/`.
//!
//! It is a process of the jail like any other, with no right that others have not.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// What stands for `python3`: asks the interpreter, or becomes the system's own.
pub(crate) const SHIM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/python3"));
/// What the interpreter runs as it starts.
pub(crate) const INTERPRETER: &str = include_str!("python/sitecustomize.py");
/// Where the shim lies, which comes first on the path.
pub(crate) const PROGRAMS: &str = crate::PYTHON;
/// Where the interpreter's own file lies.
pub(crate) const FOLDER: &str = "/opt/outboard/interpreter";
/// What the interpreter is told to run: nothing, and by this name it finds the place that says so.
pub(crate) const NOTHING: &str = "/opt/outboard/interpreter/nothing-that-is-there";

/// The names under which the system's interpreter is found, and its program. The first is `python3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interpreter {
    pub(crate) program: PathBuf,
    pub(crate) names: Vec<&'static str>,
}

impl Interpreter {
    /// The first on this path, as seen where this is called.
    pub(crate) fn find(environment: &[(String, String)]) -> Option<Self> {
        let path = environment.iter().find_map(|(name, value)| (name == "PATH").then_some(value.as_str()))?;
        let find = |name: &str| {
            let folders = path.split(':').filter(|folder| *folder != PROGRAMS);
            folders.map(|folder| Path::new(folder).join(name)).find(|program| program.is_file())
        };
        let program = find("python3")?;
        let same = |other: &Path| {
            program.canonicalize().is_ok_and(|own| other.canonicalize().is_ok_and(|other| own == other))
        };
        let names = ["python3", "python"];
        let names = names.into_iter().filter(|name| find(name).is_some_and(|other| same(&other))).collect();
        Some(Self { program, names })
    }

    /// The environment of the interpreter that waits, by that of commands.
    pub(crate) fn environment(environment: &[(String, String)]) -> Vec<(String, String)> {
        let mut environment = environment.to_vec();
        let before = |value: &str| format!("{FOLDER}:{value}");
        match environment.iter_mut().find(|(name, _)| name == "PYTHONPATH") {
            Some((_, value)) => *value = before(value),
            None => environment.push(("PYTHONPATH".to_owned(), FOLDER.to_owned())),
        }
        for (_, path) in environment.iter_mut().filter(|(name, _)| name == "PATH") {
            // Otherwise it would think that the shim is itself.
            let others: Vec<&str> = path.split(':').filter(|folder| *folder != PROGRAMS).collect();
            *path = others.join(":");
        }
        environment
    }

    /// What it is called by.
    pub(crate) fn name(&self) -> &OsStr {
        self.program.as_os_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interpreter_is_the_systems_and_comes_first_with_its_own_file() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let given = [pair("PATH", &format!("{PROGRAMS}:/usr/bin:/bin")), pair("PYTHONPATH", "/packages")];
        let environment = Interpreter::environment(&given);
        assert_eq!(environment[0].1, "/usr/bin:/bin");
        assert_eq!(environment[1].1, format!("{FOLDER}:/packages"));
        assert_eq!(Interpreter::environment(&[]), [pair("PYTHONPATH", FOLDER)]);
        assert_eq!(Interpreter::find(&[pair("PATH", PROGRAMS)]), None);
    }
}
