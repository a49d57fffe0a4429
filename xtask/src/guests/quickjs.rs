//! The TypeScript guest: QuickJS-ng and the shim through clang, then its prelude through the guest compiler.
//! What the guest does is not decided here.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::{check, compiler, inputs, inputs::Inputs};
use crate::{steps::say, tools, workspace};

/// The files of the prelude in the order in which they are evaluated.
const PRELUDE: &[&str] = &[
    "primordials.js",
    "errors.js",
    "inspect.js",
    "console.js",
    "numbers.js",
    "collation.js",
    "encoding.js",
    "clone.js",
    "time.js",
    "abort.js",
    "url.js",
    "pages.js",
];

/// What of QuickJS-ng is compiled on its own; `quickjs.c` itself is included by the shim.
const QUICKJS_UNITS: &[&str] = &["libregexp.c", "libunicode.c", "dtoa.c"];

const COMPILE: &[&str] = &[
    "--target=wasm32-wasi",
    "-O2",
    "-DNDEBUG",
    "-D_GNU_SOURCE",
    "-mbulk-memory",
    "-mnontrapping-fptoint",
    "-msign-ext",
];

/// The stack comes first, so that running over its end is a trap and not a silent write. No `-O`
/// here: with it clang would look for wasm-opt.
const LINK: &[&str] = &[
    "--target=wasm32-wasi",
    "-mexec-model=reactor",
    "-Wl,-z,stack-size=1048576",
    "-Wl,--stack-first",
    "-Wl,--strip-all",
];

/// Builds the guest in `cache` if its inputs changed.
///
/// # Errors
/// When a tool is missing or a build fails.
pub(super) fn build(root: &Path, cache: &Path) -> Result<()> {
    need_tools()?;
    let clang = clang_version()?;
    let quickjs = quickjs_sources(root)?;

    let wasm = cache.join("quickjs.wasm");
    let mut of_wasm = Inputs::new(root);
    of_wasm.text("clang", &clang).text("recipe", &format!("{COMPILE:?} {LINK:?} {QUICKJS_UNITS:?}"));
    of_wasm.folder(&root.join("guests/quickjs/shim"))?.text("quickjs", &quickjs.version);
    of_wasm.file(&root.join("crates/outboard-engines/src/flags.rs"))?;
    of_wasm.unless_unchanged(&[&wasm], &cache.join("quickjs.wasm.inputs"), || {
        compile_wasm(root, &quickjs.folder, &wasm)
    })?;

    let image = [cache.join("quickjs.cwasm"), cache.join("quickjs.json")];
    let mut of_image = Inputs::new(root);
    of_image.text("wasm", &of_wasm.digest()).text("prelude", &format!("{PRELUDE:?}"));
    of_image.folder(&root.join("guests/quickjs/prelude"))?;
    compiler::inputs(&mut of_image, root)?;
    of_image.unless_unchanged(&[&image[0], &image[1]], &cache.join("quickjs.inputs"), || {
        compile_image(root, cache, &wasm, &image)
    })
}

/// Clang with what it needs to make WebAssembly. The last package is named after clang's version.
fn need_tools() -> Result<()> {
    tools::need(&[
        ("clang", &["--version"], "clang"),
        ("wasm-ld", &["--version"], "lld"),
        (
            "clang",
            &["--target=wasm32-wasi", "-E", "-include", "stdlib.h", "-x", "c", "/dev/null"],
            "wasi-libc",
        ),
    ])?;
    let major = clang_version()?;
    let major = major.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
    let runtime = format!("libclang-rt-{}-dev-wasm32", major.context("read the version of clang")?);
    let link = ["--target=wasm32-wasi", "-mexec-model=reactor", "-x", "c", "/dev/null", "-o", "/dev/null"];
    tools::need(&[("clang", &link, &runtime)])
}

fn clang_version() -> Result<String> {
    let output = Command::new("clang").arg("--version").output().context("start clang")?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().context("read the version of clang")?.to_owned())
}

/// Where cargo keeps the package that carries QuickJS-ng.
struct QuickjsSources {
    folder: PathBuf,
    version: String,
}

