//! The Python guest: componentize-py runs the driver once and keeps the memory, the guest compiler makes machine
//! code of it, gzip packs that for the program. Talks to pip for componentize-py and the time zones.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use super::{check, compiler, inputs, inputs::Inputs};
use crate::{steps::say, tools};

const DRIVER: &str = "outboard_guest";

/// Packs a file without its name and date, so that the same guest is packed to the same bytes.
const PACK: &str = "import gzip, shutil, sys
with open(sys.argv[1], 'rb') as plain, open(sys.argv[2], 'wb') as out:
    with gzip.GzipFile('', 'wb', 7, out, mtime=0) as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)";

/// Builds the guest in `cache` if its inputs changed.
///
/// # Errors
/// When a tool is missing or a build fails.
pub(super) fn build(root: &Path, cache: &Path) -> Result<()> {
    tools::need(&[("python3", &["-c", "import ensurepip, venv"], "python3-venv")])?;
    let folder = root.join("guests/python");
    let wasm = cache.join("python.wasm");
    let mut of_wasm = Inputs::new(root);
    of_wasm.folder(&folder)?.folder(&folder.join(DRIVER))?.text("system", std::env::consts::OS);
    of_wasm.unless_unchanged(&[&wasm], &cache.join("python.wasm.inputs"), || {
        take_image(&folder, cache, &wasm)
    })?;

    let made = [cache.join("python.cwasm"), cache.join("python.json"), cache.join("python.cwasm.gz")];
    let mut of_code = Inputs::new(root);
    of_code.text("wasm", &of_wasm.digest()).text("pack", PACK);
    compiler::inputs(&mut of_code, root)?;
    of_code.unless_unchanged(&[&made[0], &made[1], &made[2]], &cache.join("python.inputs"), || {
        compile(root, cache, &wasm, &made)
    })
}

/// Imports the driver and the standard library in a component and keeps its memory.
fn take_image(folder: &Path, cache: &Path, wasm: &Path) -> Result<()> {
    let packages = installed(folder, cache)?;
    say("guests: taking the start image of CPython (componentize-py, about 30 s)");
    let work = inputs::scratch(wasm)?;
    let made = work.join("python.wasm");
    let mut command = Command::new(python(cache));
    command.arg(packages.join(if cfg!(windows) { "Scripts" } else { "bin" }).join("componentize-py"));
    command.args(["--quiet", "--wit-path"]).arg(folder.join("world.wit"));
    command.args(["--world", "script", "componentize", DRIVER]);
    command.arg("--python-path").arg(driver(folder, &work)?).arg("--python-path").arg(packages.join("zones"));
    command.arg("--output").arg(&made);
    command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("VIRTUAL_ENV");
    // Elsewhere the seed of the hashes differs from build to build, and so does the image's hash, which
    // journals keep: a replay is then exact only with the very same program.
    if cfg!(target_os = "linux") {
        command.env("LD_PRELOAD", fixed_random(folder, &work)?);
    }
    check("taking the start image of CPython", &command.output().context("start componentize-py")?)?;
    fs::rename(&made, wasm).with_context(|| format!("write {}", wasm.display()))
}

/// A copy of the driver: Python leaves compiled files beside what it imports.
fn driver(folder: &Path, work: &Path) -> Result<PathBuf> {
    let copy = work.join("driver");
    if copy.exists() {
        fs::remove_dir_all(&copy).with_context(|| format!("clear {}", copy.display()))?;
    }
    let package = copy.join(DRIVER);
    fs::create_dir_all(&package).with_context(|| format!("make the folder {}", package.display()))?;
    let source = folder.join(DRIVER);
    for entry in fs::read_dir(&source).with_context(|| format!("read {}", source.display()))? {
        let path = entry?.path();
        if let Some(name) = path.file_name().filter(|_| path.is_file()) {
            fs::copy(&path, package.join(name)).with_context(|| format!("copy {}", path.display()))?;
        }
    }
    Ok(copy)
}

/// The library that makes componentize-py's random bytes the same in every build.
fn fixed_random(folder: &Path, work: &Path) -> Result<PathBuf> {
    let library = work.join("fixed_random.so");
    let mut clang = Command::new("clang");
    clang.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(folder.join("fixed_random.c"));
    check("clang, for fixed_random.c", &clang.output().context("start clang")?)?;
    Ok(library)
}

/// The folder with componentize-py, and the time zones apart from it.
fn installed(folder: &Path, cache: &Path) -> Result<PathBuf> {
    let packages = cache.join("python-packages");
    let requirements = folder.join("requirements.txt");
    let mut of_packages = Inputs::new(folder);
    of_packages.file(&requirements)?;
    of_packages.unless_unchanged(&[&packages], &cache.join("python-packages.inputs"), || {
        say("guests: installing componentize-py and tzdata");
        if packages.exists() {
            fs::remove_dir_all(&packages).with_context(|| format!("clear {}", packages.display()))?;
        }
        let venv = Command::new("python3").args(["-m", "venv"]).arg(&packages).output();
        check("python3 -m venv", &venv.context("start python3")?)?;
        let pip = |arguments: &[&str]| {
            let mut pip = Command::new(python(cache));
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]);
            pip.args(["--require-hashes", "--only-binary", ":all:", "--requirement"]).arg(&requirements);
            pip.args(arguments).output().context("start pip")
        };
        check("installing componentize-py", &pip(&[])?)?;
        // Beside the interpreter's own packages, which have no place in the image.
        let zones = packages.join("zones");
        fs::create_dir_all(&zones).with_context(|| format!("make the folder {}", zones.display()))?;
        let site = Command::new(python(cache))
            .args(["-c", "import os, shutil, sys, tzdata; shutil.copytree(os.path.dirname(tzdata.__file__), sys.argv[1])"])
            .arg(zones.join("tzdata"))
            .output();
        check("copying the time zones", &site.context("start python")?)
    })?;
    Ok(packages)
}

fn python(cache: &Path) -> PathBuf {
    let folder = cache.join("python-packages");
    if cfg!(windows) { folder.join("Scripts/python.exe") } else { folder.join("bin/python") }
}

fn compile(root: &Path, cache: &Path, wasm: &Path, places: &[PathBuf; 3]) -> Result<()> {
    let compiler = compiler::built(root, cache)?;
    say("guests: compiling CPython ahead of time");
    let work = inputs::scratch(&places[0])?;
    let made = [work.join("python.cwasm"), work.join("python.json"), work.join("python.cwasm.gz")];
    let mut command = Command::new(compiler);
    command.arg("component").arg(wasm).args(&made[..2]);
    check("compiling CPython", &command.output().context("start the guest compiler")?)?;
    let mut pack = Command::new("python3");
    pack.args(["-c", PACK]).arg(&made[0]).arg(&made[2]);
    check("packing CPython", &pack.output().context("start python3")?)?;
    for (made, place) in made.iter().zip(places) {
        fs::rename(made, place).with_context(|| format!("write {}", place.display()))?;
    }
    Ok(())
}
