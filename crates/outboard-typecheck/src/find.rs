//! Finds the checkers on the machine: programs on the search path, and the native program behind npm's launcher.
//! It starts nothing; whether one is new enough shows when it is asked.

use std::{
    env,
    ffi::{OsStr, OsString},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use outboard_runtime::Language;

/// A checker that can be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The language that it checks.
    pub language: Language,
    /// The program itself.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// The checkers that a search path (the value of `PATH`) leads to.
pub fn find(search_path: &OsStr) -> Vec<Program> {
    let found = |name: &str| {
        let folders = env::split_paths(search_path).filter(|folder| folder.is_absolute());
        folders.map(|folder| folder.join(name)).find(|path| is_program(path))
    };
    let arguments = |all: &[&str]| all.iter().map(OsString::from).collect();
    let typescript = found("tsc").and_then(|launcher| native(&launcher)).map(|path| Program {
        language: Language::TypeScript,
        path,
        arguments: arguments(&["--lsp", "--stdio"]),
    });
    let python = found("ty").map(|path| Program {
        language: Language::Python,
        path,
        arguments: arguments(&["server"]),
    });
    typescript.into_iter().chain(python).collect()
}

/// The native program that npm's `tsc` starts, or `tsc` itself if it is one. Older compilers have none.
fn native(launcher: &Path) -> Option<PathBuf> {
    let path = fs::canonicalize(launcher).ok()?;
    let mut start = [0; 2];
    fs::File::open(&path).and_then(|mut file| file.read_exact(&mut start)).ok()?;
    if start != *b"#!" {
        return Some(path);
    }
    // `…/typescript/bin/tsc`, beside which or within which its parts are installed.
    let package = path.parent()?.parent()?;
    let platform = match env::consts::OS {
        "macos" => "darwin",
        other => other,
    };
    let processor = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let part = format!("@typescript/typescript-{platform}-{processor}/lib/tsc");
    [package.join("node_modules"), package.parent()?.to_owned()]
        .iter()
        .map(|modules| modules.join(&part))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn program(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_native_program_behind_a_launcher_is_found_and_an_old_compiler_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        let modules = folder.join("lib/node_modules");
        program(&modules.join("typescript/bin/tsc"), "#!/usr/bin/env node\n");
        fs::create_dir_all(folder.join("bin")).unwrap();
        symlink(modules.join("typescript/bin/tsc"), folder.join("bin/tsc")).unwrap();
        let path = env::join_paths([folder.join("nothing"), folder.join("bin")]).unwrap();
        assert_eq!(find(&path), []);
        let (os, arch) = match (env::consts::OS, env::consts::ARCH) {
            ("macos", "aarch64") => ("darwin", "arm64"),
            ("macos", _) => ("darwin", "x64"),
            (os, "aarch64") => (os, "arm64"),
            (os, _) => (os, "x64"),
        };
        let native = modules.join(format!("@typescript/typescript-{os}-{arch}/lib/tsc"));
        program(&native, "\x7fELF");
        program(&folder.join("bin/ty"), "\x7fELF");
        let found: Vec<(Language, PathBuf)> =
            find(&path).into_iter().map(|program| (program.language, program.path)).collect();
        assert_eq!(found, [(Language::TypeScript, native), (Language::Python, folder.join("bin/ty"))]);
        assert_eq!(find(OsStr::new("bin:.")), [], "a relative folder is whoever's it is");
    }
}