fn quickjs_sources(root: &Path) -> Result<QuickjsSources> {
    #[derive(Deserialize)]
    struct Graph {
        packages: Vec<Package>,
    }
    #[derive(Deserialize)]
    struct Package {
        name: String,
        version: String,
        manifest_path: PathBuf,
    }

    let output = workspace::cargo()
        .args(["metadata", "--format-version", "1", "--locked", "--manifest-path"])
        .arg(root.join("guests/compiler/Cargo.toml"))
        .output()
        .context("start cargo metadata")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "cargo could not fetch the guest compiler's packages:\n{}",
        said.trim_end()
    );
    let graph: Graph = serde_json::from_slice(&output.stdout).context("read what cargo metadata says")?;
    let package = graph.packages.into_iter().find(|package| package.name == "rquickjs-sys");
    let package = package.context("find rquickjs-sys among the guest compiler's packages")?;
    let folder = package.manifest_path.parent().context("find the folder of rquickjs-sys")?.join("quickjs");
    Ok(QuickjsSources { folder, version: package.version })
}

fn compile_wasm(root: &Path, quickjs: &Path, wasm: &Path) -> Result<()> {
    say("guests: compiling QuickJS to WebAssembly (clang, about 20 s)");
    let work = inputs::scratch(wasm)?;
    let abi = abi(root)?;
    let guest = root.join("guests/quickjs/shim/guest.c");
    let units = QUICKJS_UNITS.iter().map(|unit| quickjs.join(unit)).chain([guest]);
    let mut running = Vec::new();
    for unit in units {
        let object = work.join(unit.file_name().context("name a source file")?).with_extension("o");
        let mut clang = Command::new("clang");
        clang.args(COMPILE).arg(format!("-DOB_ABI={abi}")).arg("-I").arg(quickjs);
        // The shim's own warnings are for `-Wall`; those of QuickJS are its authors'.
        clang.arg("-w").arg("-c").arg(&unit).arg("-o").arg(&object);
        let child = clang.stderr(std::process::Stdio::piped()).spawn().context("start clang")?;
        running.push((unit, object, child));
    }
    let mut link = Command::new("clang");
    link.args(LINK);
    for (unit, object, child) in running {
        check(&format!("clang {}", unit.display()), &child.wait_with_output()?)?;
        link.arg(object);
    }
    let linked = work.join("guest.wasm");
    check("clang, linking the guest", &link.arg("-o").arg(&linked).output().context("start clang")?)?;
    fs::rename(&linked, wasm).with_context(|| format!("write {}", wasm.display()))
}

/// The version of the messages, which stands where host and compiler read it.
fn abi(root: &Path) -> Result<String> {
    let path = root.join("crates/outboard-engines/src/flags.rs");
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
    let after = text.split_once("const ABI: u32 = ").context("find ABI in flags.rs")?.1;
    Ok(after.chars().take_while(char::is_ascii_digit).collect())
}

fn compile_image(root: &Path, cache: &Path, wasm: &Path, image: &[PathBuf; 2]) -> Result<()> {
    let compiler = compiler::built(root, cache)?;
    say("guests: taking the start image of QuickJS and compiling it ahead of time");
    let prelude = root.join("guests/quickjs/prelude");
    for entry in fs::read_dir(&prelude).with_context(|| format!("read {}", prelude.display()))? {
        let name = entry?.file_name();
        ensure!(PRELUDE.iter().any(|known| name == *known), "{} is not in PRELUDE", name.display());
    }
    let work = inputs::scratch(&image[0])?;
    let made = [work.join("quickjs.cwasm"), work.join("quickjs.json")];
    let mut command = Command::new(compiler);
    command.arg("module").arg(wasm).args(&made).args(PRELUDE.iter().map(|name| prelude.join(name)));
    check("compiling the guest", &command.output().context("start the guest compiler")?)?;
    for (made, place) in made.iter().zip(image) {
        fs::rename(made, place).with_context(|| format!("write {}", place.display()))?;
    }
    Ok(())
}
